import {
  type Address,
  AlreadyStored,
  type AppendError,
  type Entry,
  Fenced,
  formatAddress,
  type JournalRecord,
  LogFull,
  type LogLimits,
  LogRefused,
  type Mail,
  shardOf,
  TooLarge
} from "../../runtime/index.ts"
import type { Host } from "./host.ts"
import { Schedules, timerKey } from "./schedules.ts"

/** A group that was stored, or the firing of a timer. The entries have consecutive sequences, from `first` on. */
export interface Commit {
  readonly by: string
  readonly first: number
  readonly last: number
  readonly time: number
  readonly entries: ReadonlyArray<Entry>
}

/** Who looks on while things happen to the stream. */
export interface Observer {
  readonly committed?: (commit: Commit) => void
  readonly refused?: (by: string, group: ReadonlyArray<Entry>, error: AppendError) => void
  readonly purged?: (upTo: number, role: string, mails: ReadonlyArray<Mail>) => void
  readonly answered?: (inbox: string, payload: string) => void
}

interface Stored extends JournalRecord {
  /** Nothing before it has to be read: it holds the actor whole, or is the first. */
  readonly whole: boolean
}

const MAX_PAYLOAD = 1_048_576
const TIMER = "timer"

export const LIMITS: LogLimits = {
  payloadBytesMax: MAX_PAYLOAD - 8_192,
  groupEntriesMax: 1_000,
  groupBytesMax: 4 * 1024 * 1024
}

/**
 * The stream, as one server holds it: every entry has a sequence, and a group is stored whole or not at all.
 *
 * It knows nothing of processes, delays or faults. Nothing here waits.
 */
export class Store {
  readonly shards: number
  /** The server has no room for more. */
  full = false
  /** How long ids are remembered. */
  duplicateWindowMillis = 120_000
  readonly #host: Host
  readonly #observer: Observer
  readonly #schedules: Schedules
  readonly #journals = new Map<string, Array<Stored>>()
  readonly #ids = new Map<string, number>()
  readonly #listeners = new Set<(commit: Commit) => void>()
  #mail: Array<Mail> = []
  #last = 0

  constructor(host: Host, shards: number, observer: Observer = {}) {
    this.#host = host
    this.shards = shards
    this.#observer = observer
    this.#schedules = new Schedules(host, (timer) => this.#fire(timer))
  }

  get lastSequence(): number {
    return this.#last
  }

  /** All mail that is stored now, oldest first. */
  get mail(): ReadonlyArray<Mail> {
    return this.#mail
  }

  /** How many timers have not fired. */
  get timers(): number {
    return this.#schedules.size
  }

  /** Calls back after every commit, in order. */
  listen(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Stores a group, and gives the sequence of its last entry; or says why not, and nothing has changed. */
  append(by: string, group: ReadonlyArray<Entry>, id?: string): number | AppendError {
    const ids = idsOf(group, id)
    const error = this.#faultOf(group, ids)
    if (error !== undefined) {
      this.#observer.refused?.(by, group, error)
      return error
    }
    for (const each of ids) this.#ids.set(each, this.#host.now())
    return this.#commit(by, group)
  }

  /** As NATS is read: the newest record alone, if that is enough, and all otherwise. */
  readJournal(owner: Address): ReadonlyArray<JournalRecord> {
    const records = this.#journals.get(formatAddress(owner)) ?? []
    const newest = records.at(-1)
    const enough = newest?.whole === true ? [newest] : records
    return enough.map(({ sequence, payload }) => ({ sequence, payload }))
  }

  /** The mail after a sequence that is wanted, oldest first, at most `max` of it. */
  readMail(after: number, max: number, wanted: (mail: Mail) => boolean): ReadonlyArray<Mail> {
    const found: Array<Mail> = []
    for (let index = this.#indexAfter(after); index < this.#mail.length && found.length < max; index++) {
      const mail = this.#mail[index]!
      if (wanted(mail)) found.push(mail)
    }
    return found
  }

  mailboxes(role: string): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { to, shard } of this.#mail) {
      const actor = formatAddress(to)
      if (shard.startsWith(`${role}.`)) counts.set(actor, (counts.get(actor) ?? 0) + 1)
    }
    return counts
  }

  purge(upTo: number, role: string): void {
    this.#remove(upTo, role, () => true)
  }

  purgeType(upTo: number, role: string, type: string, except: ReadonlySet<string>): void {
    this.#remove(upTo, role, ({ to }) => to.type === type && !except.has(to.id))
  }

  #remove(upTo: number, role: string, isMeant: (mail: Mail) => boolean): void {
    const goes = (mail: Mail) => mail.sequence <= upTo && mail.shard.startsWith(`${role}.`) && isMeant(mail)
    const gone = this.#mail.filter(goes)
    if (gone.length === 0) return
    this.#observer.purged?.(upTo, role, gone)
    this.#mail = this.#mail.filter((mail) => !goes(mail))
  }

  #indexAfter(sequence: number): number {
    let low = 0
    let high = this.#mail.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#mail[middle]!.sequence <= sequence) low = middle + 1
      else high = middle
    }
    return low
  }

  #faultOf(group: ReadonlyArray<Entry>, ids: ReadonlySet<string>): AppendError | undefined {
    for (const entry of group) {
      const size = "payload" in entry ? Buffer.byteLength(entry.payload) : 0
      if (size > MAX_PAYLOAD) return new TooLarge({ what: "the message", size, limit: MAX_PAYLOAD })
    }
    if (this.full) return new LogFull({ detail: "no room", retry_after_ms: 100 })
    if (saysTwice(group)) return new LogRefused({ code: 10_202, detail: "a subject twice in a group" })
    for (const id of ids) if (this.#knows(id)) return new AlreadyStored()
    for (const entry of group) {
      if (entry.kind !== "journal") continue
      const last = this.#journals.get(formatAddress(entry.owner))?.at(-1)?.sequence ?? 0
      if (last !== entry.expected) return new Fenced({ detail: `expected ${entry.expected}, the last is ${last}` })
    }
    return undefined
  }

  #knows(id: string): boolean {
    const since = this.#ids.get(id)
    return since !== undefined && this.#host.now() - since < this.duplicateWindowMillis
  }

  #commit(by: string, entries: ReadonlyArray<Entry>): number {
    const time = Math.floor(this.#host.now())
    const first = this.#last + 1
    for (const entry of entries) this.#add(entry, ++this.#last, time)
    const commit = { by, first, last: this.#last, time, entries }
    this.#observer.committed?.(commit)
    for (const listener of [...this.#listeners]) listener(commit)
    return this.#last
  }

  #add(entry: Entry, sequence: number, time: number): void {
    switch (entry.kind) {
      case "mail": {
        const { to, payload } = entry
        this.#mail.push({ to, shard: shardOf(to, this.shards), sequence, time, payload })
        return
      }
      case "journal": {
        const { owner, payload, expected, snapshot, truncate, unschedules } = entry
        if (unschedules !== undefined) this.#schedules.remove(owner, unschedules)
        const key = formatAddress(owner)
        const stored = { sequence, payload, whole: snapshot || expected === 0 }
        const records = this.#journals.get(key)
        if (records === undefined || truncate) this.#journals.set(key, [stored])
        else records.push(stored)
        return
      }
      case "timer":
        return this.#schedules.set(entry)
      case "untimer":
        return this.#schedules.remove(entry.owner, entry.name)
      case "event":
      case "dead":
        return
    }
  }

  #fire({ owner, payload }: Extract<Entry, { kind: "timer" }>): boolean {
    if (this.full) return false
    this.#commit(TIMER, [{ kind: "mail", to: owner, payload }])
    return true
  }
}

/** The server knows only one list of ids: an actor's are told apart by its name. As on NATS, only mail carries a group's id. */
const idsOf = (group: ReadonlyArray<Entry>, groupId: string | undefined): ReadonlySet<string> => {
  const ids = new Set<string>()
  for (const [index, entry] of group.entries()) {
    if (entry.kind !== "mail" && entry.kind !== "event") continue
    if (entry.kind === "mail" && entry.id !== undefined) ids.add(`${formatAddress(entry.to)} ${entry.id}`)
    else if (index === 0 && groupId !== undefined) ids.add(groupId)
  }
  return ids
}

/** Two words on one timer, or two records of one actor. */
const saysTwice = (group: ReadonlyArray<Entry>): boolean => {
  const said = new Set<string>()
  for (const entry of group) {
    const key =
      entry.kind === "timer" || entry.kind === "untimer"
        ? timerKey(entry.owner, entry.name)
        : entry.kind === "journal"
          ? formatAddress(entry.owner)
          : undefined
    if (key === undefined) continue
    if (said.has(key)) return true
    said.add(key)
  }
  return false
}

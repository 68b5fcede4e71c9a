import {
  type Address,
  type CommitRecord,
  canonical,
  type Entry,
  type Envelope,
  parseEnvelope,
  type StepRecord
} from "../../runtime/index.ts"
import { Broken, INVARIANTS } from "./breach.ts"
import type { Fold, MessageEnvelope } from "./fold.ts"

/** A record as it was stored: with its sequence, and all that was stored in the same group. */
export interface StoredRecord {
  readonly record: CommitRecord
  readonly sequence: number
  readonly group: ReadonlyArray<Entry>
}

/** What lies in mailboxes, also what was removed: by sequence. */
export type Mailboxes = (sequence: number) => { readonly to: string; readonly envelope: Envelope } | undefined

/** One actor's life as its journal tells it, held to the laws record by record. */
export class Life {
  readonly name: string
  readonly address: Address
  readonly #fold: Fold | undefined
  readonly #mailboxes: Mailboxes
  readonly steps: Array<StepRecord> = []
  readonly #consumed = new Set<number>()
  readonly #ids = new Set<string>()
  /** By a sender's key: what it stands for. */
  readonly #keys = new Map<string, string>()
  /** Open timers and activities, each with its generation. */
  readonly timers = new Map<string, number>()
  readonly activities = new Map<string, number>()
  /** When timers are due, by name. */
  readonly #due = new Map<string, number>()
  /** Who wants to be told when it stops, and by which message. */
  readonly #watchers = new Map<string, unknown>()
  #state: unknown
  /** The state after each step that changed it, oldest first. */
  readonly #states: Array<{ readonly sequence: number; readonly state: unknown; readonly events: number }> = []
  #last = 0
  events = 0
  stopped = false
  /** By message id, the answers that are stored: the last word counts. */
  readonly answers = new Map<string, string>()

  constructor(name: string, address: Address, fold: Fold | undefined, mailboxes: Mailboxes) {
    this.name = name
    this.address = address
    this.#fold = fold
    this.#mailboxes = mailboxes
    this.#state = fold?.initial(address)
  }

  /** The last message whose effect is stored. */
  get consumed(): number {
    return this.steps.at(-1)?.sequence ?? 0
  }

  get state(): unknown {
    return this.#state
  }

  hasTaken(sequence: number, id: string | undefined): boolean {
    return this.#consumed.has(sequence) || (id !== undefined && this.#ids.has(id))
  }

  /** The key of a message stands for another one, which was taken. */
  hasKeyOfAnother(once: string): boolean {
    const known = this.#keys.get(keyOf(once))
    return known !== undefined && known !== once
  }

  /** It lets a message pass: it answers it at most. It was asked when all that lies before had its effect. */
  isIndifferentTo(sequence: number, time: number, envelope: MessageEnvelope): boolean {
    if (this.#fold === undefined) return false
    const before = this.#states.findLast((each) => each.sequence < sequence)
    const state = before === undefined ? this.#fold.initial(this.address) : before.state
    return this.#fold.isIndifferentTo(state, { self: this.address, sequence, time, envelope })
  }

  /** How many events are of messages before one. */
  eventsBefore(sequence: number): number {
    return this.#states.findLast((each) => each.sequence < sequence)?.events ?? 0
  }

  follow(stored: StoredRecord): void {
    const { record, sequence } = stored
    if (record.previous !== this.#last) {
      this.#break("history", `record ${sequence} says it follows ${record.previous}, and the last was ${this.#last}`)
    }
    this.#last = sequence
    for (const step of record.steps) this.#take(step, sequence)
    this.#checkEntries(stored)
    if (record.snapshot !== undefined) this.#checkSnapshot(record.snapshot, sequence)
  }

  #take(step: StepRecord, record: number): void {
    const place = `${step.message} at ${step.sequence}, record ${record}`
    const mail = this.#mailboxes(step.sequence)
    if (mail === undefined || mail.to !== this.name) return this.#break("mailbox", `no such message: ${place}`)
    if (this.#consumed.has(step.sequence)) this.#break("once", `a second step for ${place}`)
    if (step.sequence < this.consumed) this.#break("order", `${place} came after ${this.consumed}`)
    if (step.id !== undefined && this.#ids.has(step.id)) this.#break("once", `a second step for ${step.id}: ${place}`)
    if (step.once !== undefined && this.hasKeyOfAnother(step.once)) this.#break("key", `${step.once}: ${place}`)
    this.#checkOpen(mail.envelope, place)
    this.#checkDue(mail.envelope, step.time, place)
    if (this.stopped && decides(step)) this.#break("over", place)
    this.#consumed.add(step.sequence)
    if (step.id !== undefined) this.#ids.add(step.id)
    if (step.once !== undefined) this.#keys.set(keyOf(step.once), step.once)
    this.steps.push(step)
    this.#apply(step)
  }

  #checkOpen(envelope: Envelope, place: string): void {
    if (envelope.kind === "timer" && this.timers.get(envelope.name) !== envelope.generation) {
      const open = this.timers.get(envelope.name) ?? "none"
      this.#break("timer", `${envelope.name} of ${envelope.generation} fired, and open is ${open}: ${place}`)
    }
    if (envelope.kind === "outcome" && this.activities.get(envelope.key) !== envelope.generation) {
      const open = this.activities.get(envelope.key) ?? "none"
      this.#break("outcome", `${envelope.key} of ${envelope.generation} ended, and open is ${open}: ${place}`)
    }
  }

  #checkDue(envelope: Envelope, time: number, place: string): void {
    const due = envelope.kind === "timer" ? this.#due.get(envelope.name) : undefined
    if (due !== undefined && time < due) this.#break("due", `due at ${due}, fired at ${time}: ${place}`)
  }

  #apply(step: StepRecord): void {
    for (const name of step.cancelled ?? []) this.timers.delete(name)
    for (const [name, at] of Object.entries(step.timers ?? {})) {
      this.timers.set(name, step.sequence)
      this.#due.set(name, at)
    }
    for (const key of step.ended ?? []) this.activities.delete(key)
    for (const key of Object.keys(step.started ?? {})) this.activities.set(key, step.sequence)
    for (const watcher of step.unwatched ?? []) this.#watchers.delete(watcher)
    for (const [watcher, told] of Object.entries(step.watched ?? {})) this.#watchers.set(watcher, told)
    for (const [id, answer] of Object.entries(step.answers ?? {})) this.answers.set(id, canonical(answer))
    const { events } = step
    if (events !== undefined) {
      this.#state = this.#fold?.evolve(this.#state, events)
      this.events += events.length
      this.#states.push({ sequence: step.sequence, state: this.#state, events: this.events })
    }
    if (step.stopped !== true) return
    const open = [...this.timers.keys(), ...this.activities.keys()]
    if (open.length > 0)
      this.#break("closed", `stopped by ${step.message} at ${step.sequence}, and open is ${open.join()}`)
    this.stopped = true
    this.#watchers.clear()
  }

  /** The last word on each timer in this record has its entry, and each parked message its letter. */
  #checkEntries({ record, sequence, group }: StoredRecord): void {
    const own = group.filter((entry) => "owner" in entry && `${entry.owner.type}/${entry.owner.id}` === this.name)
    const entries = own.flatMap((entry) => {
      if (entry.kind === "timer") return [`${entry.name} set to ${entry.at} by ${generationOf(entry.payload)}`]
      const name = entry.kind === "untimer" ? entry.name : entry.kind === "journal" ? entry.unschedules : undefined
      return name === undefined ? [] : [`${name} cancelled`]
    })
    const words = new Map<string, string | undefined>()
    for (const step of record.steps) {
      const fired = this.#mailboxes(step.sequence)?.envelope
      for (const name of step.cancelled ?? []) {
        // What has fired is not there any more. It may be cancelled all the same.
        const gone = fired?.kind === "timer" && fired.name === name && !entries.includes(`${name} cancelled`)
        words.set(name, gone ? undefined : `${name} cancelled`)
      }
      for (const [name, at] of Object.entries(step.timers ?? {}))
        words.set(name, `${name} set to ${at} by ${step.sequence}`)
    }
    const wanted = [...words.values()].filter((word) => word !== undefined)
    if (wanted.sort().join() !== entries.sort().join()) {
      this.#break("whole", `record ${sequence} is stored with timers [${entries.join()}], and says [${wanted.join()}]`)
    }
    const parked = record.steps.filter((step) => step.parked !== undefined).length
    const letters = own.filter(({ kind }) => kind === "dead").length
    if (parked !== letters) this.#break("whole", `record ${sequence} parks ${parked} messages with ${letters} letters`)
  }

  #checkSnapshot(snapshot: NonNullable<CommitRecord["snapshot"]>, sequence: number): void {
    const differ = (what: string, stored: unknown, folded: unknown) => {
      const [one, other] = [canonical(stored), canonical(folded)]
      if (one !== other) this.#break("fold", `${what} in record ${sequence} is ${one}, and folded ${other}`)
    }
    differ("consumed", snapshot.consumed, this.consumed)
    differ("timers", snapshot.timers, Object.fromEntries(this.timers))
    differ("watchers", snapshot.watchers ?? {}, Object.fromEntries(this.#watchers))
    const generations = Object.entries(snapshot.activities).map(([key, { generation }]) => [key, generation])
    differ("activities", Object.fromEntries(generations), Object.fromEntries(this.activities))
    if (this.#fold === undefined || this.stopped) return
    const folded = this.#fold.format(this.#state)
    if (canonical(snapshot.state) !== folded) {
      this.#break("fold", `state in record ${sequence} is ${canonical(snapshot.state)}, and folded ${folded}`)
    }
  }

  #break(law: keyof typeof INVARIANTS, detail: string): never {
    throw new Broken(INVARIANTS[law], `${this.name}: ${detail}`)
  }
}

/** What comes after the end is parked because of it, or no message at all. */
const decides = ({ failure, events, timers, started, watched }: StepRecord): boolean =>
  failure === "decide" || (events ?? timers ?? started ?? watched) !== undefined

/** Of the message by which a timer fires. */
const generationOf = (payload: string): number | undefined => {
  const envelope = parseEnvelope(payload)
  return envelope.kind === "timer" ? envelope.generation : undefined
}

const keyOf = (once: string): string => once.slice(0, once.indexOf(":"))

import type { Mail } from "../../log.ts"

/** What one actor may have waiting in memory: messages, and characters of their payloads. */
const MESSAGES_MAX = 8_192
const CHARACTERS_MAX = 8 * 1024 * 1024
/** Below this more is read of what was set aside. */
const MESSAGES_LOW = 1_024
const CHARACTERS_LOW = 1024 * 1024
/** So many messages are few. */
const SHORT = 64

/** Mail that stays in the log alone, to be read when there is room: from one sequence to another. */
export interface Backlog {
  readonly from: number
  readonly upTo: number
  /** How many messages at least. */
  readonly count: number
}

/** A backlog with one more message at its end. */
export const extended = (backlog: Backlog | undefined, { sequence }: Mail): Backlog =>
  backlog === undefined
    ? { from: sequence, upTo: sequence, count: 1 }
    : { from: Math.min(backlog.from, sequence), upTo: Math.max(backlog.upTo, sequence), count: backlog.count + 1 }

/**
 * The mail of one actor that is not decided yet: as much as fits in memory, and how far it reaches in the log beyond that.
 *
 * Invariants:
 * 1. `queue` is in order of sequence, and all of it is before `backlog`.
 * 2. Once something is set aside, all that comes later is, until the backlog has been read.
 * 3. What was read counts only if the backlog still begins where it was read from: what was set aside meanwhile is before it.
 */
export class Mailbox {
  readonly #queue: Array<Mail> = []
  #characters = 0
  #backlog: Backlog | undefined
  /** Where the part of the backlog begins that is being read. */
  #reading: number | undefined
  /** Sequences in memory, or on their way through a commit, that were read from the backlog. */
  readonly #reread = new Set<number>()

  constructor(backlog?: Backlog) {
    this.#backlog = backlog
  }

  get queue(): ReadonlyArray<Mail> {
    return this.#queue
  }

  get backlog(): Backlog | undefined {
    return this.#backlog
  }

  /** There is a backlog, or some of what was read from it is not done. */
  get behind(): boolean {
    return this.#backlog !== undefined || this.#reread.size > 0
  }

  /** So little is in memory that to read it again would take longer than to read a journal. */
  get isShort(): boolean {
    return this.#queue.length <= SHORT
  }

  /** How many messages wait. */
  get waiting(): number {
    return this.#queue.length + (this.#backlog?.count ?? 0)
  }

  /** The oldest sequence that waits. */
  get oldest(): number | undefined {
    return this.#queue[0]?.sequence ?? this.#backlog?.from
  }

  /** From where the backlog is to be read now; nothing if there is none, or no room, or it is being read. To be read then. */
  beginReading(): number | undefined {
    const enough = this.#queue.length >= MESSAGES_LOW || this.#characters >= CHARACTERS_LOW
    if (this.#reading !== undefined || enough) return undefined
    this.#reading = this.#backlog?.from
    return this.#reading
  }

  /** Takes a message that was just delivered. False if it was set aside, as asked or for want of room: it is not in memory. */
  offer(mail: Mail, aside = false): boolean {
    const full = this.#queue.length >= MESSAGES_MAX || this.#characters + mail.payload.length > CHARACTERS_MAX
    if (aside || this.#backlog !== undefined || (full && this.#queue.length > 0)) {
      this.#backlog = extended(this.#backlog, mail)
      return false
    }
    this.#push(mail)
    return true
  }

  /** Takes what was read of the backlog: nothing, if it is not in the log any more. Gives how many messages are in memory now. */
  refill(mails: ReadonlyArray<Mail>): number {
    const backlog = this.#backlog
    const from = this.#reading
    this.#reading = undefined
    if (backlog === undefined || backlog.from !== from) return 0 // invariant 3
    let taken = 0
    let last = mails.length === 0 ? backlog.upTo : from - 1
    for (const mail of mails) {
      last = Math.min(mail.sequence, backlog.upTo)
      // What comes later has not been delivered yet, and will be. Before it, there is nothing more.
      if (mail.sequence > backlog.upTo) break
      this.#push(mail)
      this.#reread.add(mail.sequence)
      taken++
    }
    const count = Math.max(1, backlog.count - taken)
    this.#backlog = last >= backlog.upTo ? undefined : { from: last + 1, upTo: backlog.upTo, count }
    return taken
  }

  /** What was being read is not wanted any more. */
  forgetReading(): void {
    this.#reading = undefined
  }

  /** Removes the first `count` messages, which were decided. */
  shift(count: number): void {
    for (const mail of this.#queue.splice(0, count)) this.#characters -= mail.payload.length
  }

  /** Gives back messages that were taken, to be decided again. */
  unshift(mails: ReadonlyArray<Mail>): void {
    this.#queue.unshift(...mails)
    for (const mail of mails) this.#characters += mail.payload.length
  }

  /** Leaves everything in the log alone. Gives what was in memory. */
  setAllAside(): ReadonlyArray<Mail> {
    const all = this.#queue.splice(0)
    this.#characters = 0
    let backlog: Backlog | undefined
    for (const mail of all) backlog = extended(backlog, mail)
    const rest = this.#backlog
    if (backlog === undefined || rest === undefined) this.#backlog = backlog ?? rest
    else this.#backlog = { from: backlog.from, upTo: rest.upTo, count: backlog.count + rest.count }
    return all
  }

  /** Whether a message was read from the backlog; it is asked once, when the message leaves memory. */
  wasReread(mail: Mail): boolean {
    return this.#reread.size > 0 && this.#reread.delete(mail.sequence)
  }

  #push(mail: Mail): void {
    this.#queue.push(mail)
    this.#characters += mail.payload.length
  }
}

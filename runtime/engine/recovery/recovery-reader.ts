import { Effect } from "effect"
import { type Address, formatAddress } from "../../address.ts"
import { NewerVersion } from "../../errors.ts"
import type { JournalRecord, LogStorage, Mail } from "../../log.ts"

const LOADS_MAX = 128
const PAGE = 1_024
/** How long until a reading that failed is tried again: twice as long each time, up to a limit. */
const AGAIN_MILLIS = 50
const AGAIN_MILLIS_MAX = 2_000
/** A server that is behind the others may not have what was delivered already. */
const EMPTY_AGAIN_MILLIS = 200
const EMPTY_TRIES = 25

/** Who is read for. */
export interface Recoverable {
  readonly address: Address
  /** Takes the journal. Throws for a record that cannot be read or evolved, or is too new. */
  recover(records: ReadonlyArray<JournalRecord>): void
  /** Takes mail of the actor; none where it is not in the log any more. */
  refill(mails: ReadonlyArray<Mail>): void
}

/** What becomes of an actor whose journal cannot be read. */
export interface RecoveryHost<A> {
  readonly fork: (effect: Effect.Effect<void>) => unknown
  /** Calls back after so many milliseconds. */
  readonly later: (millis: number, callback: () => void) => void
  readonly quarantine: {
    readonly tooOld: (activation: A, error: NewerVersion) => void
    readonly giveUp: (activation: A, cause: unknown) => void
  }
}

/** After how many milliseconds a reading is tried again; nothing once it is done. */
type Again = number | undefined

interface PendingRead<A> {
  readonly activation: A
  /** Tries it; `tries` is how often that was done before. */
  readonly read: (tries: number) => Effect.Effect<Again>
  readonly tries: number
}

/**
 * Reads journals and mail for activations, so many at once, again until it succeeds or the activation is given up. A reading
 * that waits to be tried again takes no place from others.
 */
export class RecoveryReader<A extends Recoverable> {
  readonly #log: Pick<LogStorage, "readJournal" | "readMail">
  readonly #host: RecoveryHost<A>
  readonly #wanted = new Set<A>()
  #queue: Array<PendingRead<A>> = []
  /** What comes next in the queue: what lies before it was taken. */
  #next = 0
  /** Whose journal is being read, or to be read. */
  readonly #journals = new Set<A>()
  #running = 0

  constructor(log: Pick<LogStorage, "readJournal" | "readMail">, host: RecoveryHost<A>) {
    this.#log = log
    this.#host = host
  }

  /** Reads the journal and gives it to `recover`. */
  journal(activation: A): void {
    if (this.#journals.has(activation)) return
    this.#journals.add(activation)
    this.#wanted.add(activation)
    this.#add({ activation, tries: 0, read: (tries) => this.#readJournal(activation, tries) })
  }

  /** Reads mail from a sequence on and gives it to `refill`. */
  mail(activation: A, from: number): void {
    this.#wanted.add(activation)
    this.#add({ activation, tries: 0, read: this.#readMail(activation, from) })
  }

  /** The activation is given up: nothing is read for it any more. */
  forget(activation: A): void {
    this.#wanted.delete(activation)
    this.#journals.delete(activation)
  }

  #add(reading: PendingRead<A>): void {
    this.#queue.push(reading)
    this.#startNext()
  }

  #startNext(): void {
    while (this.#running < LOADS_MAX && this.#next < this.#queue.length) {
      const reading = this.#queue[this.#next++]!
      if (!this.#wanted.has(reading.activation)) continue
      this.#running++
      this.#host.fork(this.#run(reading))
    }
    // Not each time: to move a long queue up costs more than to read a journal.
    if (this.#next * 2 < this.#queue.length) return
    this.#queue = this.#queue.slice(this.#next)
    this.#next = 0
  }

  #run(reading: PendingRead<A>): Effect.Effect<void> {
    const { activation, read, tries } = reading
    return read(tries).pipe(
      Effect.map((again) => {
        if (again === undefined || !this.#wanted.has(activation)) return
        this.#host.later(again, () => this.#add({ ...reading, tries: tries + 1 }))
      }),
      Effect.ensuring(
        Effect.sync(() => {
          this.#running--
          this.#startNext()
        })
      )
    )
  }

  #readJournal(activation: A, tries: number): Effect.Effect<Again> {
    return this.#log.readJournal(activation.address).pipe(
      Effect.map((records) => {
        this.#journals.delete(activation)
        if (this.#wanted.has(activation)) activation.recover(records)
        return undefined
      }),
      Effect.catch(() => Effect.succeed(againAfter(tries))),
      Effect.catchDefect((defect) => Effect.sync(() => this.#refuse(activation, defect)))
    )
  }

  #refuse(activation: A, defect: unknown): undefined {
    this.#journals.delete(activation)
    if (defect instanceof NewerVersion) this.#host.quarantine.tooOld(activation, defect)
    else this.#host.quarantine.giveUp(activation, defect)
  }

  #readMail(activation: A, from: number): PendingRead<A>["read"] {
    let empty = 0
    const took = (mails: ReadonlyArray<Mail>): Effect.Effect<Again> => {
      if (!this.#wanted.has(activation)) return Effect.undefined
      return mails.length === 0 && empty++ < EMPTY_TRIES
        ? Effect.succeed(EMPTY_AGAIN_MILLIS)
        : this.#give(activation, mails)
    }
    return (tries) =>
      this.#log.readMail(activation.address, from - 1, PAGE).pipe(
        Effect.flatMap(took),
        Effect.catch(() => Effect.succeed(againAfter(tries)))
      )
  }

  #give(activation: A, mails: ReadonlyArray<Mail>): Effect.Effect<undefined> {
    const gone = "mail was removed from the log by somebody else"
    const said = mails.length > 0 ? Effect.void : Effect.logWarning(gone, { actor: formatAddress(activation.address) })
    return Effect.map(said, () => {
      activation.refill(mails)
      return undefined
    })
  }
}

const againAfter = (tries: number): number => Math.min(AGAIN_MILLIS_MAX, AGAIN_MILLIS * 2 ** tries)

import { Effect, Schedule } from "effect"
import { formatAddress } from "../address.ts"
import { NewerVersion } from "../errors.ts"
import type { ActorLog, Mail } from "../log.ts"
import type { Activation } from "./activation.ts"

const LOADS_MAX = 128
const PAGE = 1_024
const LOAD_AGAIN = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("2 seconds")])
/** A server that is behind the others may not have what was delivered already. */
const EMPTY_AGAIN = Schedule.spaced("200 millis").pipe(Schedule.upTo({ times: 25 }))

/** What becomes of an activation whose journal cannot be read. */
export interface LoadsHost {
  readonly fork: (effect: Effect.Effect<void>) => unknown
  readonly tooOld: (activation: Activation, error: NewerVersion) => void
  readonly giveUp: (activation: Activation, cause: unknown) => void
}

/** Reads journals and mail for activations, so many at once, again until it succeeds or the activation is given up. */
export class Loads {
  readonly #log: ActorLog["Service"]
  readonly #host: LoadsHost
  readonly #wanted = new Set<Activation>()
  #queue: Array<{ readonly activation: Activation; readonly read: Effect.Effect<void> }> = []
  /** What comes next in the queue: what lies before it was taken. */
  #next = 0
  /** Whose journal is being read, or to be read. */
  readonly #journals = new Set<Activation>()
  #running = 0

  constructor(log: ActorLog["Service"], host: LoadsHost) {
    this.#log = log
    this.#host = host
  }

  /** Reads the journal and gives it to `recover`. */
  journal(activation: Activation): void {
    if (this.#journals.has(activation)) return
    this.#journals.add(activation)
    this.#add(activation, this.#readJournal(activation))
  }

  /** Reads mail from a sequence on and gives it to `refill`. */
  mail(activation: Activation, from: number): void {
    this.#add(activation, this.#readMail(activation, from))
  }

  /** The activation is given up: nothing is read for it any more. */
  forget(activation: Activation): void {
    this.#wanted.delete(activation)
    this.#journals.delete(activation)
  }

  #add(activation: Activation, read: Effect.Effect<void>): void {
    this.#wanted.add(activation)
    this.#queue.push({ activation, read })
    this.#startNext()
  }

  #startNext(): void {
    while (this.#running < LOADS_MAX && this.#next < this.#queue.length) {
      const { activation, read } = this.#queue[this.#next++]!
      if (!this.#wanted.has(activation)) continue
      this.#running++
      this.#host.fork(
        Effect.ensuring(
          read,
          Effect.sync(() => this.#ended())
        )
      )
    }
    // Not each time: to move a long queue up costs more than to read a journal.
    if (this.#next * 2 < this.#queue.length) return
    this.#queue = this.#queue.slice(this.#next)
    this.#next = 0
  }

  #ended(): void {
    this.#running--
    this.#startNext()
  }

  #readJournal(activation: Activation): Effect.Effect<void> {
    return this.#log.readJournal(activation.address).pipe(
      Effect.retry({ while: () => this.#wanted.has(activation), schedule: LOAD_AGAIN }),
      Effect.map((records) => {
        this.#journals.delete(activation)
        if (this.#wanted.has(activation)) activation.recover(records)
      }),
      Effect.catch(() => Effect.void),
      Effect.catchDefect((defect) => Effect.sync(() => this.#refuse(activation, defect)))
    )
  }

  #refuse(activation: Activation, defect: unknown): void {
    this.#journals.delete(activation)
    if (defect instanceof NewerVersion) this.#host.tooOld(activation, defect)
    else this.#host.giveUp(activation, defect)
  }

  #readMail(activation: Activation, from: number): Effect.Effect<void> {
    const page = this.#log.readMail(activation.address, from - 1, PAGE)
    return page.pipe(
      Effect.retry({ while: () => this.#wanted.has(activation), schedule: LOAD_AGAIN }),
      Effect.repeat({ until: (mails) => mails.length > 0 || !this.#wanted.has(activation), schedule: EMPTY_AGAIN }),
      Effect.flatMap((mails) => this.#give(activation, Array.isArray(mails) ? mails : [])),
      Effect.catch(() => Effect.void)
    )
  }

  #give(activation: Activation, mails: ReadonlyArray<Mail>): Effect.Effect<void> {
    if (!this.#wanted.has(activation)) return Effect.void
    const gone = "mail was removed from the log by somebody else"
    const said = mails.length > 0 ? Effect.void : Effect.logWarning(gone, { actor: formatAddress(activation.address) })
    return Effect.andThen(
      said,
      Effect.sync(() => activation.refill(mails))
    )
  }
}

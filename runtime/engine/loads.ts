import { Clock, Effect, Schedule } from "effect"
import { formatAddress } from "../address.ts"
import type { ActorLog, Entry } from "../log.ts"
import type { Activation } from "./activation.ts"

const LOADS_MAX = 128
const REASON_CHARACTERS_MAX = 1_000
const LOAD_AGAIN = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("2 seconds")])

/** Reads journals for activations, so many at once, again until it succeeds or the activation is given up. */
export class Loads {
  readonly #log: ActorLog["Service"]
  readonly #fork: (effect: Effect.Effect<void>) => unknown
  readonly #wanted = new Set<Activation>()
  #queue: Array<Activation> = []
  #running = 0

  constructor(log: ActorLog["Service"], fork: (effect: Effect.Effect<void>) => unknown) {
    this.#log = log
    this.#fork = fork
  }

  add(activation: Activation): void {
    this.#wanted.add(activation)
    this.#queue.push(activation)
    this.#startNext()
  }

  cancel(activation: Activation): void {
    this.#wanted.delete(activation)
  }

  #startNext(): void {
    let taken = 0
    while (this.#running < LOADS_MAX && taken < this.#queue.length) {
      const activation = this.#queue[taken++]!
      if (!this.#wanted.has(activation)) continue
      this.#running++
      this.#fork(this.#read(activation))
    }
    if (taken > 0) this.#queue = this.#queue.slice(taken)
  }

  #read(activation: Activation): Effect.Effect<void> {
    return this.#log.readJournal(activation.address).pipe(
      Effect.retry({ while: () => this.#wanted.has(activation), schedule: LOAD_AGAIN }),
      Effect.map((records) => {
        if (this.#wanted.delete(activation)) activation.recover(records)
      }),
      Effect.catch(() => Effect.void),
      Effect.catchDefect((defect) => this.#giveUp(activation, String(defect))),
      Effect.ensuring(
        Effect.sync(() => {
          this.#running--
          this.#startNext()
        })
      )
    )
  }

  /** A record cannot be read or evolved. The actor stops, which is said; the rest of the node goes on. */
  #giveUp(activation: Activation, reason: string): Effect.Effect<void> {
    activation.fail()
    const actor = formatAddress(activation.address)
    return Effect.logError("actor cannot be recovered", { actor, reason }).pipe(
      Effect.andThen(Clock.currentTimeMillis),
      Effect.flatMap((now) => this.#log.append([unrecoverable(actor, reason, now)])),
      Effect.ignore
    )
  }
}

const unrecoverable = (actor: string, reason: string, now: number): Entry => ({
  kind: "event",
  subject: "alert.critical",
  payload: JSON.stringify({
    type: "alert",
    data: {
      severity: "critical",
      code: "actor_unrecoverable",
      message: `${actor} cannot be recovered, and its messages wait: ${reason.slice(0, REASON_CHARACTERS_MAX)}`,
      timestamp: new Date(now).toISOString()
    }
  })
})

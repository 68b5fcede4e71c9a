import { JetStreamApiCodes, type JetStreamManager } from "@nats-io/jetstream"
import { Effect, Schedule } from "effect"
import { LogRefused, LogUnavailable, type ReadError } from "../errors.ts"
import { findStream, type Opened, streamFault } from "./stream.ts"
import type { Subjects } from "./subjects.ts"

const LOOK_EVERY = "5 seconds"

/**
 * The stream as it was last seen. Operators can delete it, put another in its place or set limits on it while we run;
 * nothing of that is mended here, for whoever makes the stream anew makes everything that was in it final.
 */
export class Health {
  readonly #manager: JetStreamManager
  readonly #subjects: Subjects
  readonly #created: string
  #replicas: number
  #lastSequence: number

  constructor(manager: JetStreamManager, subjects: Subjects, opened: Opened) {
    this.#manager = manager
    this.#subjects = subjects
    this.#created = opened.created
    this.#replicas = opened.replicas
    this.#lastSequence = opened.lastSequence
  }

  get replicas(): number {
    return this.#replicas
  }

  /** A sequence that is stored, if not the last one by now. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  /** Succeeds if the stream is there, is still the same and can be used. What is wrong with it is a `LogRefused`. */
  readonly check: Effect.Effect<void, ReadError> = Effect.gen({ self: this }, function* () {
    const info = yield* Effect.tryPromise({
      try: () => findStream(this.#manager, this.#subjects.stream),
      catch: (cause) => new LogUnavailable({ detail: cause instanceof Error ? cause.message : String(cause) })
    })
    const { stream } = this.#subjects
    if (info === undefined) {
      const detail = `the stream ${stream} was deleted: stop all processes, restore it from a backup and start them, or begin with an empty one by starting them without`
      return yield* new LogRefused({ code: JetStreamApiCodes.StreamNotFound, detail })
    }
    const fault = streamFault(info.config, this.#subjects)
    if (fault !== undefined) return yield* new LogRefused({ code: 0, detail: fault })
    const { last_seq: last } = info.state
    if (info.created !== this.#created || last < this.#lastSequence) {
      const detail = `the stream ${stream} is not the one that this process started with: restart the process`
      return yield* new LogRefused({ code: 0, detail })
    }
    this.#lastSequence = last
    this.#replicas = info.config.num_replicas
  })

  /** Looks every five seconds, and says what is wrong as often. */
  readonly watch: Effect.Effect<never> = this.check.pipe(
    Effect.catch((error) =>
      error._tag === "LogRefused"
        ? Effect.logError("the log cannot be used", { reason: error.detail })
        : Effect.logDebug("the log did not answer", { reason: error.detail })
    ),
    Effect.delay(LOOK_EVERY),
    Effect.repeat(Schedule.forever),
    Effect.andThen(Effect.never)
  )
}

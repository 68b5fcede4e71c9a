import { type Clock, Effect } from "effect"
import { elapsedBy } from "../elapsed.ts"
import type { AppendError } from "../errors.ts"

/** Nothing that failed for a shorter time is worth a word: a server that elects a leader takes as long. */
const PATIENCE_MILLIS = 5_000
/** Who sends nothing learns nothing: what failed longer ago than this says nothing of the present. */
const STALE_MILLIS = 30_000

interface Failing {
  /** By the clock that only goes forward. */
  readonly since: number
  readonly last: number
  readonly detail: string
}

/** Whether what this process stores is confirmed. */
export class Writes {
  readonly #clock: Clock.Clock
  readonly #elapsed: () => number
  #confirmedAt: number | undefined
  #failing: Failing | undefined

  constructor(clock: Clock.Clock) {
    this.#clock = clock
    this.#elapsed = elapsedBy(clock)
  }

  /** When something was last confirmed to be stored, in milliseconds since 1970. */
  get confirmedAt(): number | undefined {
    return this.#confirmedAt
  }

  /** For how long nothing was stored of what was tried to, in milliseconds, and why; nothing if all is well, or not known. */
  get failure(): { readonly millis: number; readonly detail: string } | undefined {
    const failing = this.#failing
    if (failing === undefined || this.#elapsed() - failing.last > STALE_MILLIS) return undefined
    const millis = failing.last - failing.since
    return millis < PATIENCE_MILLIS ? undefined : { millis, detail: failing.detail }
  }

  /** Takes note of what comes of storing something. */
  watch<A>(storing: Effect.Effect<A, AppendError>): Effect.Effect<A, AppendError> {
    return Effect.suspend(() => {
      const started = this.#elapsed()
      return storing.pipe(
        Effect.tap(() => Effect.sync(() => this.#confirmed())),
        Effect.tapError((error) => Effect.sync(() => this.#failed(error, started)))
      )
    })
  }

  #confirmed(): void {
    this.#confirmedAt = this.#clock.currentTimeMillisUnsafe()
    this.#failing = undefined
  }

  #failed(error: AppendError, started: number): void {
    if (error._tag !== "LogUnavailable" && error._tag !== "LogFull") return
    const since = this.#failing?.since ?? started
    this.#failing = { since, last: this.#elapsed(), detail: error.detail }
  }
}

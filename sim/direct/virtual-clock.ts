import { type Clock, Duration, Effect } from "effect"

const NANOS = 1_000_000n

/** A clock that somebody moves. Nobody can wait on it: what sleeps never ends, so that it is seen at once. */
export class VirtualClock implements Clock.Clock {
  millis: number
  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  constructor(millis: number) {
    this.millis = millis
  }

  /** Moves to an instant in milliseconds since 1970; never back. */
  moveTo(millis: number): void {
    this.millis = Math.max(this.millis, millis)
  }

  currentTimeMillisUnsafe(): number {
    return this.millis
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.millis)) * NANOS
  }

  monotonicTimeNanosUnsafe(): bigint {
    return this.currentTimeNanosUnsafe()
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Duration.toMillis(duration) <= 0 ? Effect.void : Effect.never
  }
}

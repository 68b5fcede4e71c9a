import type { Clock } from "effect"

const NANOS_PER_MILLI = 1e6

/** Milliseconds by the clock that only goes forward: what lasts is measured by it, because that of the day can be set. */
export const elapsedBy = (clock: Clock.Clock): (() => number) => {
  return () => Number(clock.monotonicTimeNanosUnsafe()) / NANOS_PER_MILLI
}

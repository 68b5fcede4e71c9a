import { Effect, Latch, Option } from "effect"

/** Messages that are delivered and not done: at the upper limit no more is read, until the lower is reached. */
const OPEN_MAX = 20_000
const OPEN_RESUME = 10_000
const SHED_EVERY = "100 millis"

/**
 * Counts what is delivered and not done, and holds back what would be delivered beyond the limit.
 *
 * Everybody waits for that: so `shed` is called, which takes away what cannot be done now, and what is held back is only what
 * others are at work on.
 */
export const makeRoom = (shed: () => void) => {
  const latch = Latch.makeUnsafe(true)
  let open = 0
  const waiting: Effect.Effect<void> = Effect.sync(shed).pipe(
    Effect.andThen(Effect.timeoutOption(latch.await, SHED_EVERY)),
    Effect.repeat({ until: Option.isSome }),
    Effect.asVoid
  )
  return {
    open: () => open,
    opened: (count: number) => {
      open += count
      if (open >= OPEN_MAX) latch.closeUnsafe()
    },
    closed: (count: number) => {
      open -= count
      if (open <= OPEN_RESUME) latch.openUnsafe()
    },
    room: () => (open >= OPEN_MAX ? waiting : undefined)
  }
}

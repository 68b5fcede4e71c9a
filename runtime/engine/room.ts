import { Latch } from "effect"

/** Messages that are delivered and not done: at the upper limit no more is read, until the lower is reached. */
const OPEN_MAX = 20_000
const OPEN_RESUME = 10_000

/** Counts what is delivered and not done, and holds back what would be delivered beyond the limit. */
export const makeRoom = () => {
  const latch = Latch.makeUnsafe(true)
  let open = 0
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
    room: () => (open >= OPEN_MAX ? latch.await : undefined)
  }
}

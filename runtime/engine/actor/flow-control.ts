import { Effect, Latch, Option } from "effect"

/** Messages that are delivered and not done, and their characters: at a limit no more is read, until half of it is reached. */
const OPEN_MAX = 20_000
const CHARACTERS_MAX = 64 * 1024 * 1024
const SHED_EVERY = "100 millis"

/** What a node holds of mail that is delivered and not done. */
export interface FlowControl {
  /** How many messages. */
  readonly open: () => number
  readonly opened: (count: number, size: number) => void
  readonly closed: (count: number, size: number) => void
  /** Waits while it is too much; nothing to wait for otherwise. */
  readonly room: () => Effect.Effect<void> | undefined
}

/**
 * Counts what is delivered and not done, and holds back what would be delivered beyond the limit.
 *
 * Everybody waits for that: so `shed` is called, which takes away what cannot be done now, and what is held back is only what
 * others are at work on.
 */
export const makeFlowControl = (shed: () => void): FlowControl => {
  const latch = Latch.makeUnsafe(true)
  let open = 0
  let characters = 0
  const isFull = () => open >= OPEN_MAX || characters >= CHARACTERS_MAX
  const waiting: Effect.Effect<void> = Effect.sync(shed).pipe(
    Effect.andThen(Effect.timeoutOption(latch.await, SHED_EVERY)),
    Effect.repeat({ until: Option.isSome }),
    Effect.asVoid
  )
  return {
    open: () => open,
    opened: (count: number, size: number) => {
      open += count
      characters += size
      if (isFull()) latch.closeUnsafe()
    },
    closed: (count: number, size: number) => {
      open -= count
      characters -= size
      if (open <= OPEN_MAX / 2 && characters <= CHARACTERS_MAX / 2) latch.openUnsafe()
    },
    room: () => (isFull() ? waiting : undefined)
  }
}

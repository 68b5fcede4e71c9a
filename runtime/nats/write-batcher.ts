import { Effect, Exit, Latch } from "effect"
import type { AppendError } from "../errors.ts"
import type { Outgoing } from "./batch.ts"

type Store = (messages: ReadonlyArray<Outgoing>) => Effect.Effect<number, AppendError>

interface QueuedWrite {
  readonly message: Outgoing
  readonly settle: (exit: Exit.Exit<number, AppendError>) => void
}

/** The server takes a thousand. */
const TOGETHER = 500

/**
 * Sends what is asked for in the same turn of the event loop as one batch: a server that waits for the disk waits once.
 *
 * A batch is stored as a whole or not at all: if one message of it is refused, each is sent alone.
 */
export class WriteBatcher {
  readonly #store: Store
  readonly #work = Latch.makeUnsafe(false)
  #waiting: Array<QueuedWrite> = []

  constructor(store: Store) {
    this.#store = store
  }

  /** The sequence of the message, once it is stored. */
  send(message: Outgoing): Effect.Effect<number, AppendError> {
    return Effect.callback((resume) => {
      this.#waiting.push({ message, settle: resume })
      this.#work.openUnsafe()
    })
  }

  /** Sends for ever. No batch waits for an earlier one. */
  readonly run: Effect.Effect<never> = Effect.gen({ self: this }, function* () {
    while (true) {
      yield* this.#work.await
      this.#work.closeUnsafe()
      yield* Effect.yieldNow
      while (this.#waiting.length > 0) {
        const group = this.#waiting.slice(0, TOGETHER)
        this.#waiting = this.#waiting.slice(TOGETHER)
        yield* Effect.forkChild(this.#send(group))
      }
    }
  })

  #send(group: ReadonlyArray<QueuedWrite>): Effect.Effect<void> {
    return this.#store(group.map(({ message }) => message)).pipe(
      Effect.map((last) => {
        for (const [index, { settle }] of group.entries()) settle(Exit.succeed(last - group.length + 1 + index))
      }),
      Effect.catch((error) =>
        group.length === 1 || error._tag === "LogUnavailable"
          ? Effect.sync(() => {
              for (const { settle } of group) settle(Exit.fail(error))
            })
          : Effect.forEach(group, (each) => this.#send([each]), { concurrency: "unbounded", discard: true })
      )
    )
  }
}

import { Effect, Exit } from "effect"
import type { AppendError } from "../errors.ts"
import { GroupQueue, type Queued } from "../grouping.ts"
import type { Outgoing } from "./batch.ts"

type Store = (messages: ReadonlyArray<Outgoing>) => Effect.Effect<number, AppendError>
type QueuedWrite = Queued<Outgoing, number, AppendError>

/** The server takes a thousand. */
const TOGETHER = 500

/**
 * Sends what is asked for in the same turn of the event loop as one batch: a server that waits for the disk waits once.
 *
 * A batch is stored as a whole or not at all: if one message of it is refused, each is sent alone.
 */
export class WriteBatcher {
  readonly #store: Store
  readonly #queue = new GroupQueue<Outgoing, number, AppendError>(TOGETHER)

  constructor(store: Store) {
    this.#store = store
  }

  /** The sequence of the message, once it is stored. */
  send(message: Outgoing): Effect.Effect<number, AppendError> {
    return this.#queue.ask(message)
  }

  /** Sends for ever. No batch waits for an earlier one. */
  readonly run: Effect.Effect<never> = Effect.suspend(() =>
    this.#queue.run((group) => Effect.asVoid(Effect.forkChild(this.#send(group))))
  )

  #send(group: ReadonlyArray<QueuedWrite>): Effect.Effect<void> {
    return this.#store(group.map(({ request }) => request)).pipe(
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

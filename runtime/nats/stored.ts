import type { DirectStreamAPI, StoredMsg } from "@nats-io/jetstream"
import { Effect } from "effect"
import { LogUnavailable } from "../errors.ts"

/** The server ends a page early where its messages are large. */
const PAGE = 1_000
const NOT_FOUND = 404

/** What may be read: the messages of a stream under a subject pattern. */
export interface Source {
  readonly direct: DirectStreamAPI
  readonly stream: string
  readonly pattern: string
}

/**
 * Reads what is stored under a pattern after a sequence, oldest first, at most `max` messages. What is stored while it
 * reads may be missing.
 */
export const readAfter = <A>(
  source: Source,
  after: number,
  max: number,
  take: (message: StoredMsg) => A
): Effect.Effect<ReadonlyArray<A>, LogUnavailable> =>
  attempt(async () => {
    const found: Array<A> = []
    let from = after + 1
    let pending = true
    while (pending && found.length < max) {
      pending = false
      for (const message of await readPage(source, from, Math.min(PAGE, max - found.length))) {
        found.push(take(message))
        from = message.seq + 1
        pending = message.pending !== 0
      }
    }
    return found
  })

/** The first message under a pattern after a sequence. Its `pending` counts those that follow it. */
export const readFirst = (source: Source, after: number): Effect.Effect<StoredMsg | undefined, LogUnavailable> =>
  attempt(async () => (await readPage(source, after + 1, 1))[0])

const readPage = async (
  { direct, stream, pattern }: Source,
  seq: number,
  batch: number
): Promise<ReadonlyArray<StoredMsg>> => {
  const found: Array<StoredMsg> = []
  try {
    for await (const message of await direct.getBatch(stream, { seq, next_by_subj: pattern, batch })) {
      found.push(message)
    }
  } catch (cause) {
    // The library takes it for an error that there is nothing.
    if (!(cause instanceof Error && "code" in cause && cause.code === NOT_FOUND)) throw cause
  }
  return found
}

/** A request whose failure says nothing of what is stored. */
export const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, LogUnavailable> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => new LogUnavailable({ detail: cause instanceof Error ? cause.message : String(cause) })
  })

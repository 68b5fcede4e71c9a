import { Effect } from "effect"
import { LogUnavailable } from "../errors.ts"
import type { Stored } from "./direct.ts"
import type { StreamReader } from "./reader.ts"

/** The server ends a page early where its messages are large. */
const PAGE = 1_000

/** What may be read: the messages of a stream under a subject pattern. */
export interface Source {
  readonly reader: Pick<StreamReader, "page">
  readonly pattern: string
}

/**
 * Reads what is stored under a pattern after a sequence, oldest first, at most `max` messages. What is stored while it
 * reads may be missing.
 */
export const readAfter = <A>(
  { reader, pattern }: Source,
  after: number,
  max: number,
  take: (message: Stored) => A
): Effect.Effect<ReadonlyArray<A>, LogUnavailable> =>
  Effect.gen(function* () {
    const found: Array<A> = []
    let from = after + 1
    while (found.length < max) {
      const batch = Math.min(PAGE, max - found.length)
      const page = yield* reader.page({ seq: from, next_by_subj: pattern, batch })
      for (const message of page.messages) found.push(take(message))
      const last = page.messages.at(-1)
      if (page.complete || last === undefined) break
      from = last.sequence + 1
    }
    return found
  })

/** The first message under a pattern after a sequence. Its `pending` counts those that follow it. */
export const readFirst = (
  { reader, pattern }: Source,
  after: number
): Effect.Effect<Stored | undefined, LogUnavailable> =>
  Effect.map(reader.page({ seq: after + 1, next_by_subj: pattern, batch: 1 }), ({ messages }) => messages[0])

/** A request whose failure says nothing of what is stored. */
export const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, LogUnavailable> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => new LogUnavailable({ detail: cause instanceof Error ? cause.message : String(cause) })
  })

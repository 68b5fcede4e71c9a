import { type NatsConnection, nuid } from "@nats-io/transport-node"
import { Effect, Schedule } from "effect"
import { AlreadyStored, type AppendError, type LogUnavailable } from "../errors.ts"
import { type Outgoing, store } from "./batch.ts"
import type { Stored } from "./direct.ts"
import { line } from "./headers.ts"
import type { StreamReads } from "./stream.ts"

/**
 * Stores groups whole, also where the server does not.
 *
 * A server without copies of the stream checks its `max_file_store` at each message of a batch that it has already begun
 * to store. At the limit it leaves the first ones in the stream, and answers that it is full, or not at all. (It would
 * add the others if it was started again before anything else is stored; a cluster decides on a batch as one.) A step would
 * be in its journal and its messages lost.
 *
 * So where a group's fate is in doubt, what there is of it is looked for, and the rest of half a group is stored as soon
 * as there is room. Only a process that ends before that leaves a half behind.
 */
export class AtomicAppend {
  readonly #connection: NatsConnection
  readonly #reads: StreamReads

  constructor(connection: NatsConnection, reads: StreamReads) {
    this.#connection = connection
    this.#reads = reads
  }

  /** Stores messages, all or none. Gives the sequence of the last one. */
  readonly append = (messages: ReadonlyArray<Outgoing>): Effect.Effect<number, AppendError> =>
    Effect.suspend(() => {
      // The newest that is known: what is sent now comes after it.
      const after = this.#reads.seen()
      const batch = nuid.next()
      const stored = store(this.#connection, batch, messages)
      if (messages.length === 1 || this.#reads.replicated()) return stored
      return Effect.catch(stored, (error) =>
        error._tag === "LogFull" || error._tag === "LogUnavailable"
          ? this.#settle({ batch, messages, after, error })
          : Effect.fail(error)
      )
    })

  #settle(doubt: Doubt): Effect.Effect<number, AppendError> {
    return Effect.gen({ self: this }, function* () {
      // Not known, and not to be found out: it stays as it was.
      const part = yield* this.#find(doubt).pipe(Effect.mapError(() => doubt.error))
      const { messages } = doubt
      if (part === undefined) return yield* doubt.error
      const last = part.first + messages.length - 1
      if (part.count === messages.length) return last
      yield* Effect.logError("the server stored half a group: the rest follows as soon as there is room", {
        stored: part.count,
        of: messages.length,
        reason: doubt.error.message
      })
      return yield* this.#complete(doubt, part)
    })
  }

  /** Tries until it succeeds: half a group must not stay. */
  #complete(doubt: Doubt, part: Part): Effect.Effect<number, AppendError> {
    const [next, ...others] = doubt.messages.slice(part.count)
    const before = part.first + part.count - 1
    const guarded = { ...next!, headers: next!.headers + line("Nats-Expected-Last-Sequence", before) }
    return this.append([guarded, ...others]).pipe(
      Effect.retry({ while: ({ _tag }) => _tag === "LogFull" || _tag === "LogUnavailable", schedule: AGAIN }),
      Effect.catchTag("Fenced", () => this.#completeLate(doubt, [next!, ...others]))
    )
  }

  /** Something came after the half: other messages, or the rest itself, if the server was started again. */
  #completeLate(doubt: Doubt, rest: ReadonlyArray<Outgoing>): Effect.Effect<number, AppendError> {
    return Effect.gen({ self: this }, function* () {
      const part = yield* this.#find(doubt).pipe(Effect.retry(AGAIN))
      if (part?.count !== doubt.messages.length) {
        yield* this.append(rest).pipe(
          Effect.retry({ while: ({ _tag }) => _tag === "LogFull" || _tag === "LogUnavailable", schedule: AGAIN })
        )
      }
      // Its sequences are not one after the other.
      return yield* new AlreadyStored()
    })
  }

  /** Looks through what was stored since for messages of the batch, as far as there was any when it began to look. */
  #find({ batch, after }: Doubt): Effect.Effect<Part | undefined, LogUnavailable> {
    return Effect.gen({ self: this }, function* () {
      const { reader } = this.#reads
      const end = (yield* reader.state).lastSequence
      const found: Array<Stored> = []
      let from = after + 1
      while (from <= end) {
        const page = yield* reader.page({ seq: from, batch: PAGE })
        found.push(...page.messages.filter((message) => message.header("Nats-Batch-Id") === batch))
        const last = page.messages.at(-1)
        if (last === undefined || page.complete) break
        from = last.sequence + 1
      }
      return found[0] === undefined ? undefined : { first: found[0].sequence, count: found.length }
    })
  }
}

/** A group that may be stored, in part or whole. */
interface Doubt {
  readonly batch: string
  readonly messages: ReadonlyArray<Outgoing>
  readonly after: number
  readonly error: AppendError
}

/** What there is of it. */
interface Part {
  readonly first: number
  readonly count: number
}

const PAGE = 1_000
const AGAIN = Schedule.spaced("500 millis")

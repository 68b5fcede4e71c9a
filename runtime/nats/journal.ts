import { Effect, Exit, type Scope, Semaphore } from "effect"
import { LogUnavailable, type ReadError } from "../errors.ts"
import { GroupQueue, type Queued } from "../grouping.ts"
import type { JournalRecord } from "../log.ts"
import type { Stored } from "./direct.ts"
import type { StreamReads } from "./stream.ts"

/** Marks a record that holds the actor whole: nothing before it has to be read. */
export const SNAPSHOT_HEADER = "Conclave-Snapshot"

const PAGE = 1_000
/** So many actors' newest records are read with one request. */
const TOGETHER = 256
/** So many are asked for one by one at a time. */
const SINGLES = 32
/** So many journals are read record by record at a time. */
const WHOLE = 16

type Records = ReadonlyArray<JournalRecord>

/** The request is the subject of a journal. */
type QueuedRead = Queued<string, Records, ReadError>

/**
 * Reads actors' journals.
 *
 * Of each the newest record is read first, many at a time: mostly it holds the actor whole, or is the only one, or there
 * is none, and that was all. Only where it is not, all records of that actor are read, from the newest whole one on.
 *
 * A record that is the newest here must be the newest there is: mail whose effects are in a later one may be removed
 * already, and what an actor decides without them would be wrong. A direct get may be answered by a copy of the stream
 * that is behind; where there are copies, the leader says first how far they have to be.
 */
export class JournalReader {
  readonly #reads: StreamReads
  readonly #queue = new GroupQueue<string, Records, ReadError>(TOGETHER)
  readonly #whole = Semaphore.makeUnsafe(WHOLE)

  constructor(reads: StreamReads) {
    this.#reads = reads
  }

  /** The records of the actor whose journal has this subject, oldest first: from a snapshot on, or all of them. */
  read(subject: string): Effect.Effect<Records, ReadError> {
    return this.#queue.ask(subject)
  }

  /** Serves `read` for ever. What is read record by record holds up nobody who comes after it. */
  readonly run: Effect.Effect<never> = Effect.scoped(
    Effect.flatMap(Effect.scope, (scope) => this.#queue.run((group) => this.#serve(group, scope)))
  )

  #serve(group: ReadonlyArray<QueuedRead>, scope: Scope.Scope): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const newest = yield* Effect.exit(this.#newest([...new Set(group.map(({ request }) => request))]))
      for (const { request: subject, settle } of group) {
        if (Exit.isFailure(newest)) {
          settle(Exit.failCause(newest.cause))
          continue
        }
        const last = newest.value.get(subject)
        if (last === undefined) settle(Exit.succeed([]))
        else if (standsAlone(last)) settle(Exit.succeed([toRecord(last)]))
        else yield* Effect.forkIn(this.#readWhole(subject, last.sequence, settle), scope)
      }
    })
  }

  #readWhole(subject: string, last: number, settle: QueuedRead["settle"]): Effect.Effect<void> {
    const read = this.#whole.withPermits(1)(this.#all(subject, last))
    return Effect.map(Effect.exit(read), settle)
  }

  #newest(subjects: ReadonlyArray<string>): Effect.Effect<Newest, ReadError> {
    return Effect.gen({ self: this }, function* () {
      const { reader, replicated, seen } = this.#reads
      const floor = replicated() ? (yield* reader.state).lastSequence : 0
      // A server that was silent for a while may still believe that it leads.
      if (replicated() && floor < seen()) return yield* new LogUnavailable({ detail: "the leader is behind" })
      const found = new Map<string, Stored>()
      let missing = subjects
      while (missing.length > 0) {
        const page = yield* reader.page({ multi_last: missing, batch: missing.length })
        // A copy that found nothing does not say how far it is.
        if ((page.upTo ?? 0) < floor) return yield* this.#newestOfLeader(missing, found)
        for (const message of page.messages) found.set(message.subject, message)
        if (page.complete || page.messages.length === 0) break
        missing = missing.filter((subject) => !found.has(subject))
      }
      return found
    })
  }

  #newestOfLeader(subjects: ReadonlyArray<string>, found: Map<string, Stored>): Effect.Effect<Newest, ReadError> {
    const { reader } = this.#reads
    return Effect.forEach(
      subjects,
      (subject) =>
        Effect.map(reader.last(subject), (message) => {
          if (message !== undefined) found.set(subject, message)
        }),
      { concurrency: SINGLES, discard: true }
    ).pipe(Effect.as(found))
  }

  #all(subject: string, last: number): Effect.Effect<Records, ReadError> {
    return Effect.gen({ self: this }, function* () {
      const { reader } = this.#reads
      let records: Array<JournalRecord> = []
      let from = 1
      while (from <= last) {
        const page = yield* reader.page({ seq: from, next_by_subj: subject, batch: PAGE })
        // What an owner of before cut short meanwhile is longer in a copy that is behind: it must not be read on in another one.
        const whole = page.messages.findLastIndex(isWhole)
        if (whole >= 0) records = []
        for (const message of page.messages.slice(Math.max(0, whole))) records.push(toRecord(message))
        const newest = page.messages.at(-1)
        // Part of a journal is another actor: what it decides would be wrong.
        if (newest === undefined) return yield* new LogUnavailable({ detail: "the journal was read in part" })
        from = newest.sequence + 1
      }
      return records
    })
  }
}

type Newest = ReadonlyMap<string, Stored>

const isWhole = (message: Stored): boolean => message.header(SNAPSHOT_HEADER) !== ""

const standsAlone = (message: Stored): boolean =>
  isWhole(message) || message.header("Nats-Expected-Last-Subject-Sequence") === "0"

const toRecord = ({ sequence, payload }: Stored): JournalRecord => ({ sequence, payload })

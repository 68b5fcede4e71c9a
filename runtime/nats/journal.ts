import type { DirectStreamAPI, JetStreamManager, StoredMsg } from "@nats-io/jetstream"
import { Effect, Exit, Latch } from "effect"
import { LogUnavailable, type ReadError } from "../errors.ts"
import type { JournalRecord } from "../log.ts"

/** Marks a record that holds the actor whole: nothing before it has to be read. */
export const SNAPSHOT_HEADER = "Conclave-Snapshot"

const PAGE = 1_000
/** So many actors' newest records are read with one request. */
const TOGETHER = 256

type Records = ReadonlyArray<JournalRecord>

interface Waiting {
  readonly subject: string
  readonly settle: (exit: Exit.Exit<Records, ReadError>) => void
}

/**
 * Reads actors' journals.
 *
 * Of each the newest record is read first, many at a time: mostly it holds the actor whole, or is the only one, or there
 * is none, and that was all. Only where it is not, all records of that actor are read.
 */
export class JournalReader {
  readonly #direct: DirectStreamAPI
  readonly #stream: string
  readonly #work = Latch.makeUnsafe(false)
  #waiting: Array<Waiting> = []

  constructor(manager: JetStreamManager, stream: string) {
    this.#direct = manager.direct
    this.#stream = stream
  }

  /** The records of the actor whose journal has this subject, oldest first: from a snapshot on, or all of them. */
  read(subject: string): Effect.Effect<Records, ReadError> {
    return Effect.callback((resume) => {
      this.#waiting.push({ subject, settle: resume })
      this.#work.openUnsafe()
    })
  }

  /** Serves `read` for ever. */
  readonly run: Effect.Effect<never> = Effect.gen({ self: this }, function* () {
    while (true) {
      yield* this.#work.await
      this.#work.closeUnsafe()
      // What is asked for in the same turn of the event loop goes into one request.
      yield* Effect.yieldNow
      while (this.#waiting.length > 0) {
        const group = this.#waiting.slice(0, TOGETHER)
        this.#waiting = this.#waiting.slice(TOGETHER)
        yield* this.#serve(group)
      }
    }
  })

  #serve(group: ReadonlyArray<Waiting>): Effect.Effect<void> {
    const subjects = [...new Set(group.map((waiting) => waiting.subject))]
    return attempt(() => this.#newest(subjects)).pipe(
      Effect.exit,
      Effect.flatMap((newest) =>
        Effect.forEach(
          group,
          ({ subject, settle }) =>
            this.#whole(subject, newest).pipe(
              Effect.exit,
              Effect.map((exit) => settle(exit))
            ),
          { concurrency: 8, discard: true }
        )
      )
    )
  }

  #whole(
    subject: string,
    newest: Exit.Exit<ReadonlyMap<string, StoredMsg>, ReadError>
  ): Effect.Effect<Records, ReadError> {
    if (Exit.isFailure(newest)) return Effect.failCause(newest.cause)
    const last = newest.value.get(subject)
    if (last === undefined) return Effect.succeed([])
    return standsAlone(last) ? Effect.succeed([toRecord(last)]) : attempt(() => this.#all(subject, last.seq))
  }

  async #newest(subjects: ReadonlyArray<string>): Promise<ReadonlyMap<string, StoredMsg>> {
    const found = new Map<string, StoredMsg>()
    // The server may answer a large request in part: what it left out is asked for again, until it finds no more.
    let missing = [...subjects]
    while (missing.length > 0) {
      const before = found.size
      const page = await this.#direct.getLastMessagesFor(this.#stream, { multi_last: missing, batch: missing.length })
      for await (const message of page) found.set(message.subject, message)
      if (found.size === before) break
      missing = missing.filter((subject) => !found.has(subject))
    }
    return found
  }

  async #all(subject: string, last: number): Promise<Records> {
    const records: Array<JournalRecord> = []
    let from = 1
    while (from <= last) {
      const page = await this.#direct.getBatch(this.#stream, { seq: from, next_by_subj: subject, batch: PAGE })
      for await (const message of page) records.push(toRecord(message))
      const newest = records.at(-1)
      // Part of a journal is another actor: what it decides would be wrong.
      if (newest === undefined || newest.sequence < from) throw new Error("the journal was read in part")
      from = newest.sequence + 1
    }
    return records
  }
}

const attempt = <A>(read: () => Promise<A>): Effect.Effect<A, LogUnavailable> =>
  Effect.tryPromise({
    try: read,
    catch: (cause) => new LogUnavailable({ detail: cause instanceof Error ? cause.message : String(cause) })
  })

const standsAlone = (message: StoredMsg): boolean =>
  message.header.get(SNAPSHOT_HEADER) !== "" || message.header.get("Nats-Expected-Last-Subject-Sequence") === "0"

const toRecord = (message: StoredMsg): JournalRecord => ({ sequence: message.seq, payload: message.string() })

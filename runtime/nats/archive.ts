import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { Effect, Layer } from "effect"
import { type Address, formatAddress } from "../address.ts"
import { Archive, type ArchiveReads, type Selection, type StoredLetter } from "../archive.ts"
import { type LogUnavailable, type ReadError, ServerUnsuitable } from "../errors.ts"
import { showServers } from "./address.ts"
import { Nats, type NatsOptions } from "./connection.ts"
import type { Stored } from "./direct.ts"
import { DUE_HEADER } from "./headers.ts"
import { directReader, type StreamReader } from "./reader.ts"
import { attempt, readAfter, readFirst } from "./stored.ts"
import { makeSubjects, type Subjects } from "./subjects.ts"

/** An actor with more timers than this is shown some of them. */
const TIMERS_MAX = 10_000

/**
 * The `Archive` of a namespace that exists. Its reads need the right to `$JS.API.DIRECT.GET.<stream>` and
 * `$JS.API.STREAM.INFO.<stream>`, and removing that to `$JS.API.STREAM.MSG.DELETE.<stream>`.
 */
export const layerArchive: Layer.Layer<Archive, ServerUnsuitable, Nats> = Layer.effect(
  Archive,
  Effect.gen(function* () {
    const { connection, options } = yield* Nats
    const subjects = makeSubjects(options.namespace)
    const { stream } = subjects
    const manager = yield* Effect.tryPromise({
      try: () => jetstreamManager(connection),
      catch: (cause) => new ServerUnsuitable({ detail: `JetStream did not answer: ${String(cause)}` })
    })
    yield* mustExist(manager, stream, options)
    return makeArchive(manager, directReader(connection, manager, stream), subjects)
  })
)

/** All of it, for who may remove what is stored. */
export const makeArchive = (
  manager: JetStreamManager,
  reader: StreamReader,
  subjects: Subjects
): Archive["Service"] => {
  const { stream } = subjects
  const reads = archiveReads(reader, subjects)
  const mailOf = (owner: Address) => ({ reader, pattern: subjects.selected("mail", owner) })
  return Archive.of({
    ...reads,
    drop: (sequence) =>
      removeIf(
        manager,
        stream,
        sequence,
        Effect.map(reads.letter(sequence), (found) => found !== undefined)
      ),
    dropMail: (owner, sequence) =>
      removeIf(
        manager,
        stream,
        sequence,
        Effect.map(readFirst(mailOf(owner), sequence - 1), (first) => first?.sequence === sequence)
      ),
    ...removing(manager, subjects)
  })
}

/** What of it only reads. */
export const archiveReads = (reader: StreamReader, subjects: Subjects): ArchiveReads => {
  const from = (kind: Kind, selection: Selection) => ({ reader, pattern: subjects.selected(kind, selection) })
  const owners = (kind: "mail" | "journal", selection: Selection, after: string | undefined, max: number) =>
    listOwners({ reader, subjects, kind, selection, after, max })
  const events = { reader, pattern: subjects.event(">") }
  const eventFrom = (sequence: number) =>
    Effect.map(readFirst(events, sequence - 1), (first) =>
      first === undefined ? undefined : { sequence: first.sequence, time: first.time }
    )
  return {
    history: (owner, after, max) =>
      readAfter(from("journal", owner), after, max, ({ sequence, payload }) => ({ sequence, payload })),
    mail: (owner, after, max) =>
      readAfter(from("mail", owner), after, max, ({ sequence, time, payload }) => ({ sequence, time, payload })),
    journals: (selection, after, max) =>
      Effect.map(owners("journal", selection, after, max), (all) =>
        all.map(({ address, count }) => ({ address, records: count }))
      ),
    mailboxes: (selection, after, max) =>
      Effect.map(owners("mail", selection, after, max), (all) =>
        all.map(({ address, count }) => ({ address, messages: count }))
      ),
    backlog: (owner, after) =>
      Effect.map(readFirst(from("mail", owner), after), (first) =>
        first === undefined ? { waiting: 0, oldest: undefined } : { waiting: first.pending + 1, oldest: first.time }
      ),
    timers: (owner) =>
      Effect.map(
        readAfter(from("timer", owner), 0, TIMERS_MAX, (message) => toTimer(subjects, message)),
        (timers) => new Map(timers.filter(([, at]) => Number.isFinite(at)))
      ),
    letters: (selection, after, max) =>
      readAfter(from("dead", selection), after, max, (message) => toLetter(subjects, message)),
    letter: (sequence) => readLetter(reader, subjects, sequence),
    oldestEvent: eventFrom(1),
    eventFrom,
    newest: Effect.map(reader.state, ({ lastSequence }) => lastSequence)
  }
}

/** What is removed by age or for room. It needs the right to `$JS.API.STREAM.PURGE.<stream>`. */
const removing = (manager: JetStreamManager, subjects: Subjects) => {
  const purge = (what: { readonly filter: string; readonly seq?: number }) =>
    Effect.asVoid(attempt(() => manager.streams.purge(subjects.stream, what)))
  return {
    forget: (owner: Address) => purge({ filter: subjects.journal(owner) }),
    forgetEvents: (upTo: number) => purge({ filter: subjects.event(">"), seq: upTo + 1 })
  }
}

/** `find` says whether it is there. */
const removeIf = (
  manager: JetStreamManager,
  stream: string,
  sequence: number,
  find: Effect.Effect<boolean, ReadError>
): Effect.Effect<boolean, ReadError> =>
  Effect.flatMap(find, (found) =>
    found
      ? attempt(() => manager.streams.deleteMessage(stream, sequence, false)).pipe(
          // Somebody else was faster.
          Effect.catch((error) => Effect.flatMap(find, (left) => (left ? Effect.fail(error) : Effect.succeed(false))))
        )
      : Effect.succeed(false)
  )

/** Who only looks must not make a namespace of a misspelt name. */
const mustExist = (manager: JetStreamManager, stream: string, { namespace, url }: NatsOptions) =>
  Effect.tryPromise({
    try: () => manager.streams.info(stream),
    catch: (cause) => {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const detail = reason.includes("stream not found")
        ? `the NATS server at ${showServers(url)} has no namespace ${namespace}`
        : `JetStream did not answer: ${reason}`
      return new ServerUnsuitable({ detail })
    }
  })

type Kind = "mail" | "journal" | "timer" | "dead"

const toLetter = (subjects: Subjects, { subject, sequence, time, payload }: Stored): StoredLetter => ({
  owner: subjects.parseOwner(subject),
  sequence,
  time,
  payload
})

const readLetter = (
  reader: StreamReader,
  subjects: Subjects,
  seq: number
): Effect.Effect<StoredLetter | undefined, LogUnavailable> => {
  if (!Number.isSafeInteger(seq) || seq < 1) return Effect.succeed(undefined)
  const letters = { reader, pattern: subjects.selected("dead", {}) }
  return Effect.map(readFirst(letters, seq - 1), (first) =>
    first?.sequence === seq ? toLetter(subjects, first) : undefined
  )
}

/** One that was cancelled leaves a message without a schedule, for a second: its time is no number. */
const toTimer = (subjects: Subjects, message: Stored): readonly [name: string, at: number] => {
  const [, at = ""] = /^@at (.+)$/.exec(message.header("Nats-Schedule")) ?? []
  const due = message.header(DUE_HEADER)
  return [subjects.parseTimer(message.subject), due === "" ? Date.parse(at) : Number(due)]
}

interface Listing {
  readonly reader: StreamReader
  readonly subjects: Subjects
  readonly kind: "mail" | "journal"
  readonly selection: Selection
  readonly after: string | undefined
  readonly max: number
}

interface Owner {
  readonly address: Address
  readonly count: number
}

/**
 * The server lists subjects in order, at most 100,000 in one answer. Of each page no more is kept than may be asked for,
 * and where the subjects begin with the actor's name the first page that holds enough is the last.
 */
const listOwners = (listing: Listing): Effect.Effect<ReadonlyArray<Owner>, LogUnavailable> =>
  Effect.gen(function* () {
    const { reader, subjects, kind, selection, after, max } = listing
    let found: ReadonlyArray<Owner & { readonly name: string }> = []
    let offset = 0
    while (true) {
      const { names, next } = yield* reader.subjects(subjects.selected(kind, selection), offset)
      const page = Object.entries(names).map(([subject, count]) => {
        const address = kind === "mail" ? subjects.parseMail(subject).to : subjects.parseOwner(subject)
        return { address, count, name: formatAddress(address) }
      })
      found = [...found, ...page.filter(({ name }) => after === undefined || name > after)]
        .toSorted((one, other) => (one.name < other.name ? -1 : 1))
        .slice(0, max)
      if (next === undefined || (kind === "journal" && found.length === max)) break
      offset = next
    }
    return found.map(({ address, count }) => ({ address, count }))
  })

import { type JetStreamManager, jetstreamManager, type StoredMsg } from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/transport-node"
import { Effect, Layer, Schema } from "effect"
import { type Address, formatAddress } from "../address.ts"
import { Archive, type Selection, type StoredLetter } from "../archive.ts"
import { type LogUnavailable, ServerUnsuitable } from "../errors.ts"
import { showServers } from "./address.ts"
import { Nats, type NatsOptions } from "./connection.ts"
import { DUE_HEADER } from "./headers.ts"
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
    const { direct } = manager
    const from = (kind: Kind, selection: Selection) => ({ direct, stream, pattern: subjects.selected(kind, selection) })
    const owners = (kind: "mail" | "journal", selection: Selection, after: string | undefined, max: number) =>
      attempt(() => listOwners({ connection, subjects, kind, selection, after, max }))
    const letter = (sequence: number) => attempt(() => readLetter(manager, subjects, sequence))
    return Archive.of({
      history: (owner, after, max) =>
        readAfter(from("journal", owner), after, max, (message) => ({
          sequence: message.seq,
          payload: message.string()
        })),
      mail: (owner, after, max) =>
        readAfter(from("mail", owner), after, max, (message) => ({
          sequence: message.seq,
          time: message.time.getTime(),
          payload: message.string()
        })),
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
          first === undefined
            ? { waiting: 0, oldest: undefined }
            : { waiting: first.pending + 1, oldest: first.time.getTime() }
        ),
      timers: (owner) =>
        Effect.map(
          readAfter(from("timer", owner), 0, TIMERS_MAX, (message) => toTimer(subjects, message)),
          (timers) => new Map(timers.filter(([, at]) => Number.isFinite(at)))
        ),
      letters: (selection, after, max) =>
        readAfter(from("dead", selection), after, max, (message) => toLetter(subjects, message)),
      letter,
      drop: (sequence) =>
        removeIf(
          manager,
          stream,
          sequence,
          Effect.map(letter(sequence), (found) => found !== undefined)
        ),
      dropMail: (owner, sequence) =>
        removeIf(
          manager,
          stream,
          sequence,
          Effect.map(readFirst(from("mail", owner), sequence - 1), (first) => first?.seq === sequence)
        ),
      ...removing(manager, subjects),
      newest: Effect.map(
        attempt(() => manager.streams.info(stream)),
        ({ state }) => state.last_seq
      )
    })
  })
)

/** What is removed by age or for room. It needs the right to `$JS.API.STREAM.PURGE.<stream>`. */
const removing = (manager: JetStreamManager, subjects: Subjects) => {
  const { stream } = subjects
  const source = { direct: manager.direct, stream, pattern: subjects.event(">") }
  const purge = (what: { readonly filter: string; readonly seq?: number }) =>
    Effect.asVoid(attempt(() => manager.streams.purge(stream, what)))
  const eventFrom = (sequence: number) =>
    Effect.map(readFirst(source, sequence - 1), (first) =>
      first === undefined ? undefined : { sequence: first.seq, time: first.time.getTime() }
    )
  return {
    forget: (owner: Address) => purge({ filter: subjects.journal(owner) }),
    oldestEvent: eventFrom(1),
    eventFrom,
    forgetEvents: (upTo: number) => purge({ filter: source.pattern, seq: upTo + 1 })
  }
}

/** `find` says whether it is there. */
const removeIf = (
  manager: JetStreamManager,
  stream: string,
  sequence: number,
  find: Effect.Effect<boolean, LogUnavailable>
): Effect.Effect<boolean, LogUnavailable> =>
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

const toLetter = (subjects: Subjects, message: StoredMsg): StoredLetter => ({
  owner: subjects.parseOwner(message.subject),
  sequence: message.seq,
  time: message.time.getTime(),
  payload: message.string()
})

const readLetter = async (manager: JetStreamManager, subjects: Subjects, seq: number) => {
  if (!Number.isSafeInteger(seq) || seq < 1) return undefined
  const message = await manager.direct.getMessage(subjects.stream, { seq })
  return message !== null && subjects.isDead(message.subject) ? toLetter(subjects, message) : undefined
}

/** One that was cancelled leaves a message without a schedule, for a second: its time is no number. */
const toTimer = (subjects: Subjects, message: StoredMsg): readonly [name: string, at: number] => {
  const [, at = ""] = /^@at (.+)$/.exec(message.header.get("Nats-Schedule")) ?? []
  const due = message.header.get(DUE_HEADER)
  return [subjects.parseTimer(message.subject), due === "" ? Date.parse(at) : Number(due)]
}

interface Listing {
  readonly connection: NatsConnection
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
const listOwners = async (listing: Listing): Promise<ReadonlyArray<Owner>> => {
  const { subjects, kind, after, max } = listing
  let found: ReadonlyArray<Owner & { readonly name: string }> = []
  let offset = 0
  while (true) {
    const { names, next } = await readSubjects(listing, offset)
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
}

const SubjectsPage = Schema.Struct({
  total: Schema.Int,
  limit: Schema.Int,
  state: Schema.Struct({ subjects: Schema.optionalKey(Schema.Record(Schema.String, Schema.Int)) })
})
const Refused = Schema.Struct({ error: Schema.Struct({ description: Schema.String }) })
const decodeAnswer = Schema.decodeUnknownSync(Schema.Union([SubjectsPage, Refused]))

const LIST_TIMEOUT_MILLIS = 10_000

/** The library's own `info` reads all pages, however many there are. */
const readSubjects = async ({ connection, subjects, kind, selection }: Listing, offset: number) => {
  const request = JSON.stringify({ subjects_filter: subjects.selected(kind, selection), offset })
  const answer = await connection.request(`$JS.API.STREAM.INFO.${subjects.stream}`, request, {
    timeout: LIST_TIMEOUT_MILLIS
  })
  const info = decodeAnswer(answer.json())
  if ("error" in info) throw new Error(info.error.description)
  const names = info.state.subjects ?? {}
  const next = offset + Object.keys(names).length
  return { names, next: next > offset && next < info.total ? next : undefined }
}

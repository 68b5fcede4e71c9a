import type { JetStreamManager } from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/transport-node"
import { Effect, Semaphore } from "effect"
import type { LogUnavailable } from "../../errors.ts"
import type { DirectPage, Stored } from "../direct.ts"
import { closeEventConsumer, openEventConsumer } from "../event-consumer.ts"
import { isInboxOfOthers } from "../inbox.ts"
import type { StreamReader, SubjectsPage } from "../reader.ts"
import type { Subjects } from "../subjects.ts"
import type { Frame } from "./frame.ts"
import { type Behind, decodeAsked, refused } from "./keep.ts"
import { type Of, ReadAsked, TOLD_HEADERS } from "./words.ts"

/** What is read behind the doors. */
export interface Library {
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  readonly subjects: Subjects
  readonly readers: Readonly<Record<Of, StreamReader>>
  /** Held while it is looked whether there may be one more consumer of events, and while that is made. */
  readonly adding: Semaphore.Semaphore
}

const decode = decodeAsked(ReadAsked)
/** An answer is one message, which must fit. */
const BYTES_MAX = 512 * 1024
const MESSAGE_BYTES = 400
const SUBJECTS_BYTES_MAX = 400 * 1024
const PATTERNS_MAX = 1_024
const PATTERN = /^[^\s\p{Cc}\p{Cs}]{1,1024}$/u

/** Reads of the log events alone, and sends them to whoever follows. */
export const eventsDoor = (library: Library): Behind =>
  serve(library, (of, pattern) => of === "log" && pattern.startsWith(library.subjects.event("")))

/** Reads everything of the namespace. */
export const lookDoor = (library: Library): Behind => {
  const { subjects } = library
  const begins = { log: subjects.root, controls: subjects.keyOfControl, leases: subjects.keyOfLease }
  return serve(library, (of, pattern) => pattern.startsWith(begins[of]))
}

type May = (of: Of, pattern: string) => boolean

const serve =
  (library: Library, may: May): Behind =>
  (asked) =>
    Effect.gen(function* () {
      const request = yield* decode(asked)
      const patterns = patternsOf(request, library.subjects)
      const of = "of" in request ? request.of : "log"
      if (patterns.length > PATTERNS_MAX) return yield* refused(`at most ${PATTERNS_MAX} subjects at a time`)
      const other = patterns.find((pattern) => !PATTERN.test(pattern) || !may(of, pattern))
      if (other !== undefined) return yield* refused(`${JSON.stringify(other.slice(0, 100))} is not read at this door`)
      if (!may(of, ANY[of](library.subjects))) return yield* refused(`the ${of} are not read at this door`)
      const reader = library.readers[of]
      switch (request.op) {
        case "page":
          return pageFrame(yield* reader.page(request.request, Math.min(request.bytes, BYTES_MAX)))
        case "last": {
          const found = yield* reader.last(request.subject)
          return pageFrame({ messages: found === undefined ? [] : [found], complete: true, upTo: undefined })
        }
        case "state":
          return { head: yield* reader.state, parts: [] }
        case "subjects":
          return { head: fitting(yield* reader.subjects(request.pattern, request.offset), request.offset), parts: [] }
        case "follow":
          return yield* follow(library, request)
        case "unfollow":
          yield* closeEventConsumer(library.manager, library.subjects, request.name)
          return { head: {}, parts: [] }
      }
    })

/** What is asked for without a pattern is as if all was asked for. */
const ANY: Readonly<Record<Of, (subjects: Subjects) => string>> = {
  log: (subjects) => subjects.event(">"),
  controls: ({ keyOfControl }) => `${keyOfControl}>`,
  leases: ({ keyOfLease }) => `${keyOfLease}>`
}

const patternsOf = (request: ReadAsked, subjects: Subjects): ReadonlyArray<string> => {
  switch (request.op) {
    case "page":
      return "multi_last" in request.request ? request.request.multi_last : [request.request.next_by_subj ?? ""]
    case "last":
      return [request.subject]
    case "subjects":
      return [request.pattern]
    case "follow":
      return [subjects.event(request.pattern)]
    case "state":
    case "unfollow":
      return []
  }
}

const follow = (
  { connection, manager, subjects, adding }: Library,
  { pattern, after, inbox }: Extract<ReadAsked, { readonly op: "follow" }>
): Effect.Effect<Frame, LogUnavailable | ReturnType<typeof refused>> =>
  isInboxOfOthers(connection, inbox)
    ? Semaphore.withPermit(adding, openEventConsumer(manager, subjects, { pattern, after, inbox })).pipe(
        Effect.map((name) => ({ head: { name }, parts: [] }))
      )
    : Effect.fail(refused("events are sent to an inbox"))

/** As many of its messages as fit into one answer; one at least. */
const pageFrame = ({ messages, complete, upTo }: DirectPage): Frame => {
  const given: Array<Stored> = []
  let bytes = 0
  for (const message of messages) {
    bytes += Buffer.byteLength(message.payload) + Buffer.byteLength(message.subject) + MESSAGE_BYTES
    if (given.length > 0 && bytes > BYTES_MAX) break
    given.push(message)
  }
  return {
    head: {
      messages: given.map(({ subject, sequence, time, pending, header }) => ({
        subject,
        sequence,
        time,
        pending,
        headers: Object.fromEntries(TOLD_HEADERS.flatMap((name) => (header(name) === "" ? [] : [[name, header(name)]])))
      })),
      complete: complete && given.length === messages.length,
      ...(upTo !== undefined && { upTo })
    },
    parts: given.map(({ payload }) => payload)
  }
}

const fitting = ({ names, next }: SubjectsPage, offset: number) => {
  const given: Array<readonly [string, number]> = []
  let bytes = 0
  for (const entry of Object.entries(names)) {
    bytes += Buffer.byteLength(entry[0]) + 16
    if (given.length > 0 && bytes > SUBJECTS_BYTES_MAX) break
    given.push(entry)
  }
  const cut = given.length < Object.keys(names).length
  const left = cut ? offset + given.length : next
  return { names: Object.fromEntries(given), ...(left !== undefined && { next: left }) }
}

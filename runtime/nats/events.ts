import { jetstreamManager } from "@nats-io/jetstream"
import { Effect, Layer } from "effect"
import { type LogUnavailable, ServerUnsuitable } from "../errors.ts"
import { EventReads } from "../events/reads.ts"
import { Nats } from "./connection.ts"
import { type DirectPage, TOO_MANY } from "./direct.ts"
import { closeEventConsumer, openEventConsumer } from "./event-consumer.ts"
import { type FeedSource, follow } from "./feed.ts"
import { directReader, type StreamReader } from "./reader.ts"
import { keptSeconds } from "./retention.ts"
import { makeSubjects, type Subjects } from "./subjects.ts"

/** Of how many subjects the server gives the newest message with one request. */
const NEWEST_MAX = 1_024

/** Events of a namespace that exists, for who may read the stream. */
export const layerEventReads: Layer.Layer<EventReads, ServerUnsuitable, Nats> = Layer.effect(
  EventReads,
  Effect.gen(function* () {
    const nats = yield* Nats
    const subjects = makeSubjects(nats.options.namespace)
    const manager = yield* Effect.tryPromise({
      try: () => jetstreamManager(nats.connection, { checkAPI: false }),
      catch: (cause) => new ServerUnsuitable({ detail: `JetStream did not answer: ${String(cause)}` })
    })
    const reader = directReader(nats.connection, manager, subjects.stream)
    return makeEventReads(reader, {
      nats,
      subjects,
      reader,
      send: (wanted) => openEventConsumer(manager, subjects, wanted),
      end: (name) => closeEventConsumer(manager, subjects, name)
    })
  })
)

/** Events as a reader of the stream has them, and as they are sent. */
export const makeEventReads = (reader: StreamReader, source: FeedSource): EventReads["Service"] => {
  const { subjects } = source
  const toPage = (page: DirectPage) => ({
    events: page.messages.map(({ subject, sequence, payload }) => ({
      subject: withoutPrefix(subjects, subject),
      sequence,
      payload
    })),
    complete: page.complete,
    upTo: page.upTo
  })
  return EventReads.of({
    page: (pattern, from, batch, bytesMax) => {
      const which = { next_by_subj: subjects.event(pattern), batch }
      const request =
        "time" in from
          ? { start_time: new Date(from.time).toISOString(), ...which }
          : { seq: Math.max(1, from.sequence), ...which }
      return Effect.map(reader.page(request, bytesMax), toPage)
    },
    newest: (patterns, bytesMax) =>
      reader.page({ multi_last: patterns.map((pattern) => subjects.event(pattern)), batch: NEWEST_MAX }, bytesMax).pipe(
        Effect.map(toPage),
        Effect.catchIf(isTooMany, () => Effect.succeed(undefined))
      ),
    last: (pattern) => reader.last(subjects.event(pattern)),
    subjects: (pattern, offset) =>
      Effect.map(reader.subjects(subjects.event(pattern), offset), ({ names, next }) => ({
        names: Object.keys(names).map((name) => withoutPrefix(subjects, name)),
        next
      })),
    state: Effect.map(reader.state, ({ created, metadata, ...state }) => ({
      ...state,
      created: Date.parse(created),
      keptSeconds: (pattern: string) => keptSeconds(metadata, pattern)
    })),
    follow: (pattern, see) => follow(source, pattern, see)
  })
}

const isTooMany = ({ detail }: LogUnavailable): boolean => detail.startsWith(TOO_MANY)

const withoutPrefix = (subjects: Subjects, subject: string): string => subject.slice(subjects.event("").length)

import type { JetStreamManager } from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/transport-node"
import { Effect, Schema } from "effect"
import type { LogUnavailable } from "../errors.ts"
import { asking, type DirectPage, type DirectRequest, readLast, readPage, type Stored } from "./direct.ts"

/** A stream as its leader knows it. Times in milliseconds since 1970. */
export interface StreamState {
  readonly firstSequence: number
  readonly lastSequence: number
  /** What the server's clock said. */
  readonly time: number
  readonly created: string
  /** How many copies it has, any of which may be behind. */
  readonly copies: number
  readonly metadata: Readonly<Record<string, string>>
}

/** Some of the subjects under a pattern. */
export interface SubjectsPage {
  /** How many messages each has. */
  readonly names: Readonly<Record<string, number>>
  /** Where the next page begins, if there is one. */
  readonly next: number | undefined
}

/** Reads one stream. Nothing stays on the server of what was read. */
export interface StreamReader {
  /** Many messages with one request, from any copy of the stream, which may be behind. */
  readonly page: (request: DirectRequest, bytesMax?: number) => Effect.Effect<DirectPage, LogUnavailable>
  /** The newest message of a subject or pattern as the stream's leader has it; nothing if there is none. */
  readonly last: (subject: string) => Effect.Effect<Stored | undefined, LogUnavailable>
  /** What the leader says of the stream. */
  readonly state: Effect.Effect<StreamState, LogUnavailable>
  /** The subjects under a pattern in their order, from the one at a place on. */
  readonly subjects: (pattern: string, offset: number) => Effect.Effect<SubjectsPage, LogUnavailable>
}

/** Reads a stream itself: it needs the right to direct gets, to messages and to what is said of the stream. */
export const directReader = (connection: NatsConnection, manager: JetStreamManager, stream: string): StreamReader => ({
  page: (request, bytesMax) => readPage(connection, stream, request, bytesMax),
  last: (subject) => readLast(manager, stream, subject),
  state: Effect.map(
    asking(() => manager.streams.info(stream)),
    ({ state, config, created, ts }) => {
      // An old server does not say what time it has: its newest message does.
      const times = [ts, state.last_ts].map((text) => Date.parse(text ?? ""))
      return {
        firstSequence: state.first_seq,
        lastSequence: state.last_seq,
        time: times.find((millis) => !Number.isNaN(millis)) ?? 0,
        created: String(created),
        copies: config.num_replicas,
        metadata: config.metadata ?? {}
      }
    }
  ),
  subjects: (pattern, offset) => asking(() => readSubjects(connection, stream, pattern, offset))
})

const Names = Schema.Struct({
  total: Schema.Int,
  limit: Schema.Int,
  state: Schema.Struct({ subjects: Schema.optionalKey(Schema.Record(Schema.String, Schema.Int)) })
})
const Refused = Schema.Struct({ error: Schema.Struct({ description: Schema.String }) })
const decodeAnswer = Schema.decodeUnknownSync(Schema.Union([Names, Refused]))

/** How long the server may take to list subjects, in milliseconds. */
export const LIST_TIMEOUT_MILLIS = 10_000

/** The library's own `info` reads all pages, however many there are. */
const readSubjects = async (
  connection: NatsConnection,
  stream: string,
  pattern: string,
  offset: number
): Promise<SubjectsPage> => {
  const request = JSON.stringify({ subjects_filter: pattern, offset })
  const answer = await connection.request(`$JS.API.STREAM.INFO.${stream}`, request, { timeout: LIST_TIMEOUT_MILLIS })
  const info = decodeAnswer(answer.json())
  if ("error" in info) throw new Error(info.error.description)
  const names = info.state.subjects ?? {}
  const next = offset + Object.keys(names).length
  return { names, next: next > offset && next < info.total ? next : undefined }
}

import type { Msg, NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"
import { AlreadyStored, type AppendError, Fenced, LogFull, LogRefused, LogUnavailable } from "../errors.ts"
import { line, WrittenHeaders } from "./headers.ts"

/** A message on its way into the stream. */
export interface Outgoing {
  readonly subject: string
  readonly payload: string
  /** Header lines, each with its line break; empty for none. */
  readonly headers: string
}

/** How long to wait before room may have been made. */
const FULL_RETRY_MILLIS = 1_000
/** How long the server may take to store a group, in milliseconds, before its fate counts as unknown. */
const STORE_TIMEOUT_MILLIS = 5_000

/**
 * Stores messages as one atomic batch (ADR-50), or a single one as a plain publish, which costs the server less.
 *
 * Only the last message asks for an answer: the server refuses the whole batch there if anything was wrong with it.
 */
export const store = (
  connection: NatsConnection,
  batchId: string,
  messages: ReadonlyArray<Outgoing>
): Effect.Effect<number, AppendError> =>
  Effect.tryPromise({
    try: () => {
      const last = messages.length - 1
      for (let index = 0; index < last; index++) {
        const message = messages[index]!
        connection.publish(message.subject, message.payload, { headers: inBatch(message, batchId, index + 1) })
      }
      const message = messages[last]!
      const headers =
        last === 0
          ? new WrittenHeaders(message.headers)
          : new WrittenHeaders(`${batchLines(message, batchId, last + 1)}${line("Nats-Batch-Commit", 1)}`)
      return connection.request(message.subject, message.payload, { timeout: STORE_TIMEOUT_MILLIS, headers })
    },
    catch: (cause) => asAppendError(cause, messages)
  }).pipe(Effect.flatMap(readAck))

/** Too large is the one thing that the library itself refuses; the server is not asked, and would not be. */
const asAppendError = (cause: unknown, messages: ReadonlyArray<Outgoing>): AppendError => {
  const detail = cause instanceof Error ? cause.message : String(cause)
  if (!detail.includes("max_payload")) return new LogUnavailable({ detail })
  const size = Math.max(...messages.map((message) => Buffer.byteLength(message.payload)))
  return new LogRefused({ code: 0, detail: `a message of ${size} bytes is larger than the server takes` })
}

const batchLines = (message: Outgoing, batchId: string, sequence: number): string =>
  `${message.headers}${line("Nats-Batch-Id", batchId)}${line("Nats-Batch-Sequence", sequence)}`

const inBatch = (message: Outgoing, batchId: string, sequence: number) =>
  new WrittenHeaders(batchLines(message, batchId, sequence))

interface Ack {
  readonly seq?: number
  readonly duplicate?: boolean
  readonly error?: { readonly err_code?: number; readonly code?: number; readonly description?: string }
}

const readAck = (message: Msg): Effect.Effect<number, AppendError> => {
  const ack = message.json<Ack>()
  if (ack.error !== undefined) {
    return Effect.fail(refusal(ack.error.err_code ?? ack.error.code ?? 0, ack.error.description ?? ""))
  }
  if (ack.duplicate === true) return Effect.fail(new AlreadyStored())
  return ack.seq === undefined
    ? Effect.fail(new LogUnavailable({ detail: "the answer holds no sequence" }))
    : Effect.succeed(ack.seq)
}

/** The server's numbers as named cases, in this one place. */
const refusal = (code: number, detail: string): AppendError => {
  switch (code) {
    case 10071: // wrong last sequence
    case 10164:
      return new Fenced({ detail })
    case 10201: // batch holds a message id that was seen
      return new AlreadyStored()
    case 10023: // insufficient resources
    case 10028: // storage resources exceeded
    case 10047:
    case 10077: // maximum bytes or messages exceeded
      return new LogFull({ detail, retry_after_ms: FULL_RETRY_MILLIS })
    case 10008: // JetStream temporarily unavailable
    case 10176: // batch incomplete, as after a reconnect: not stored
    case 503:
      return new LogUnavailable({ detail })
    default:
      return new LogRefused({ code, detail })
  }
}

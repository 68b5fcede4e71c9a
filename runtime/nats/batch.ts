import type { Msg, NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"
import { AlreadyStored, type AppendError, Fenced, LogFull, LogRefused, LogUnavailable, TooLarge } from "../errors.ts"
import { unlessLost } from "./disconnect.ts"
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
  Effect.suspend(() => {
    // Before anything is sent: the server keeps the half of a batch for a while, and holds only so many.
    const tooLarge = oversized(messages, connection.info?.max_payload)
    return tooLarge === undefined
      ? unlessLost(connection, Effect.tryPromise({ try: () => send(connection, batchId, messages), catch: unanswered }))
      : Effect.fail(tooLarge)
  }).pipe(Effect.flatMap(readAck))

const send = (connection: NatsConnection, batchId: string, messages: ReadonlyArray<Outgoing>): Promise<Msg> => {
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
}

const unanswered = (cause: unknown): AppendError =>
  new LogUnavailable({ detail: cause instanceof Error ? cause.message : String(cause) })

/** The headers of a batch, and the line that begins all headers, take at most this beside a message's own, in bytes. */
const BATCH_HEADER_BYTES = 160
const UTF8_BYTES_MAX = 3

/** The first message that the server would not take: it counts headers and payload together, and closes the connection. */
const oversized = (messages: ReadonlyArray<Outgoing>, limit: number | undefined): TooLarge | undefined => {
  if (limit === undefined) return undefined
  for (const { payload, headers } of messages) {
    const rest = Buffer.byteLength(headers) + BATCH_HEADER_BYTES
    if (payload.length * UTF8_BYTES_MAX + rest <= limit) continue
    const size = Buffer.byteLength(payload) + rest
    if (size > limit) return new TooLarge({ what: "the message", size, limit })
  }
  return undefined
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
    case 10002: // account limits exceeded
    case 10023: // insufficient resources
    case 10028: // storage resources exceeded
    case 10047:
      return new LogFull({ detail, retry_after_ms: FULL_RETRY_MILLIS })
    case 10077: // the store failed, for the reason in the text
      if (/large/i.test(detail)) return new LogRefused({ code, detail })
      return /maximum|exceed/i.test(detail)
        ? new LogFull({ detail, retry_after_ms: FULL_RETRY_MILLIS })
        : new LogUnavailable({ detail })
    default:
      return betweenLeaders(code) || PASSING.has(code)
        ? new LogUnavailable({ detail })
        : new LogRefused({ code, detail })
  }
}

/** What a server says while its cluster has no leader, or the answer went to one that is none any more. It takes seconds. */
export const betweenLeaders = (code: number): boolean => BETWEEN_LEADERS.has(code)

const BETWEEN_LEADERS: ReadonlySet<number> = new Set([
  503, // nobody answers
  10_004, // the cluster's answer is incomplete
  10_007, // not assigned to this server
  10_008, // JetStream temporarily unavailable
  10_009, // not the leader
  10_118, // the stream is offline
  10_194
])

/** Other refusals that pass by themselves: nothing was stored, and trying again helps. */
const PASSING: ReadonlySet<number> = new Set([
  10_039, // JetStream is off for the account, or
  10_076, // at all: a server switches it off when its disk is full
  10_158, // the same message id is being stored at this moment
  10_163, // the subject has a record that is being stored, so that its last sequence is not known
  10_176, // batch incomplete, as after a reconnect or a change of leader
  10_210, // too many batches at once
  10_211
])

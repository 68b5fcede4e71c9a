import { errors, type NatsConnection } from "@nats-io/transport-node"
import { Effect, Schema } from "effect"
import { decoder } from "../../codec.ts"
import { LogRefused, LogUnavailable, TooLarge } from "../../errors.ts"
import { unlessLost } from "../disconnect.ts"
import { type Frame, readFrame, writeFrame } from "./frame.ts"
import { Answer, Failure } from "./words.ts"

/** What was answered. */
export interface Answered<A> {
  readonly head: A
  readonly parts: ReadonlyArray<string>
}

/** Asks at one door. `LogUnavailable` where no node is there, or none answered in time: it may have been done. */
export type Ask = <A>(
  asked: Frame,
  answer: Schema.Codec<A, unknown>,
  timeoutMillis?: number
) => Effect.Effect<Answered<A>, Failure>

/** What says that nobody serves the door. */
export const NO_NODE = "no node is there: start one"

/** Another node may answer when it is asked again, so nobody waits long for one that is stopped or away. */
const TIMEOUT_MILLIS = 2_500
const FORBIDDEN = 403

export const askAt =
  (connection: NatsConnection, subject: string): Ask =>
  (asked, answer, timeout = TIMEOUT_MILLIS) =>
    Effect.suspend(() => {
      const frame = writeFrame(asked)
      const size = frame.byteLength
      const limit = connection.info?.max_payload ?? size
      // The server would close the connection.
      if (size > limit) return Effect.fail(new TooLarge({ what: "what is asked", size, limit }))
      const asking = Effect.tryPromise({
        try: () => connection.request(subject, frame, { timeout }),
        catch: (cause) => unanswered(cause, timeout)
      })
      return Effect.flatMap(unlessLost(connection, asking), ({ data }) => read(data, answer))
    })

const unanswered = (cause: unknown, timeout: number): Failure => {
  if (cause instanceof errors.NoRespondersError) return new LogUnavailable({ detail: NO_NODE })
  if (cause instanceof errors.RequestError && cause.isNoResponders()) return new LogUnavailable({ detail: NO_NODE })
  if (cause instanceof errors.TimeoutError) {
    return new LogUnavailable({ detail: `no node answered within ${timeout} ms` })
  }
  const detail = cause instanceof Error ? cause.message : String(cause)
  return /permissions violation/i.test(detail)
    ? new LogRefused({ code: FORBIDDEN, detail })
    : new LogUnavailable({ detail })
}

const decodeAnswer = Schema.decodeUnknownSync(Answer)
const decodeFailure = Schema.decodeUnknownSync(Schema.toCodecJson(Failure))

const read = <A>(bytes: Uint8Array, schema: Schema.Codec<A, unknown>): Effect.Effect<Answered<A>, Failure> =>
  Effect.suspend((): Effect.Effect<Answered<A>, Failure> => {
    try {
      const { head, parts } = readFrame(bytes)
      const answer = decodeAnswer(head)
      if ("error" in answer) return Effect.fail(decodeFailure(answer.error))
      // The codec of this schema gives exactly this type.
      return Effect.succeed({ head: decoder(schema)(answer.ok) as A, parts })
    } catch (cause) {
      return Effect.fail(new LogUnavailable({ detail: `a node's answer cannot be read: ${String(cause)}` }))
    }
  })

import type { Msg, NatsConnection } from "@nats-io/transport-node"
import { Effect, FiberSet, Schema, type Scope } from "effect"
import { LogRefused, LogUnavailable, TooLarge } from "../../errors.ts"
import { isInboxOfOthers } from "../inbox.ts"
import { type Frame, readFrame, writeFrame } from "./frame.ts"
import { Failure } from "./words.ts"

/** What is behind a door: an answer to what is asked there, whose head is JSON. */
export type Behind = (asked: Frame) => Effect.Effect<Frame, Failure>

export interface DoorOptions {
  readonly connection: NatsConnection
  readonly subject: string
  /** So many are served at a time. Who comes then is sent away, and asks again. */
  readonly atOnce: number
  /** What is larger is not read. */
  readonly bytesMax: number
}

/** Each is answered by one of the nodes. */
const QUEUE = "doors"
/** How long who was let in already may take, when the door closes. */
const FAREWELL = "3 seconds"
const BAD_REQUEST = 400

/**
 * Serves a door with the rights of this process, until the scope closes; then who was let in is answered.
 *
 * Headers of what is asked have no effect. Who names an answer's subject that is no inbox of somebody else is not served.
 */
export const keepDoor = (
  { connection, subject, atOnce, bytesMax }: DoorOptions,
  behind: Behind
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const fibers = yield* FiberSet.make<void>()
    const run = yield* FiberSet.runtime(fibers)()
    yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(FiberSet.awaitEmpty(fibers), FAREWELL)))
    let open = 0
    const take = (message: Msg): void => {
      const to = message.reply
      if (!isInboxOfOthers(connection, to)) return
      if (open >= atOnce) return void say(connection, to, BUSY)
      const size = message.data.byteLength
      if (size > bytesMax)
        return say(connection, to, failed(new TooLarge({ what: "what is asked", size, limit: bytesMax })))
      open++
      const serving = Effect.suspend(() => answerTo(message.data, behind)).pipe(
        Effect.flatMap((answer) => Effect.sync(() => say(connection, to, answer))),
        Effect.ensuring(Effect.sync(() => void open--))
      )
      run(serving)
    }
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        connection.subscribe(subject, {
          queue: QUEUE,
          callback: (error, message) => (error === null ? take(message) : void run(shut(subject, error.message)))
        })
      ),
      // What the server has sent us already is answered.
      (subscription) =>
        Effect.ignore(
          Effect.timeoutOption(
            Effect.tryPromise(() => subscription.drain()),
            FAREWELL
          )
        )
    )
  })

const shut = (door: string, reason: string): Effect.Effect<void> =>
  Effect.logError("a door is not kept: who may not touch the stream is not served there").pipe(
    Effect.annotateLogs({ door, reason })
  )

const encodeFailure = Schema.encodeSync(Schema.toCodecJson(Failure))
const failed = (failure: Failure): Uint8Array => writeFrame({ head: { error: encodeFailure(failure) }, parts: [] })
const BUSY = failed(new LogUnavailable({ detail: "the node has too much to do at its doors" }))

const answerTo = (bytes: Uint8Array, behind: Behind): Effect.Effect<Uint8Array> =>
  Effect.try({ try: () => readFrame(bytes), catch: (cause) => refusedAs(cause) }).pipe(
    Effect.flatMap(behind),
    Effect.map(({ head, parts }) => writeFrame({ head: { ok: head }, parts })),
    Effect.catch((failure) => Effect.succeed(failed(failure))),
    Effect.catchDefect((defect) =>
      Effect.as(
        Effect.logError("what was asked at a door failed", defect),
        failed(new LogUnavailable({ detail: "the node failed" }))
      )
    )
  )

/** Decodes what is asked, or says what is wrong with it. */
export const decodeAsked = <A>(schema: Schema.Codec<A, unknown>) => {
  const decode = Schema.decodeUnknownSync(schema)
  return ({ head }: Frame): Effect.Effect<A, LogRefused> => Effect.try({ try: () => decode(head), catch: refusedAs })
}

const REASON_CHARACTERS_MAX = 1_000

const refusedAs = (cause: unknown): LogRefused =>
  refused((cause instanceof Error ? cause.message : String(cause)).slice(0, REASON_CHARACTERS_MAX))

/** What is asked cannot be done, and asking again does not help. */
export const refused = (detail: string): LogRefused => new LogRefused({ code: BAD_REQUEST, detail })

const say = (connection: NatsConnection, to: string, answer: Uint8Array): void => {
  const limit = connection.info?.max_payload ?? Number.POSITIVE_INFINITY
  const size = answer.byteLength
  try {
    connection.publish(to, size > limit ? failed(new TooLarge({ what: "the answer", size, limit })) : answer)
  } catch {
    // The connection is closed: who asked asks another node.
  }
}

import { Effect, Schema } from "effect"
import type { Acts } from "../../acting.ts"
import { InvalidAddress } from "../../address.ts"
import { NoSuchLetter, NotRetryable } from "../../dead-letters.ts"
import { NotHeld } from "../../dropping.ts"
import { LogRefused, LogUnavailable } from "../../errors.ts"
import { type Ask, NO_NODE } from "./ask.ts"
import { type ActAsked, DroppedAnswer, type Failure, isAppendFailure, isReadFailure, Pauses } from "./words.ts"

/** What mail is dropped may be much, and nodes finish first what they are at. */
const TIMEOUT_MILLIS = 20_000
const DROP_TIMEOUT_MILLIS = 120_000

/** The acts of operators, done by a node. */
export const remoteActs = (ask: Ask): Acts => {
  const act = <A, E extends Failure>(
    asked: ActAsked,
    answer: Schema.Codec<A, unknown>,
    may: (failure: Failure) => failure is E,
    timeout = TIMEOUT_MILLIS
  ): Effect.Effect<A, E | LogRefused> =>
    ask({ head: asked, parts: [] }, answer, timeout).pipe(
      Effect.map(({ head }) => head),
      Effect.mapError(inDoubt),
      Effect.mapError((failure) => (may(failure) ? failure : new LogRefused({ code: 0, detail: failure.message })))
    )
  const done = (asked: ActAsked) => act(asked, Schema.Boolean, either(isReadFailure, isInvalidAddress))
  return {
    pause: (target, cause) => done({ op: "pause", target, cause }),
    resume: (target) => done({ op: "resume", target }),
    resumeFailed: (target) => act({ op: "resumeFailed", target }, Pauses, either(isReadFailure, isInvalidAddress)),
    retry: (sequence) =>
      Effect.asVoid(act({ op: "retry", sequence }, Schema.Null, either(isAppendFailure, isOfLetter))),
    drop: (sequence) =>
      Effect.asVoid(act({ op: "drop", sequence }, Schema.Null, either(isReadFailure, isNoSuchLetter))),
    dropMail: ({ type, id }, { keep }) =>
      act(
        { op: "dropMail", selection: id === undefined ? { type } : { type, id }, keep },
        DroppedAnswer,
        either(isAppendFailure, isOfMail),
        DROP_TIMEOUT_MILLIS
      )
  }
}

/** Where a node was there and did not answer. */
const inDoubt = (failure: Failure): Failure =>
  failure._tag === "LogUnavailable" && failure.detail !== NO_NODE
    ? new LogUnavailable({ detail: `${failure.detail}: it may have been done` })
    : failure

const isInvalidAddress = Schema.is(InvalidAddress)
const isNoSuchLetter = Schema.is(NoSuchLetter)
const isOfLetter = Schema.is(Schema.Union([NoSuchLetter, NotRetryable]))
const isOfMail = Schema.is(Schema.Union([NotHeld, InvalidAddress]))

const either =
  <A extends Failure, B extends Failure>(
    one: (failure: Failure) => failure is A,
    other: (failure: Failure) => failure is B
  ) =>
  (failure: Failure): failure is A | B =>
    one(failure) || other(failure)

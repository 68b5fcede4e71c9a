import { Effect } from "effect"
import type { Actors } from "../../runtime/index.ts"
import type { Grant } from "../auth/grant.ts"
import type { Failure } from "../failures/failure.ts"
import { type Caller, keyOf } from "../operations/caller.ts"
import { failureOf, type OperationFailure } from "../operations/failures.ts"
import type { GatewayState } from "../operations/gateway-state.ts"
import type { AskOperation, Question, QuestionResult } from "./question.ts"
import { answered, progressed, type Session, type Transition } from "./session.ts"

export type CallerOf = (grant: Grant, key: string | undefined, address: string) => Caller

/** Does what a WebSocket client asks for. What goes wrong is an answer too. */
export const ask = (
  callerOf: CallerOf,
  { asked, grant, address, tell }: Question
): Effect.Effect<QuestionResult, never, Actors | GatewayState> =>
  Effect.suspend(() => {
    const { operation, id, parts, progress } = asked
    const caller = callerOf(grant, keyOf(id), address)
    return operation.begin(parts, { caller, correlationId: undefined, tell: progress ? tell : undefined }).answer
  }).pipe(
    Effect.map(({ json }): QuestionResult => ({ ok: true, data: json })),
    Effect.catch((reason: OperationFailure) => {
      const failure = failureOf(reason)
      if (failure.status === 500) return failedInside(reason)
      return Effect.succeed({ ok: false, code: codeOf(failure), reason: reason._tag, message: failure.detail } as const)
    }),
    Effect.catchDefect(failedInside)
  )

const failedInside = (cause: unknown): Effect.Effect<QuestionResult> =>
  Effect.as(Effect.logError("operation failed", cause), {
    ok: false,
    code: "internal",
    message: "something failed inside"
  })

const codeOf = ({ status }: Failure) => {
  if (status === 429) return "too_many_requests"
  return status > 500 ? "unavailable" : "refused"
}

export interface AnsweringOptions {
  readonly ask: (question: Question) => Effect.Effect<QuestionResult>
  /** Where the client is. */
  readonly address: string
  readonly session: () => Session
  readonly perform: (transition: Transition) => void
}

/**
 * Asks what a client wants to know, and tells it how far that has come; nothing of it after the answer.
 *
 * What was asked is stored and goes its way, also where the client does not stay for the answer.
 */
export const answering = (
  { ask, address, session, perform }: AnsweringOptions,
  asked: AskOperation,
  grant: Grant
): Effect.Effect<void> =>
  Effect.suspend(() => {
    let over = false
    const tell: Question["tell"] = (progress) => {
      if (!over) perform(progressed(session(), asked, progress))
    }
    return Effect.map(ask({ asked, grant, address, tell }), (result) => {
      over = true
      perform(answered(session(), asked, result))
    })
  })

import { Effect, Result, Schema } from "effect"
import { CoordinatorStatus, Problem, RoundStatus } from "../../protocols/index.ts"
import type { Actors } from "../../runtime/index.ts"
import type { Grant } from "../auth/grant.ts"
import { failureProblem, type OperationFailure } from "../failures/failure-problem.ts"
import { analyze, cancelAnalysis, correlationOf } from "../operations/analysis.ts"
import { type Caller, keyOf, sharingOf } from "../operations/caller.ts"
import { cancelConsensus, castVote, consensusStatus, openConsensus } from "../operations/consensus.ts"
import { sendMessage, symbolStatus } from "../operations/messages.ts"
import type { Fanout } from "../streams/fanout.ts"
import { followAnalysis } from "./progress.ts"
import type { AskOperation, Question, QuestionResult } from "./question.ts"

export interface AskOptions {
  readonly fanout: Fanout
  readonly callerOf: (grant: Grant, key: string | undefined, address: string) => Caller
}

/** Does what a WebSocket client asks of actors. What goes wrong is an answer too. */
export const askActors = (
  { fanout, callerOf }: AskOptions,
  { operation, grant, address, tell }: Question
): Effect.Effect<QuestionResult, never, Actors> =>
  ask(operation, callerOf(grant, keyOf(operation.id), address), fanout, tell).pipe(
    Effect.map((data): QuestionResult => ({ ok: true, data })),
    Effect.catch((failure: OperationFailure) => {
      const fault = faultOf(failure)
      if (fault.code !== "internal") return Effect.succeed(fault)
      return Effect.as(Effect.logError("operation failed", failure), fault)
    }),
    Effect.catchDefect((defect) => Effect.as(Effect.logError("operation failed", defect), INTERNAL))
  )

type ResultData = { readonly [key: string]: unknown }

const ask = (
  operation: AskOperation,
  caller: Caller,
  fanout: Fanout,
  tell: Question["tell"]
): Effect.Effect<ResultData, OperationFailure, Actors> => {
  switch (operation.op) {
    case "analyze":
      return analyzeTelling(operation, caller, fanout, tell)
    case "request_consensus":
      return openConsensus(operation.request, caller)
    case "vote":
      return Effect.as(castVote(operation.consensus_id, operation.vote, caller), ACCEPTED)
    case "message":
      return Effect.as(sendMessage(operation.message, caller), ACCEPTED)
    case "cancel":
      return "consensus_id" in operation.of
        ? Effect.as(cancelConsensus(operation.of.consensus_id, operation.of, caller), ACCEPTED)
        : cancelAnalysis(operation.of, operation.of.correlation_id, caller)
    case "status":
      return "consensus_id" in operation.of
        ? Effect.flatMap(consensusStatus(operation.of.consensus_id, caller), (text) => Effect.orDie(decodeRound(text)))
        : Effect.flatMap(symbolStatus(operation.of.symbol, caller), (found) => Effect.orDie(encodeStatus(found)))
  }
}

/** Events that cannot be read sooner are not told. */
const FOLLOWED_WITHIN = "1 second"

const ACCEPTED = { accepted: true } as const
const decodeRound = Schema.decodeEffect(Schema.fromJsonString(RoundStatus))
const encodeStatus = Schema.encodeEffect(CoordinatorStatus)

const analyzeTelling = (
  { request, progress = true }: Extract<AskOperation, { readonly op: "analyze" }>,
  caller: Caller,
  fanout: Fanout,
  tell: Question["tell"]
): Effect.Effect<ResultData, OperationFailure, Actors> => {
  const correlationId = correlationOf(caller, request.correlation_id)
  const asker = sharingOf(caller)
  const asked = analyze(request, correlationId, caller, asker)
  if (!progress) return asked
  return Effect.scoped(
    Effect.gen(function* () {
      // Names the symbol first, so that nobody makes readers of the log by symbols that are refused.
      yield* caller.quota.name([request.symbol])
      const following = yield* followAnalysis(
        fanout,
        { symbol: request.symbol, correlationId, followId: asker.client?.follow_id },
        tell
      ).pipe(
        // An analysis does not wait until its progress can be seen.
        Effect.timeout(FOLLOWED_WITHIN),
        Effect.result
      )
      tell({ stage: "accepted", correlation_id: correlationId, followed: Result.isSuccess(following) })
      const result = yield* asked
      if (Result.isSuccess(following)) yield* following.success
      return result
    })
  )
}

const INTERNAL = { ok: false, code: "internal", message: "something failed inside" } as const
const decodeProblem = Schema.decodeSync(Schema.fromJsonString(Problem))

/** What went wrong in the words of its problem document, which a client of the HTTP API would get. */
const faultOf = (failure: OperationFailure): Extract<QuestionResult, { ok: false }> => {
  const { status, detail } = decodeProblem(failureProblem(failure).body)
  if (status === 500) return INTERNAL
  const code = status === 429 ? "too_many_requests" : status > 500 ? "unavailable" : "refused"
  return { ok: false, code, reason: failure._tag, message: detail }
}

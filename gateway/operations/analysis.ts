import { Effect, Result, type Schema } from "effect"
import {
  type AnalysisResult,
  type AnalyzeRequest,
  CoordinatorProtocol,
  flatIndicators,
  marketBars,
  sizedAccount,
  toWindow,
  type UnknownAnalysis
} from "../../protocols/index.ts"
import { Actors, type AskError, type Refusal } from "../../runtime/index.ts"
import type { OverBudget } from "./budget.ts"
import { byOf, type Caller, nameFor, once, type Requester, sharingOf } from "./caller.ts"
import { GatewayState } from "./gateway-state.ts"
import { type AnalysisProgress, type Followed, followAnalysis } from "./progress.ts"
import type { TooManySymbols } from "./quota.ts"

export type AnalyzeFailure = AskError | TooManySymbols | OverBudget | Refusal<typeof CoordinatorProtocol, "Analyze">
export type CancelAnalysisFailure = AskError | OverBudget | Schema.Schema.Type<typeof UnknownAnalysis>

/** A round that closes at the deadline of its analysis has still to be told, in milliseconds. */
const ANSWER_MARGIN_MILLIS = 2_000

/**
 * The correlation id of a request: that of its header, else its own, else a new one, which a request that is repeated here gets too.
 * It is published, so it says nothing of the request's key.
 */
export const correlationOf = (caller: Caller, own: string | undefined, given?: string): string =>
  given ?? own ?? nameFor(caller, "correlation")

/** Events that cannot be read sooner are not told. */
const FOLLOWED_WITHIN = "1 second"

interface AnalysisAsked {
  readonly payload: AnalyzeRequest
  readonly caller: Caller
  readonly correlationId: string | undefined
  readonly tell: ((progress: AnalysisProgress) => void) | undefined
}

/** One analysis; how far it has come is told where somebody wants to know. Of one that was asked for before the id is the first one's. */
export const runAnalysis = ({ payload, caller, correlationId: given, tell }: AnalysisAsked) => {
  const correlationId = correlationOf(caller, payload.correlation_id, given)
  const requester = sharingOf(caller)
  const asked = analyze(payload, correlationId, caller, requester)
  const following = { symbol: payload.symbol, correlationId, followId: requester.client?.follow_id }
  return {
    correlationId,
    result: tell === undefined ? asked : telling(asked, following, caller, tell),
    headers: (result: AnalysisResult | undefined) => ({ "x-correlation-id": result?.correlation_id ?? correlationId })
  }
}

const telling = (
  asked: Effect.Effect<AnalysisResult, AnalyzeFailure, Actors>,
  followed: Followed,
  caller: Caller,
  tell: (progress: AnalysisProgress) => void
) =>
  Effect.scoped(
    Effect.gen(function* () {
      // Names the symbol first, so that nobody makes readers of the log by symbols that are refused.
      yield* caller.quota.name([followed.symbol])
      const { events } = yield* GatewayState
      const following = yield* followAnalysis(events, followed, tell).pipe(
        // An analysis does not wait until its progress can be seen.
        Effect.timeout(FOLLOWED_WITHIN),
        Effect.result
      )
      const { correlationId: correlation_id } = followed
      tell({ stage: "accepted", correlation_id, followed: Result.isSuccess(following) })
      const result = yield* asked
      if (Result.isSuccess(following)) yield* following.success
      return result
    })
  )

/** One analysis, up to its result. `requester`: what actors are told of who asks. */
const analyze = (
  request: AnalyzeRequest,
  correlationId: string,
  caller: Caller,
  requester: Requester
): Effect.Effect<AnalysisResult, AnalyzeFailure, Actors> =>
  Effect.gen(function* () {
    const {
      symbol,
      bars_per_year,
      timeout_ms = caller.analysisMillis,
      context,
      technical_indicators,
      account_info
    } = request
    const bars = request.market_data === undefined ? request.bars : marketBars(request.market_data)
    const counted = {
      first: Effect.andThen(caller.quota.name([symbol]), caller.budget.begin(request)),
      again: caller.budget.store(request)
    }
    const payload = {
      correlation_id: correlationId,
      timeout_ms,
      ...(bars === undefined ? {} : { bars: toWindow(bars, bars_per_year) }),
      ...(context === undefined ? {} : { context }),
      ...(technical_indicators === undefined ? {} : { indicators: flatIndicators(technical_indicators) }),
      ...(account_info === undefined ? {} : { account: sizedAccount(account_info, symbol) }),
      ...requester
    }
    const { ask } = yield* Actors
    const options = { correlationId, timeout: timeout_ms + ANSWER_MARGIN_MILLIS }
    return yield* once(caller, { operation: "analyze", target: symbol, body: request }, counted, (sent) =>
      ask(CoordinatorProtocol, symbol, "Analyze", payload, { ...options, ...sent })
    )
  }).pipe(Effect.annotateLogs({ symbol: request.symbol }))

/** Cancels an analysis that waits or is under way. Who asked for it is told. */
export const cancelAnalysis = (
  { symbol, reason = "cancelled by a client" }: { readonly symbol: string; readonly reason?: string },
  correlation_id: string,
  caller: Caller
): Effect.Effect<{ readonly cancelled: "waiting" | "running" }, CancelAnalysisFailure | TooManySymbols, Actors> =>
  Effect.gen(function* () {
    const asked = { correlation_id, reason }
    const again = caller.budget.store(asked)
    const counted = { first: Effect.andThen(caller.quota.name([symbol]), again), again }
    const { ask } = yield* Actors
    const { cancelled } = yield* once(caller, { operation: "cancel", target: symbol, body: asked }, counted, (sent) =>
      ask(CoordinatorProtocol, symbol, "CancelAnalysis", { ...asked, ...byOf(caller) }, sent)
    )
    return { cancelled }
  })

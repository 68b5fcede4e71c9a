import { Schema } from "effect"
import { AgentStatus } from "../agents/agent.ts"
import { GivenContextItems } from "../agents/context.ts"
import { AgentDecision, ToolExecution } from "../agents/decision.ts"
import { ModelCall } from "../agents/model.ts"
import { AgentCoordination } from "../consensus/consensus.ts"
import { GivenAccount, GivenIndicators, MarketData } from "../market/analysis-inputs.ts"
import { type Bar, BarsPerYear, GivenBar, MarketUpdate } from "../market/market.ts"
import { OrderUpdate, PortfolioUpdate } from "../portfolio/portfolio.ts"
import { isoMillis } from "../vocabulary/iso-time.ts"
import { CorrelationId, MarketSymbol, Timestamp } from "../vocabulary/names.ts"
import { open } from "../vocabulary/open.ts"
import { patternFault } from "../vocabulary/subjects.ts"

export const Alert = open({
  severity: Schema.Literals(["info", "warning", "critical"]),
  code: Schema.NonEmptyString,
  message: Schema.String,
  timestamp: Timestamp
})

/** The kinds of event that are published, each with what its `data` holds. */
export const events = {
  agent_decision: { type: "agent_decision", data: AgentDecision },
  tool_execution: { type: "tool_execution", data: ToolExecution },
  model_call: { type: "model_call", data: ModelCall },
  agent_coordination: { type: "agent_coordination", data: AgentCoordination },
  agent_status: { type: "agent_status", data: AgentStatus },
  market_update: { type: "market_update", data: MarketUpdate },
  order_update: { type: "order_update", data: OrderUpdate },
  portfolio_update: { type: "portfolio_update", data: PortfolioUpdate },
  alert: { type: "alert", data: Alert }
} as const

/** A subject pattern as a client writes it. */
export const Pattern = Schema.String.check(Schema.makeFilter((text: string) => patternFault(text) ?? true))

/** The client's own name for an operation or subscription; answers carry it. */
export const OperationId = Schema.NonEmptyString.check(Schema.isMaxLength(64))

const Sequence = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }))

/**
 * Where a subscription starts: with what is stored from now on; with the newest event of each subject; with a sequence,
 * or the first event after it; with a time. Who resumes asks for the last sequence it got, plus one.
 */
export const Start = Schema.Union([
  Schema.Literals(["new", "last"]),
  Schema.Struct({ seq: Sequence }),
  Schema.Struct({
    time: Timestamp.check(Schema.makeFilter((text) => isoMillis(text) !== undefined || "a time is ISO 8601"))
  })
])
export type Start = typeof Start.Type

/**
 * What happens to a subscription whose client reads too slowly: of each subject only the newest event waits
 * (`conflate`), the oldest are dropped (`drop`), or the connection is closed (`close`).
 */
export const SlowPolicy = Schema.Literals(["close", "drop", "conflate"])
export type SlowPolicy = typeof SlowPolicy.Type

/** `start` is `new` and `on_slow` is `close` unless given; `pending_bytes` is what may wait for it, in bytes. */
export const Subscribe = Schema.Struct({
  op: Schema.Literal("subscribe"),
  id: OperationId,
  pattern: Pattern,
  start: Schema.optionalKey(Start),
  on_slow: Schema.optionalKey(SlowPolicy),
  pending_bytes: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0)))
})
export type Subscribe = typeof Subscribe.Type

const ascending = Schema.makeFilter((bars: ReadonlyArray<Bar>) => {
  const index = bars.findIndex((bar, at) => at > 0 && bar.time <= bars[at - 1]!.time)
  return index < 0 || `bars go from oldest to newest: the one at ${index} is not later than the one before it`
})

/**
 * The body of `POST /api/v1/agents/analyze`.
 *
 * `bars` are what the analysis looks at, oldest first; of more than `WINDOW_BARS_MAX` the last ones are used. Without
 * them the bars that the system has seen are used. `timeout_ms` is the deadline of the analysis, by which its round takes its last
 * votes; 30,000 unless given, and longer where the gateway's models have longer. `bars_per_year` is how many such bars a year of trading has; their times tell unless given, and it is refused without bars. No item of `context` is later than the last bar, whose `time` is the start of its interval.
 */
export const AnalyzeRequest = Schema.Struct({
  symbol: MarketSymbol,
  bars: Schema.optionalKey(Schema.Array(GivenBar).check(Schema.isMinLength(1), ascending)),
  bars_per_year: Schema.optionalKey(BarsPerYear),
  correlation_id: Schema.optionalKey(CorrelationId),
  timeout_ms: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 120_000 }))),
  context: Schema.optionalKey(GivenContextItems),
  /** Bars, in place of `bars`. */
  market_data: Schema.optionalKey(MarketData),
  /** Figures that somebody else has computed: agents are shown them beside their own. */
  technical_indicators: Schema.optionalKey(GivenIndicators),
  /** The account that the decision is for: the answer says how large a position should be. */
  account_info: Schema.optionalKey(GivenAccount)
}).check(
  Schema.makeFilter(({ bars, market_data }) =>
    bars !== undefined && market_data !== undefined
      ? { path: ["market_data"], issue: "bars come as `bars` or as `market_data`, and not as both" }
      : undefined
  ),
  Schema.makeFilter(({ bars, market_data, bars_per_year }) =>
    bars_per_year !== undefined && bars === undefined && market_data === undefined
      ? { path: ["bars_per_year"], issue: "is of the bars of the request, and there are none" }
      : undefined
  )
)
export type AnalyzeRequest = typeof AnalyzeRequest.Type

/** How many bars one request brings at most: of so many the system remembers, by their request's key, that it has taken them. */
export const FEED_BARS_MAX = 200

/**
 * The body of `POST /api/v1/market/{symbol}/bars`: what the market did, oldest first, and how many such bars a year of trading has,
 * which holds from then on.
 */
export const BarsBody = Schema.Struct({
  bars_per_year: Schema.optionalKey(BarsPerYear),
  bars: Schema.Array(GivenBar).check(Schema.isMinLength(1), Schema.isMaxLength(FEED_BARS_MAX), ascending)
})
export type BarsBody = typeof BarsBody.Type

/**
 * What became of them. Those in `stale`, by their times, are not newer than the last one of the symbol that is known, and have no
 * effect; all others were `taken`, in their order.
 */
export const BarsTaken = Schema.Struct({
  symbol: MarketSymbol,
  taken: Schema.Int,
  stale: Schema.Array(Schema.Int)
})
export type BarsTaken = typeof BarsTaken.Type

/** The body of `POST /api/v1/agents/analyze/{correlation_id}/cancel`. */
export const CancelAnalysisBody = Schema.Struct({
  symbol: MarketSymbol,
  reason: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(1_000)))
})

/**
 * What a client can send that is about its connection, one JSON object a text frame. All else that it can send is an operation of the
 * gateway's table, which HTTP has too.
 */
export const ConnectionOperation = Schema.Union([
  Subscribe,
  Schema.Struct({ op: Schema.Literal("unsubscribe"), id: OperationId }),
  Schema.Struct({ op: Schema.Literal("auth"), id: OperationId, token: Schema.String }),
  Schema.Struct({ op: Schema.Literal("ping"), id: OperationId })
])
export type ConnectionOperation = typeof ConnectionOperation.Type

/**
 * Every frame a client gets.
 *
 * For events `seq` is the stream sequence, `subject` where it was published and `sub` the id of the subscription that
 * the frame is for: an event comes once per subscription that matches it, in frames that differ in `sub` only. Within
 * one subscription `seq` always grows. For the protocol's own frames (`welcome`, `subscribed`, `caught_up`, `gap`,
 * `progress`, `result`, `error`) `seq` and `subject` are null and there is no `sub`.
 */
export const Frame = Schema.Struct({
  type: Schema.String,
  seq: Schema.NullOr(Schema.Int),
  subject: Schema.NullOr(Schema.String),
  data: Schema.Unknown,
  sub: Schema.optionalKey(OperationId)
})
export type Frame = typeof Frame.Type

/**
 * What the `data` of a `gap` frame holds: events of subscription `id` that it does not get, with sequences in a range.
 *
 * - `slow`: `count` of them were dropped because the client read too slowly.
 * - `expired`: they are not kept any more, if there were any; how many is not known.
 * - `ahead`: the stream has not come as far as was asked. It is another one than the client knew: it starts at its end.
 */
export const GapData = Schema.Struct({
  id: OperationId,
  reason: Schema.Literals(["slow", "expired", "ahead"]),
  from: Schema.Int,
  to: Schema.Int,
  count: Schema.NullOr(Schema.Int)
})
export type GapData = typeof GapData.Type

/** What the `data` of an `error` frame holds. `id` is null where the operation's id could not be read. */
export const ErrorData = Schema.Struct({
  id: Schema.NullOr(Schema.String),
  code: Schema.Literals([
    "malformed_json",
    "binary_frame",
    "invalid_operation",
    "invalid_pattern",
    "frame_too_large",
    "too_many_subscriptions",
    "too_many_patterns",
    "duplicate_subscription",
    "unknown_subscription",
    "rate_limited",
    "unauthenticated",
    "unauthorized",
    "forbidden",
    "token_expired",
    "slow_consumer",
    "too_many_requests",
    "refused",
    "unavailable",
    "internal"
  ]),
  message: Schema.String,
  /** Why it was `refused`: the name of the refusal, such as `DuplicateVote`. */
  reason: Schema.optionalKey(Schema.String)
})
export type ErrorData = typeof ErrorData.Type

/** RFC 9457. */
export const Problem = Schema.Struct({
  type: Schema.String,
  title: Schema.String,
  status: Schema.Int,
  detail: Schema.String,
  field: Schema.optionalKey(Schema.String),
  correlation_id: Schema.optionalKey(Schema.String)
})
export type Problem = typeof Problem.Type

import { Schema } from "effect"
import { AgentType, MarketSymbol, Timestamp } from "../vocabulary/names.ts"
import { open } from "../vocabulary/open.ts"
import { ToolErrorKind, ToolStatus } from "./decision.ts"
import { BreakerState } from "./model.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Millis = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const Short = Schema.String.check(Schema.isMaxLength(64))

/** The most features that an execution is told with. */
export const TOOL_FEATURES_MAX = 12

/**
 * One execution of a tool, as its feedback tracker is told. `features` are what the execution was given and what was the case then,
 * each a short word: `regime` is `sideways`, `input.period` is `14`. From them is learnt what predicts failure.
 */
export const ToolUse = open({
  execution_id: Schema.NonEmptyString,
  symbol: MarketSymbol,
  status: ToolStatus,
  execution_time_ms: Millis,
  error_kind: Schema.optionalKey(ToolErrorKind),
  error_message: Schema.optionalKey(Schema.String),
  features: Schema.Record(Short, Short).check(Schema.isMaxProperties(TOOL_FEATURES_MAX))
})
export type ToolUse = typeof ToolUse.Type

/** Whether a tool is used: `closed`, as ever; `open`, not, because it failed too often; `half_open`, once more, to see. */
export const ToolBreaker = open({
  state: BreakerState,
  since: Timestamp,
  /** When it is tried again, where it is open. */
  until: Schema.NullOr(Timestamp)
})

/** Failures that say the same but for numbers, names and ids. */
export const ErrorPattern = open({
  pattern: Schema.String,
  kind: Schema.NullOr(ToolErrorKind),
  count: Count,
  /** Of all failures in the window. */
  share: Share,
  last_at: Timestamp,
  /** The latest of them, in full. */
  example: Schema.String
})

/** Whether executions get better or worse within the window, by a test: a small `p_value` says that chance alone hardly does this. */
export const ToolTrend = open({
  verdict: Schema.Literals(["improving", "declining", "stable", "insufficient_data"]),
  /** Of no trend, two-sided; null where there are too few executions, or all ended alike. */
  p_value: Schema.NullOr(Share),
  /** The success rates (or median times in ms) of the older and of the newer half of the window. */
  earlier: Schema.NullOr(Schema.Finite),
  later: Schema.NullOr(Schema.Finite)
})

/** Something that was the case with executions that failed more often than others. */
export const FailurePredictor = open({
  feature: Schema.String,
  value: Schema.String,
  count: Count,
  failures: Count,
  failure_rate: Share,
  /** How many times the failure rate of all executions. */
  lift: Millis,
  /** Of no connection (Fisher's exact test, one-sided), times the number of features that were looked at. */
  p_value: Share
})

/** Executions that are alike in time, outcome and features. */
export const ToolCluster = open({
  count: Count,
  share: Share,
  success_rate: Share,
  median_ms: Millis,
  /** What is the case with most of them and with few others, such as `regime=sideways`. */
  typical: Schema.Array(Schema.String)
})

export const ToolSuggestion = open({ code: Schema.NonEmptyString, text: Schema.NonEmptyString })

/** How one tool has done for one type of agent. Everything but `total` and `breaker` is of the window, warm-ups left out. */
export const ToolReport = open({
  agent_type: AgentType,
  tool: Schema.NonEmptyString,
  /** Since the first execution; a warm-up is an execution, and neither succeeded nor failed. */
  total: open({ executions: Count, succeeded: Count, failed: Count, timed_out: Count }),
  window: open({
    executions: Count,
    executions_max: Count,
    max_age_ms: Count,
    from: Schema.NullOr(Timestamp),
    to: Schema.NullOr(Timestamp)
  }),
  /** How many of the window had too few bars, and so no result. */
  warm_up: Count,
  success_rate: Schema.NullOr(Share),
  /** Wilson's, for 95%. */
  success_interval: Schema.NullOr(open({ low: Share, high: Share })),
  /** Exact, of the executions in the window; a percentile is the smallest time that so many do not exceed (nearest rank). */
  execution_time_ms: Schema.NullOr(open({ mean: Millis, median: Millis, p95: Millis, max: Millis })),
  errors: Schema.Array(ErrorPattern),
  trend: ToolTrend,
  time_trend: ToolTrend,
  predictors: Schema.Array(FailurePredictor),
  /** Null until there are enough executions, or where they are all of a kind. */
  clusters: Schema.NullOr(Schema.Array(ToolCluster)),
  suggestions: Schema.Array(ToolSuggestion),
  breaker: ToolBreaker,
  /** What cannot be said yet, and how many executions it takes. */
  insufficient: Schema.Array(open({ what: Schema.String, needed: Count, have: Count }))
})
export type ToolReport = typeof ToolReport.Type

/** The name under which turns of models are tracked, beside the tools. Such a tracker has no breaker: models have their own. */
export const MODEL_TOOL = "model"

/** The actor that tracks one tool of one type of agent. */
export const feedbackId = (type: AgentType, tool: string): string => `${type}:${tool}`

const isAgentType = Schema.is(AgentType)

/** What a tracker with this id tracks; nothing where trackers have no such id. */
export const trackedBy = (id: string): { readonly agent_type: AgentType; readonly tool: string } | undefined => {
  const [agent_type, ...tool] = id.split(":")
  return isAgentType(agent_type) && tool.length > 0 ? { agent_type, tool: tool.join(":") } : undefined
}

/** What a feedback tracker understands. Its id is `<agent_type>:<tool>`. */
export const FeedbackProtocol = {
  type: "feedback",
  messages: {
    Used: { payload: open({ use: ToolUse }) },
    GetReport: { payload: open({}), reply: ToolReport },
    /** Its own timer: an open breaker is tried again. */
    BreakerRested: { payload: open({}) }
  }
} as const

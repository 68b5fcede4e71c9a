import { Schema } from "effect"
import { AgentId, AgentType, MarketSymbol, Timestamp } from "../vocabulary/names.ts"
import { open } from "../vocabulary/open.ts"

export const Decision = Schema.Literals(["BUY", "SELL", "HOLD"])
export type Decision = typeof Decision.Type

const isShare = (value: number) => value >= 0 && value <= 1

/** A confidence, with what clients read of it. Descriptions stand before checks: behind one they do not reach the description of the API. */
export const confidenceOf = (description: string) =>
  Schema.Finite.annotate({ description }).check(
    Schema.makeFilter((value: number) => isShare(value) || "confidence must be between 0 and 1")
  )

const Share = Schema.Finite.check(Schema.makeFilter((value: number) => isShare(value) || "must be between 0 and 1"))

/** How likely a decision is to turn out right, as who made it says, 0 to 1. */
export const Confidence = Schema.Finite.check(
  Schema.makeFilter((value: number) => isShare(value) || "confidence must be between 0 and 1")
)

/** The same of what an agent or a round decided. */
export const DecisionConfidence = confidenceOf(
  "How likely the decision is to turn out right, as who made it says; 0 to 1. Of a round in which no vote has strengths it is what the method or resolution makes of the votes' confidences."
)

/** What an agent believes of each decision; the three add up to 1 (within a millionth). */
export const Probabilities = open({ BUY: Confidence, SELL: Confidence, HOLD: Confidence }).check(
  Schema.makeFilter((p) => Math.abs(p.BUY + p.SELL + p.HOLD - 1) < 1e-6 || "probabilities must add up to 1")
)
export type Probabilities = typeof Probabilities.Type

const Counted = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/** How often each decision would have been right. */
export const OutcomeCounts = open({ BUY: Counted, SELL: Counted, HOLD: Counted })
export type OutcomeCounts = typeof OutcomeCounts.Type

/**
 * How strongly rules speak for each decision; the three add up to 1 (within a millionth). They make the decision, and are no forecast:
 * what is likely to happen is in the probabilities.
 */
export const Strengths = open({ BUY: Share, SELL: Share, HOLD: Share })
  .annotate({
    description:
      "How strongly rules speak for each decision; together 1. Rounds decide by them, and they are no forecast. Where there are none the probabilities are these too."
  })
  .check(Schema.makeFilter((s) => Math.abs(s.BUY + s.SELL + s.HOLD - 1) < 1e-6 || "strengths must add up to 1"))
export type Strengths = typeof Strengths.Type

/** How strongly rules, or votes together, speak for what they decide, 0 to 1. */
export const Strength = Schema.Finite.annotate({
  description:
    "How strongly the votes together speak for the decision, 0 to 1: what the method or resolution makes of their strengths. Only where a vote has strengths."
}).check(Schema.makeFilter((value: number) => isShare(value) || "must be between 0 and 1"))

export const ToolStatus = Schema.Literals(["success", "failed", "timeout"])

/**
 * Why a tool gave no result: its parameters break a rule, there are too few bars for it (its warm-up), the result is no number, the
 * tool itself is broken, it took too long, or it is not used at present, because it failed too often lately.
 */
export const ToolErrorKind = Schema.Literals([
  "invalid_input",
  "insufficient_data",
  "not_finite",
  "defect",
  "timeout",
  "unavailable"
])
export type ToolErrorKind = typeof ToolErrorKind.Type

/** One use of a tool by an agent; `input` are the parameters as they were given, or read where a model gave them. */
export const ToolCall = open({
  execution_id: Schema.NonEmptyString,
  tool_name: Schema.NonEmptyString,
  status: ToolStatus,
  execution_time_ms: Schema.Finite,
  result: Schema.Unknown,
  input: Schema.optionalKey(Schema.Unknown),
  error_message: Schema.optionalKey(Schema.String),
  error_kind: Schema.optionalKey(ToolErrorKind),
  /** Names of parameters that a model gave and the tool does not know; it was used without them. */
  ignored: Schema.optionalKey(Schema.Array(Schema.String))
})
export type ToolCall = typeof ToolCall.Type

/**
 * An agent's answer to one request. `metadata.policy` says what made it: `quant`, or the model's name. Rules give `strengths` beside the
 * probabilities; a model's probabilities are both.
 */
export const Opinion = open({
  decision: Decision,
  confidence: DecisionConfidence,
  probabilities: Probabilities,
  strengths: Schema.optionalKey(Strengths),
  reasoning: Schema.String,
  tool_calls: Schema.Array(ToolCall),
  metadata: Schema.Record(Schema.String, Schema.Unknown)
})
export type Opinion = typeof Opinion.Type

/** `agent_decision`: an opinion as clients see it. */
export const AgentDecision = open({
  agent_id: AgentId,
  agent_type: AgentType,
  symbol: MarketSymbol,
  decision: Decision,
  confidence: DecisionConfidence,
  probabilities: Probabilities,
  strengths: Schema.optionalKey(Strengths),
  reasoning: Schema.String,
  timestamp: Timestamp,
  tool_calls: Schema.Array(ToolCall),
  metadata: Schema.Record(Schema.String, Schema.Unknown)
})

/** `tool_execution`: one use of a tool as clients see it. */
export const ToolExecution = open({
  agent_id: AgentId,
  tool_name: Schema.NonEmptyString,
  execution_id: Schema.NonEmptyString,
  status: ToolStatus,
  execution_time_ms: Schema.Finite,
  result: Schema.Unknown,
  timestamp: Timestamp,
  input: Schema.optionalKey(Schema.Unknown),
  error_message: Schema.optionalKey(Schema.String),
  error_kind: Schema.optionalKey(ToolErrorKind),
  ignored: Schema.optionalKey(Schema.Array(Schema.String))
})

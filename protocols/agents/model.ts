import { Schema } from "effect"
import { AgentId, AgentType, ConsensusId, MarketSymbol, Timestamp } from "../vocabulary/names.ts"
import { open } from "../vocabulary/open.ts"

/** Where language models come from. */
export const MODEL_PROVIDERS = ["ollama", "anthropic", "perplexity", "openai"] as const
export type ModelProvider = (typeof MODEL_PROVIDERS)[number]

/** A language model: who serves it and what it is called there, such as `ollama:llama3.2:3b`. */
export const ModelName = Schema.String.check(
  Schema.makeFilter(
    (text: string) =>
      /^(ollama|anthropic|perplexity|openai):[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/.test(text) ||
      "a model is ollama:NAME, anthropic:NAME, perplexity:NAME or openai:NAME"
  )
)
export type ModelName = typeof ModelName.Type

/** Why a model gave no answer that can be used. */
export const ModelErrorKind = Schema.Literals([
  /** Nobody took the connection. */
  "refused",
  "rate_limited",
  "server_error",
  "timeout",
  /** The answer broke off. */
  "truncated",
  /** What came is not what the provider's format says. */
  "malformed",
  /** The key was not accepted. */
  "unauthorized",
  /** The server does not take the request as it is; the model may not exist. */
  "rejected",
  /** The answer is no decision, also after it was said what is wrong with it. */
  "invalid_answer",
  /** It failed too often lately, and is left alone for a while. */
  "circuit_open",
  /** The time that an analysis has for its model is over. */
  "out_of_time",
  /** This node has no such model. */
  "not_configured",
  /** Nothing is recorded of such a question. */
  "not_recorded",
  "interrupted",
  "defect"
])
export type ModelErrorKind = typeof ModelErrorKind.Type

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Dollars = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * What calls of a model came to.
 *
 * `calls` counts every request that was sent. `lost_calls` are those among them that may cost something, and of whose answer and
 * tokens nothing is known: their node died, or they took too long. Costs are in dollars, and null where a price is not known.
 */
export const ModelUsage = open({
  calls: Count,
  lost_calls: Count,
  input_tokens: Count,
  output_tokens: Count,
  cost_usd: Schema.NullOr(Dollars),
  estimated_lost_cost_usd: Schema.NullOr(Dollars)
})
export type ModelUsage = typeof ModelUsage.Type

export const BreakerState = Schema.Literals(["closed", "open", "half_open"])
export type BreakerState = typeof BreakerState.Type

/** A call that is about to be sent. */
export const ModelCallBegun = open({
  call_id: Schema.NonEmptyString,
  model: ModelName,
  estimated_input_tokens: Count,
  estimated_cost_usd: Schema.NullOr(Dollars)
})
export type ModelCallBegun = typeof ModelCallBegun.Type

/** `model_call`: one request to a language model as clients see it. There is never a key in it. */
export const ModelCall = open({
  agent_id: AgentId,
  agent_type: AgentType,
  symbol: MarketSymbol,
  consensus_id: ConsensusId,
  call_id: Schema.NonEmptyString,
  model: Schema.String,
  provider: Schema.String,
  /** The turn of the conversation, and which try of it on this node; both from 1. */
  turn: Count,
  attempt: Count,
  status: Schema.Literals(["success", "failed", "timeout"]),
  elapsed_ms: Schema.Finite,
  input_tokens: Schema.NullOr(Count),
  output_tokens: Schema.NullOr(Count),
  cost_usd: Schema.NullOr(Dollars),
  /** What it said, clipped. */
  text: Schema.String,
  tools: Schema.Array(Schema.Struct({ tool_name: Schema.String, input: Schema.Unknown })),
  error_kind: Schema.optionalKey(ModelErrorKind),
  error_message: Schema.optionalKey(Schema.String),
  timestamp: Timestamp
})
export type ModelCall = typeof ModelCall.Type

/** The answer to `GetStatus` of an agent: how it comes to its opinions, and what that has cost. */
export const AgentReport = open({
  agent_id: AgentId,
  /** `quant`, or the model that the node asks now. */
  policy: Schema.String,
  /** The tools that it does without at present, because they failed too often. */
  unavailable_tools: Schema.Array(Schema.String),
  /** How many requests it works on. */
  open_requests: Count,
  /** Of each model that it ever asked: what was used, and the circuit breaker as its last call on a node left it. */
  models: Schema.Array(
    open({ model: Schema.String, usage: ModelUsage, breaker: BreakerState, breaker_seen: Schema.NullOr(Timestamp) })
  )
})
export type AgentReport = typeof AgentReport.Type

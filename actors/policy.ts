import { type Effect, Schema } from "effect"
import type {
  AgentType,
  BarWindow,
  ContextItems,
  MarketSymbol,
  Opinion,
  OutcomeCounts,
  PastDecision
} from "../protocols/index.ts"
import type { OutcomeRule } from "./learning/outcome-rule.ts"
import type { AnyTool } from "./tools/tool.ts"

/** A policy could not form an opinion. Trying again may help: a model or tool may have been down. */
export class PolicyError extends Schema.TaggedError<PolicyError>()("PolicyError", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** A kind of agent as its actors know it: its name, and the tools that it may use. */
export interface AgentKind {
  readonly type: AgentType
  readonly tools: ReadonlyArray<AnyTool>
}

/** What a policy is asked: the bars are all it may know of the market; `past` are the latest joint decisions, oldest first. */
export interface PolicyRequest {
  readonly agentType: AgentType
  readonly symbol: MarketSymbol
  readonly bars: BarWindow
  readonly past?: ReadonlyArray<PastDecision>
  /** What came with the request from outside; none unless given. */
  readonly context?: ContextItems
  /** What decisions are judged by; `OUTCOME_DEFAULTS` unless given. */
  readonly outcome?: OutcomeRule
  /** How often each decision would have been right in all the past, as far as the last bar tells; none unless given. */
  readonly outcomes?: OutcomeCounts
  readonly consensusId: string
  /** Names of tools that are not to be used at present; none unless given. */
  readonly unavailable?: ReadonlySet<string>
}

/**
 * How an agent comes to an opinion by itself: by rules, or by a script in a test. What a language model is asked is a conversation of
 * several steps (`agent/model-conversation.ts`), and this is what the agent falls back on.
 *
 * It runs as an activity: at least once per request, so it must be safe to run again, and it may be interrupted.
 */
export type Policy = (request: PolicyRequest) => Effect.Effect<Opinion, PolicyError>

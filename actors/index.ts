import type { Duration } from "effect"
import { agentProtocol, CoordinatorProtocol, HOUSE_TYPES, type HouseType, PANEL } from "../protocols/index.ts"
import { type Actor, omitUndefined, send } from "../runtime/index.ts"
import { type AgentOptions, agentActor } from "./agent/agent.ts"
import { type AllocationOptions, allocationActor } from "./allocation/allocation.ts"
import { consensusActor } from "./consensus/actor.ts"
import { coordinatorActor } from "./coordinator/actor.ts"
import type { CoordinatorOptions } from "./coordinator/options.ts"
import { experimentActor } from "./experiments/experiment.ts"
import { type FeedbackOptions, feedbackActor } from "./feedback/feedback.ts"
import { OUTCOME_DEFAULTS } from "./learning/outcome-rule.ts"
import { modelLimitsActor } from "./model/limits-actor.ts"
import { type PerformanceOptions, performanceActor } from "./performance/performance.ts"
import type { AgentKind, Policy } from "./policy.ts"
import { type PortfolioOptions, portfolioActor } from "./portfolio/portfolio.ts"
import { toolsOf } from "./tools/registry.ts"
import type { AnyTool } from "./tools/tool.ts"

export { agentActor } from "./agent/agent.ts"
export type { ModelCheck } from "./agent/check.ts"
export type { ModelAccess } from "./agent/model-activity.ts"
export { checkOf, type ModelsOptions, openModels } from "./agent/models.ts"
export { consensusActor } from "./consensus/actor.ts"
export type { Rules } from "./consensus/ballot.ts"
export { closesEarly } from "./consensus/early-close.ts"
export { judge, type Verdict } from "./consensus/judge.ts"
export { isRequestedRound, roundOpenedAt } from "./consensus/opened-at.ts"
export { type Closing, type RoundRecord, resultOf } from "./consensus/result.ts"
export { type RecordedEvent, type RoundDifference, type Verification, verifyRound } from "./consensus/verify.ts"
export { coordinatorActor } from "./coordinator/actor.ts"
export { experimentOf } from "./coordinator/experiment.ts"
export { AHEAD_MILLIS, type CoordinatorOptions, type Panels, panelFor } from "./coordinator/options.ts"
export { armOf } from "./experiments/assignment.ts"
export { ExperimentState, experimentActor, experimentReport } from "./experiments/experiment.ts"
export { type Feed, feed } from "./feed.ts"
export { type FeedbackOptions, feedbackActor, feedbackReport } from "./feedback/feedback.ts"
export { percentile, wilson } from "./feedback/statistics.ts"
export { brierScore, DECISIONS, outcomeOf, probabilitiesOf } from "./learning/scoring.ts"
export { Prices } from "./model/prices.ts"
export { PromptUnusable } from "./model/prompts.ts"
export type { ProviderOptions } from "./model/providers.ts"
export { type AgentKind, type Policy, PolicyError, type PolicyRequest } from "./policy.ts"
export { type OrderAdapter, OrderError, paper } from "./portfolio/adapter.ts"
export { portfolioView } from "./portfolio/announcements.ts"
export { type Book, equityOf, grossOf, isCountable, MICROS, WORTH_MAX } from "./portfolio/book.ts"
export { ACCOUNT_DEFAULTS, AccountRules } from "./portfolio/limits.ts"
export { type PortfolioOptions, portfolioActor } from "./portfolio/portfolio.ts"
export { type QuantOptions, type QuantRequest, quantOpinion } from "./quant/opinion.ts"
export { quantPolicy } from "./quant/policy.ts"
export { HOUSE_TOOLS, TOOLS, toolsOf } from "./tools/registry.ts"
export {
  type AnyTool,
  defineTool,
  described,
  number,
  reading,
  type Tool,
  type ToolInput,
  wholeNumber
} from "./tools/tool.ts"
export { parametersJsonSchema, resultJsonSchema, useTool } from "./tools/use.ts"
export { PANEL }

export interface NodeActorsOptions extends Partial<CoordinatorOptions> {
  /** How the agents come to their opinions. */
  readonly policy: Policy
  /** How long their attempts may take, and when they try again; the language models that they ask instead. */
  readonly agent?: AgentOptions
  /** How outcomes are scored and weights learnt from them; `PERFORMANCE_DEFAULTS` where nothing is said. */
  readonly performance?: Partial<PerformanceOptions>
  /** Agents beside those that come with the system; none unless given. Their types must be others, and each once. */
  readonly agents?: ReadonlyArray<AgentDefinition>
  /** More tools for the agents that come with the system, by type; none unless given. */
  readonly tools?: { readonly [T in HouseType]?: ReadonlyArray<AnyTool> }
  readonly allocation?: AllocationOptions
  /** How tools' feedback is kept; `FEEDBACK_DEFAULTS` where nothing is said. */
  readonly feedback?: Partial<FeedbackOptions>
  /** The rules of trading accounts; `PORTFOLIO_DEFAULTS` where nothing is said. */
  readonly portfolio?: Partial<PortfolioOptions>
}

/** What is known of an agent type. */
export interface AgentDefinition extends AgentKind {
  /** How its agents come to their opinions by themselves. */
  readonly policy: Policy
  /** How long one attempt of the policy may take; as for the others unless given. */
  readonly timeout?: Duration.Input
}

/**
 * The actors of a node: an agent of each type, the coordinator, the consensus round, what learns from its outcomes, what keeps the
 * record of tools, and trading accounts.
 *
 * Unless given, the panel is `PANEL`, a round takes votes for 15 seconds, and the least strength (`min_confidence`) where votes differ is 0.6.
 */
export const allActors = ({
  policy,
  agent,
  performance,
  allocation,
  feedback,
  portfolio,
  accounts,
  panel = PANEL,
  panels,
  agentTypes = [],
  agents = [],
  tools = {},
  aheadMillis,
  roundTimeoutMillis = 15_000,
  minConfidence = 0.6,
  round,
  experiment
}: NodeActorsOptions): ReadonlyArray<Actor> => [
  ...[
    ...HOUSE_TYPES.map((type): AgentDefinition => ({ type, policy, tools: toolsOf(type).concat(tools[type] ?? []) })),
    ...agents
  ].map(({ type, policy: own, tools: used, timeout }) =>
    agentActor(type, own, {
      outcome: { ...OUTCOME_DEFAULTS, ...performance },
      ...agent,
      tools: used,
      ...omitUndefined({ timeout })
    })
  ),
  coordinatorActor({
    agentTypes: [...HOUSE_TYPES, ...agents.map(({ type }) => type), ...agentTypes],
    ...{ panel, roundTimeoutMillis, minConfidence, outcome: { ...OUTCOME_DEFAULTS, ...performance } },
    ...omitUndefined({ accounts, aheadMillis, round, experiment, panels })
  }),
  consensusActor,
  performanceActor({
    tellWeights: (symbol, weights) => send(CoordinatorProtocol, symbol, "SetWeights", { weights }),
    ...performance
  }),
  allocationActor({
    ask: ({ symbol, allocation, correlationId, timeoutMillis, client, address }) =>
      send(CoordinatorProtocol, symbol, "Analyze", {
        correlation_id: correlationId,
        allocation,
        timeout_ms: timeoutMillis,
        ...omitUndefined({ client, address })
      }),
    ...allocation
  }),
  experimentActor,
  modelLimitsActor,
  feedbackActor({
    tellAgent: ({ type, symbol }, tool) => send(agentProtocol(type), symbol, "ToolState", tool),
    ...feedback
  }),
  portfolioActor(portfolio)
]

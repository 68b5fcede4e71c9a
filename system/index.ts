export type { AgentTestReport } from "../evaluation/index.ts"
export { type AnalysisProgress, OperationFailed } from "../gateway/index.ts"
export { AgentSystem } from "./agent-system.ts"
export { type AgentSystemOptions, InvalidOption } from "./options.ts"
export { analysisMillisOf, logReady } from "./readiness.ts"
export {
  type CallbackOptions,
  type EventCallback,
  RunningSystem,
  type Unsubscribe,
  type Waiting
} from "./running.ts"
export { SystemBroken, SystemClosed } from "./running-errors.ts"
export { RunningSimulation } from "./running-simulation.ts"
export { Subscription } from "./running-subscription.ts"
export type {
  AgentSystemService,
  AgentTestsWanted,
  AnalysisWanted,
  ConsensusWanted,
  SimulationWanted,
  VoteGiven
} from "./service.ts"
export type { MarketSimulation } from "./simulation.ts"
export {
  type CoordinationEvent,
  type CoordinationFilter,
  type DecisionEvent,
  type DecisionFilter,
  type EventSubscription,
  type QueueOptions,
  SubscriptionOverflow,
  type SystemEvent,
  type ToolEvent,
  type ToolFilter
} from "./subscription.ts"
export { taskRunners } from "./tasks.ts"

// The experiment by which a coordinator holds its analyses.
import {
  type AgentType,
  type Arm,
  type ArmPlan,
  type Experiment,
  type ExperimentPlan,
  ExperimentProtocol,
  HOUSE_TYPES,
  type MarketSymbol
} from "../../protocols/index.ts"
import { canonical, omitUndefined, send } from "../../runtime/index.ts"
import { sha256 } from "../consensus/chain.ts"
import { armOf } from "../experiments/assignment.ts"
import type { CoordinatorOptions } from "./options.ts"
import { type CoordinatorStep, isAdvice, type RunningAnalysis } from "./state.ts"

/** One way to hold the round of an analysis. */
export interface Held {
  readonly options: CoordinatorOptions
  /** Whether votes weigh what was learnt from outcomes. */
  readonly learntWeights: boolean
}

/** An experiment as a coordinator carries it out. */
export interface PlannedExperiment {
  readonly name: string
  readonly experiment: Experiment
  readonly arms: { readonly [A in Arm]: Held }
}

/** A coordinator's options with what follows from them. */
export interface Coordination extends CoordinatorOptions {
  readonly trial: PlannedExperiment | undefined
  /** Every agent type that may be asked. */
  readonly types: ReadonlyArray<AgentType>
}

/** How an experiment is judged unless its plan says otherwise. */
export const PLAN_DEFAULTS: Pick<Experiment, "metric" | "alpha" | "return_cap"> = {
  metric: "brier",
  alpha: 0.05,
  return_cap: 0.05
}

/** The experiment of a plan. `configuration` is the hash of both arms: with other arms it is another experiment. */
export const experimentOf = ({ name: _, arms, ...judged }: ExperimentPlan): Experiment => ({
  ...PLAN_DEFAULTS,
  ...judged,
  a: arms.a.label,
  b: arms.b.label,
  configuration: sha256(canonical(arms))
})

export const toCoordination = (options: CoordinatorOptions): Coordination => ({
  ...options,
  types: typesIn(options),
  trial: options.experiment === undefined ? undefined : trialOf(options, options.experiment)
})

const typesIn = ({ agentTypes = HOUSE_TYPES, panel, panels = {}, experiment }: CoordinatorOptions) => {
  const arms = experiment === undefined ? [] : [experiment.arms.a.panel ?? [], experiment.arms.b.panel ?? []]
  return [...new Set([...agentTypes, ...panel, ...Object.values(panels).flat(), ...arms.flat()])]
}

const trialOf = (options: CoordinatorOptions, plan: ExperimentPlan): PlannedExperiment => ({
  name: plan.name,
  experiment: experimentOf(plan),
  arms: { a: heldAs(options, plan.arms.a), b: heldAs(options, plan.arms.b) }
})

const heldAs = (options: CoordinatorOptions, arm: ArmPlan): Held => {
  const { label: _, panel = options.panel, timeout_ms, min_confidence, learnt_weights, ...rules } = arm
  const [first, ...others] = panel
  return {
    options: {
      panel: first === undefined ? options.panel : [first, ...others],
      roundTimeoutMillis: timeout_ms ?? options.roundTimeoutMillis,
      minConfidence: min_confidence ?? options.minConfidence,
      round: { ...options.round, ...rules }
    },
    learntWeights: learnt_weights !== false
  }
}

/** The arm of an analysis. Its request goes by symbol and correlation id: one correlation id may be that of several symbols. */
export const drawArm = ({ name, experiment }: PlannedExperiment, symbol: MarketSymbol, correlationId: string) => {
  const request_id = `${symbol}/${correlationId}`
  const arm = armOf(name, request_id)
  return { name, request_id, arm, label: experiment[arm] }
}

/** How an analysis is held that has been drawn an arm, or none. */
export const heldBy = (options: Coordination, drawn: RunningAnalysis["experiment"]): Held =>
  drawn === undefined || options.trial?.name !== drawn.name
    ? { options, learntWeights: true }
    : options.trial.arms[drawn.arm]

/** Says to the experiment that a request is answered. Begins it too, which does nothing where it has begun. */
export const assign = (step: CoordinatorStep, { name, experiment }: PlannedExperiment, request_id: string) => {
  const { configuration } = experiment
  step.add(
    send(ExperimentProtocol, name, "Start", { experiment }),
    send(ExperimentProtocol, name, "Assign", omitUndefined({ request_id, configuration }))
  )
}

/** Says that a request will have no outcome. One that is only for its asker was not counted. */
export const tellNoOutcome = (step: CoordinatorStep, running: RunningAnalysis) => {
  const { experiment } = running
  if (experiment === undefined || isAdvice(running)) return
  step.add(send(ExperimentProtocol, experiment.name, "Unscored", { request_id: experiment.request_id }))
}

import { Schema } from "effect"
import { AgentType } from "../vocabulary/names.ts"
import { Alpha, ArmLabel, ExperimentName, Metric, ReturnCap } from "./experiment.ts"
import { ConflictResolution, Method, MinConfidence, roundRules, TimeoutMillis, VoterType } from "./round.ts"

/** What an arm changes of how the rounds of analyses are held; what it does not name is as without the experiment. */
export const ArmPlan = Schema.Struct({
  /** What people call it. */
  label: ArmLabel,
  /** The agents that are asked and invited to vote, each once. */
  panel: Schema.optionalKey(Schema.Array(AgentType)),
  method: Schema.optionalKey(Method),
  conflict_resolution: Schema.optionalKey(ConflictResolution),
  min_confidence: Schema.optionalKey(MinConfidence),
  quorum: roundRules.quorum,
  expert_agent_type: Schema.optionalKey(VoterType),
  pool_exponent: roundRules.pool_exponent,
  /** Times are in milliseconds. */
  timeout_ms: Schema.optionalKey(TimeoutMillis),
  agent_timeout_ms: roundRules.agent_timeout_ms,
  quorum_grace_ms: roundRules.quorum_grace_ms,
  escalation_timeout_ms: roundRules.escalation_timeout_ms,
  early_close: roundRules.early_close,
  /** Whether votes weigh what was learnt from outcomes; they do unless this is false. */
  learnt_weights: Schema.optionalKey(Schema.Boolean)
})
export type ArmPlan = typeof ArmPlan.Type

/** An experiment as people write it down: its name, how it is judged, and its two arms. */
export const ExperimentPlan = Schema.Struct({
  name: ExperimentName,
  /** `brier` unless given. */
  metric: Schema.optionalKey(Metric),
  /** 0.05 unless given. */
  alpha: Schema.optionalKey(Alpha),
  /** 0.05 unless given. */
  return_cap: Schema.optionalKey(ReturnCap),
  arms: Schema.Struct({ a: ArmPlan, b: ArmPlan })
}).check(Schema.makeFilter((plan) => planFaults(plan)))
export type ExperimentPlan = typeof ExperimentPlan.Type

interface Plan {
  readonly arms: { readonly a: ArmPlan; readonly b: ArmPlan }
}

/** The rules between fields; each fault names its field. */
const planFaults = ({ arms }: Plan) => [
  ...(arms.a.label === arms.b.label ? [{ path: ["arms", "b", "label"], issue: "the arms must differ" }] : []),
  ...(["a", "b"] as const).flatMap((arm) =>
    armFaults(arms[arm]).map(({ field, issue }) => ({ path: ["arms", arm, field], issue }))
  )
]

const armFaults = ({ panel, quorum }: ArmPlan) => {
  if (panel === undefined) return []
  if (panel.length === 0) return [{ field: "panel", issue: "no agent is named: a panel needs at least one" }]
  if (new Set(panel).size < panel.length) return [{ field: "panel", issue: "an agent is named twice" }]
  return quorum !== undefined && quorum > panel.length
    ? [{ field: "quorum", issue: `the quorum is more than the ${panel.length} of the panel` }]
    : []
}

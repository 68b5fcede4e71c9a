import { Schema } from "effect"
import { Confidence, Decision, Probabilities } from "../agents/decision.ts"
import { open } from "../vocabulary/open.ts"
import { Hash } from "./round.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const between = (rule: string, holds: (value: number) => boolean) =>
  Schema.Finite.check(Schema.makeFilter((value: number) => holds(value) || rule))

/** An experiment's name, which is its actor's id. */
export const ExperimentName = Schema.String.check(
  Schema.makeFilter(
    (name: string) => /^[A-Za-z0-9_-]{1,64}$/.test(name) || "a name is 1 to 64 letters, digits, dashes or underscores"
  )
)

export const Arm = Schema.Literals(["a", "b"])
export type Arm = typeof Arm.Type

/**
 * What the arms are compared by, each as a loss in [0, 1], less being better.
 *
 * - `brier`: half the Brier score of the joint decision's probabilities.
 * - `return`: what following the decision lost over the horizon. The return is cut at `return_cap` on both sides.
 */
export const Metric = Schema.Literals(["brier", "return"])
export type Metric = typeof Metric.Type

export const ArmLabel = Schema.NonEmptyString.check(Schema.isMaxLength(64))

export const Alpha = between("alpha must be above 0 and at most 0.5", (alpha) => alpha > 0 && alpha <= 0.5)
export const ReturnCap = between("return_cap must be above 0 and at most 1", (cap) => cap > 0 && cap <= 1)

/** Two configurations of a panel, each by the name that its coordinator knows it by, and how they are compared. */
export const Experiment = open({
  a: ArmLabel,
  b: ArmLabel,
  metric: Metric,
  /** The chance, at most, to ever name a better arm where there is none. */
  alpha: Alpha,
  /** For `return`: a fraction of the price, such as 0.05. */
  return_cap: ReturnCap,
  /** The SHA-256 of what the arms are, so that requests held in another way are not counted as theirs. */
  configuration: Schema.optionalKey(Hash)
}).check(Schema.makeFilter(({ a, b }) => a !== b || "the arms must differ"))
export type Experiment = typeof Experiment.Type

export const ExperimentRequestId = Schema.NonEmptyString.check(Schema.isMaxLength(128))

/** What came of a request: the joint decision, what would have been right, and the price's change, a fraction. */
export const RequestOutcome = open({
  request_id: ExperimentRequestId,
  decision: Decision,
  confidence: Confidence,
  probabilities: Schema.optionalKey(Probabilities),
  outcome: Decision,
  return: Schema.Finite
})
export type RequestOutcome = typeof RequestOutcome.Type

export const ArmReport = open({
  label: Schema.String,
  assigned: Count,
  scored: Count,
  mean_loss: Schema.NullOr(Confidence),
  /** Requests whose decision got no outcome, and those that were not heard of while 1,024 further ones came. */
  unscored: Count,
  lost: Count,
  waiting: Count
})

export const ExperimentVerdict = Schema.Literals(["a_better", "b_better", "no_difference_shown"])

export const ExperimentReport = open({
  name: Schema.String,
  experiment: Experiment,
  running: Schema.Boolean,
  arms: open({ a: ArmReport, b: ArmReport }),
  /** Mean loss of b less that of a: below 0 where b is better. */
  difference: Schema.NullOr(Schema.Finite),
  /** A confidence sequence for it: with probability 1 − alpha it holds the true one at every time at once. */
  interval: open({ lower: Schema.Finite, upper: Schema.Finite }),
  /** Evidence against "no difference" now; 1/alpha is enough. */
  e_value: Schema.Finite,
  /** Valid whenever it is looked at. */
  p_value: Confidence,
  verdict: ExperimentVerdict,
  /** After how many scored requests it was first shown. */
  shown_after: Schema.NullOr(Count)
})
export type ExperimentReport = typeof ExperimentReport.Type

export const UnknownExperiment = open({ _tag: Schema.tag("UnknownExperiment"), name: Schema.String })
export const ExperimentStopped = open({ _tag: Schema.tag("ExperimentStopped"), name: Schema.String })
/** It was begun with other arms, or another way to compare them. Another name begins another experiment. */
export const ExperimentExists = open({ _tag: Schema.tag("ExperimentExists"), name: Schema.String })

/** What the experiment actor understands. Its id is the experiment's name. */
export const ExperimentProtocol = {
  type: "experiment",
  messages: {
    /** Begins it; the same again changes nothing. */
    Start: {
      payload: open({ experiment: Experiment }),
      reply: open({ accepted: Schema.Literal(true) }),
      error: ExperimentExists
    },
    /**
     * Which arm answers a request. The same request gets the same arm, and counts once while its outcome is awaited. With a
     * `configuration` that is not the experiment's it does not count.
     */
    Assign: {
      payload: open({ request_id: ExperimentRequestId, configuration: Schema.optionalKey(Hash) }),
      reply: open({ arm: Arm, label: Schema.String }),
      error: Schema.Union([UnknownExperiment, ExperimentStopped, ExperimentExists])
    },
    /** From the performance actor. Of a request that is not awaited it does nothing. */
    Outcome: { payload: RequestOutcome },
    Unscored: { payload: open({ request_id: ExperimentRequestId }) },
    /** No request is assigned any more; outcomes of those that were still count. */
    Stop: { payload: open({}), reply: open({ accepted: Schema.Literal(true) }), error: UnknownExperiment },
    GetReport: { payload: open({}), reply: ExperimentReport, error: UnknownExperiment }
  }
} as const

import { Equal, Schema } from "effect"
import { Arm, Experiment, ExperimentProtocol, type ExperimentReport, open } from "../../protocols/index.ts"
import { type Actor, type Context, define, type Refusal } from "../../runtime/index.ts"
import { armOf, lossOf } from "./assignment.ts"
import { addLoss, Comparison, emptyComparison, interval, logEvidence, pValue } from "./sequential.ts"

/** How many requests may wait for their outcome; beyond it the oldest counts as lost. */
export const WAITING_MAX = 1_024

const ArmCounts = open({
  assigned: Schema.Int,
  scored: Schema.Int,
  loss_sum: Schema.Finite,
  unscored: Schema.Int,
  lost: Schema.Int
})
type ArmCounts = typeof ArmCounts.Type

const RunningExperiment = open({
  experiment: Experiment,
  running: Schema.Boolean,
  a: ArmCounts,
  b: ArmCounts,
  /** Requests whose outcome is to come, oldest first. Their arms follow from their ids. */
  waiting: Schema.Array(Schema.String),
  comparison: Comparison
})
type RunningExperiment = typeof RunningExperiment.Type

/** Null until it is begun. */
export const ExperimentState = Schema.NullOr(RunningExperiment)
type State = typeof ExperimentState.Type

const noCounts: ArmCounts = { assigned: 0, scored: 0, loss_sum: 0, unscored: 0, lost: 0 }

/**
 * Two configurations of a panel, compared on requests that are split by the hash of their ids; its id is its name.
 *
 * unstarted → running → stopped; outcomes are taken in both of the latter.
 *
 * Guarantees: a request's outcome counts once, for the arm it was assigned; the test is valid whenever and however often
 * it is looked at; the state is bounded. What became of requests without an outcome is counted per arm: where the arms
 * differ much in that, the comparison is of different requests.
 */
export const experimentActor: Actor = define({
  protocol: ExperimentProtocol,
  state: ExperimentState,
  initial: (): State => null,
  events: {
    Started: { experiment: Experiment },
    Assigned: { request_id: Schema.String, arm: Arm },
    Lost: { request_id: Schema.String, arm: Arm },
    Scored: { request_id: Schema.String, arm: Arm, loss: Schema.Finite },
    Unscored: { request_id: Schema.String, arm: Arm },
    Stopped: {}
  },
  decide: {
    Start: (state, { experiment }, step) => {
      if (state === null) step.persist("Started", { experiment })
      else if (!Equal.equals(state.experiment, experiment)) {
        return step.refuse({ _tag: "ExperimentExists", name: step.self.id })
      }
      step.reply({ accepted: true })
    },
    Assign: (state, { request_id, configuration }, step) => {
      const name = step.self.id
      if (state === null) return step.refuse(unknown(step))
      if (configuration !== undefined && configuration !== state.experiment.configuration) {
        return step.refuse({ _tag: "ExperimentExists", name })
      }
      const arm = armOf(name, request_id)
      if (!state.waiting.includes(request_id)) {
        if (!state.running) return step.refuse({ _tag: "ExperimentStopped", name })
        const [oldest] = state.waiting
        if (oldest !== undefined && state.waiting.length >= WAITING_MAX) {
          step.persist("Lost", { request_id: oldest, arm: armOf(name, oldest) })
        }
        step.persist("Assigned", { request_id, arm })
      }
      step.reply({ arm, label: state.experiment[arm] })
    },
    Outcome: (state, outcome, step) => {
      const { request_id } = outcome
      if (!state?.waiting.includes(request_id)) return
      const arm = armOf(step.self.id, request_id)
      step.persist("Scored", { request_id, arm, loss: lossOf(outcome, state.experiment) })
    },
    Unscored: (state, { request_id }, step) => {
      if (state?.waiting.includes(request_id)) {
        step.persist("Unscored", { request_id, arm: armOf(step.self.id, request_id) })
      }
    },
    Stop: (state, _, step) => {
      if (state === null) return step.refuse(unknown(step))
      if (state.running) step.persist("Stopped", {})
      step.reply({ accepted: true })
    },
    GetReport: (state, _, step) =>
      state === null ? step.refuse(unknown(step)) : step.reply(experimentReport(step.self.id, state))
  },
  evolve: {
    Started: (_, { experiment }) => ({
      experiment,
      running: true,
      a: noCounts,
      b: noCounts,
      waiting: [],
      comparison: emptyComparison
    }),
    Assigned: (state, { request_id, arm }) =>
      started(state, (known) => ({
        ...counted(known, arm, (counts) => ({ ...counts, assigned: counts.assigned + 1 })),
        waiting: [...known.waiting, request_id]
      })),
    Lost: (state, { request_id, arm }) =>
      ended(state, request_id, arm, (counts) => ({ ...counts, lost: counts.lost + 1 })),
    Scored: (state, { request_id, arm, loss }) =>
      started(ended(state, request_id, arm, addScored(loss)), (known) => ({
        ...known,
        comparison: addLoss(known.comparison, arm, loss, known.experiment.alpha)
      })),
    Unscored: (state, { request_id, arm }) =>
      ended(state, request_id, arm, (counts) => ({ ...counts, unscored: counts.unscored + 1 })),
    Stopped: (state) => started(state, (known) => ({ ...known, running: false }))
  }
})

const unknown = ({ self }: Context): Refusal<typeof ExperimentProtocol, "GetReport"> => ({
  _tag: "UnknownExperiment",
  name: self.id
})

const started = (state: State, change: (known: RunningExperiment) => RunningExperiment): State =>
  state === null ? null : change(state)

const addScored =
  (loss: number) =>
  (counts: ArmCounts): ArmCounts => ({ ...counts, scored: counts.scored + 1, loss_sum: counts.loss_sum + loss })

const counted = (known: RunningExperiment, arm: Arm, change: (counts: ArmCounts) => ArmCounts): RunningExperiment => ({
  ...known,
  [arm]: change(known[arm])
})

const ended = (state: State, requestId: string, arm: Arm, change: (counts: ArmCounts) => ArmCounts): State =>
  started(state, (known) => ({
    ...counted(known, arm, change),
    waiting: known.waiting.filter((id) => id !== requestId)
  }))

/** What an experiment shows so far. */
export const experimentReport = (name: string, state: RunningExperiment): ExperimentReport => {
  const { experiment, running, comparison } = state
  const waitingIn = (arm: Arm) => state.waiting.filter((id) => armOf(name, id) === arm).length
  const armReport = (arm: Arm) => {
    const { loss_sum, ...counts } = state[arm]
    const mean_loss = counts.scored === 0 ? null : Math.min(1, loss_sum / counts.scored)
    return { label: experiment[arm], ...counts, mean_loss, waiting: waitingIn(arm) }
  }
  const arms = { a: armReport("a"), b: armReport("b") }
  const { a, b } = { a: arms.a.mean_loss, b: arms.b.mean_loss }
  const better = comparison.shown?.arm
  return {
    name,
    experiment,
    running,
    arms,
    difference: a === null || b === null ? null : b - a,
    interval: interval(comparison, experiment.alpha),
    e_value: Math.min(Number.MAX_VALUE, Math.exp(logEvidence(comparison))),
    p_value: pValue(comparison),
    verdict: better === undefined ? "no_difference_shown" : `${better}_better`,
    shown_after: comparison.shown?.after ?? null
  }
}

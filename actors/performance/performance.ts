import { Schema } from "effect"
import {
  type DecidedRound,
  ExperimentProtocol,
  PerformanceProtocol,
  performanceFeedback,
  subjects,
  toTimestamp,
  type UnscoredReason,
  type Vote
} from "../../protocols/index.ts"
import {
  type Actor,
  type Context,
  cancelTimer,
  define,
  omitUndefined,
  publish,
  type Send,
  send,
  setTimer
} from "../../runtime/index.ts"
import { weightShares } from "../learning/hedge.ts"
import { weightsOf } from "../learning/ledger.ts"
import { OUTCOME_DEFAULTS, type OutcomeRule, patienceFor } from "../learning/outcome-rule.ts"
import { reportOf } from "../learning/report.ts"
import { brierScore, outcomeOf, probabilitiesOf, returnOf } from "../learning/scoring.ts"
import { type Judgement, judge, timesOf } from "./horizon.ts"
import {
  EVENTS,
  evolve,
  initialState,
  type PendingDecision,
  type PerformanceStep,
  type ScoredFields,
  State
} from "./state.ts"

export interface PerformanceOptions extends OutcomeRule {
  /** η of Hedge, per unit of loss, from 1e-6 to 1e6. */
  readonly learningRate: number
  /** α of fixed share, from 0 to less than 1: about how often, per decision, another agent becomes the best. */
  readonly share: number
  /**
   * The message by which the coordinator of a symbol is told its agents' weights after each outcome, 1 in the mean. Nobody
   * is told unless given: then somebody has to ask with `GetWeights`.
   */
  readonly tellWeights?: (symbol: string, weights: { readonly [agentId: string]: number }) => Send
}

/**
 * The usual rule of outcomes. A share of 1 in 100 looks back about 100 decisions, for
 * which a learning rate of 0.3 is about the best for four agents: √(8·ln(N)/T).
 */
export const PERFORMANCE_DEFAULTS: PerformanceOptions = {
  ...OUTCOME_DEFAULTS,
  learningRate: 0.3,
  share: 0.01
}

/** How many decisions may wait for their outcome; what is decided beyond is not scored. */
export const OPEN_MAX = 256

const Valid = Schema.Struct({
  horizonMillis: Schema.Int.check(Schema.isGreaterThan(0)),
  patienceMillis: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  threshold: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  // Far beyond what is of use, and no bound on a regret is infinite.
  learningRate: Schema.Finite.check(Schema.isBetween({ minimum: 1e-6, maximum: 1e6 })),
  share: Schema.Finite.check(Schema.makeFilter((share: number) => (share >= 0 && share < 1) || "from 0 to less than 1"))
})

/**
 * How a symbol's agents have done; its id is the symbol.
 *
 * It is told each round's result and each bar's close. A decision is judged by the first close at or after its horizon;
 * a durable timer gives it up if none comes in time. Outcomes, and nothing else, make the agents' weights.
 *
 * Guarantees: no price before the horizon has a say in an outcome; every decision is scored once, or counted as unscored
 * with the reason; the state is bounded however many decisions there are. Throws a `SchemaError` on options that are none.
 */
export const performanceActor = (given: Partial<PerformanceOptions> = {}): Actor => {
  const options: PerformanceOptions = { ...PERFORMANCE_DEFAULTS, ...given }
  Schema.decodeUnknownSync(Valid)(options)
  return define({
    protocol: PerformanceProtocol,
    state: State,
    initial: (): State => initialState,
    events: EVENTS,
    decide: {
      Decided: (state, { round }, step) => {
        const { consensus_id } = round
        if (state.waiting.some((each) => each.consensus_id === consensus_id)) return
        const waiting = toWaiting(state, round)
        const { scored } = step.persist("DecisionTold", { waiting }).ledger
        if (state.waiting.length >= OPEN_MAX) return giveUp(step, waiting, "too_many_open")
        const judgement = judge(state.prices, waiting.bar_time, options)
        if (judgement._tag !== "Wait") {
          settle(step, waiting, judgement, options)
          return tellWeights(step, scored, options)
        }
        const patience = options.horizonMillis + patienceFor(options, timesOf(state.prices))
        step.add(setTimer(timerOf(consensus_id), step.time + patience, "HorizonPassed", { consensus_id }))
      },
      Price: (state, { time, price }, step) => {
        if (time <= (state.prices.at(-1)?.time ?? -1)) return
        const { prices, ledger } = step.persist("PriceSeen", { time, price })
        for (const waiting of state.waiting) {
          const judgement = judge(prices, waiting.bar_time, options)
          if (judgement._tag === "Wait") continue
          step.add(cancelTimer(timerOf(waiting.consensus_id)))
          settle(step, waiting, judgement, options)
        }
        tellWeights(step, ledger.scored, options)
      },
      HorizonPassed: (state, { consensus_id }, step) => {
        const waiting = state.waiting.find((each) => each.consensus_id === consensus_id)
        if (waiting !== undefined) giveUp(step, waiting, "no_price")
      },
      GetWeights: ({ ledger }, _, step) =>
        step.reply({ weights: Object.fromEntries(weightsOf(ledger)), scored: ledger.scored }),
      GetPerformance: ({ ledger, waiting }, _, step) =>
        step.reply({
          symbol: step.self.id,
          horizon_ms: options.horizonMillis,
          threshold: options.threshold,
          waiting: waiting.length,
          ...reportOf(ledger, options)
        })
    },
    evolve
  })
}

/** Tells the weights where there was an outcome: more are scored than before. */
const tellWeights = (step: PerformanceStep, before: number, { tellWeights: tell }: PerformanceOptions) => {
  const { ledger } = step.state
  if (tell !== undefined && ledger.scored !== before) {
    step.add(tell(step.self.id, Object.fromEntries(weightsOf(ledger))))
  }
}

const timerOf = (consensusId: string): string => `horizon_${consensusId}`

const slim = ({ agent_id, agent_type, decision, confidence, probabilities, strengths }: Vote) =>
  omitUndefined({ agent_id, agent_type, decision, confidence, probabilities, strengths })

const toWaiting = ({ ledger }: State, round: DecidedRound): PendingDecision => {
  const { consensus_id, correlation_id, bar_time, price, confidence, probabilities, experiment = null } = round
  const weights = weightsOf(ledger)
  return omitUndefined({
    consensus_id,
    correlation_id,
    bar_time,
    price,
    confidence,
    probabilities,
    experiment,
    decision: {
      final_decision: round.final_decision,
      votes: round.votes.map(slim),
      weights: round.votes.map(({ agent_id }) => weights.get(agent_id) ?? 1)
    }
  })
}

/** What follows for a decision from the prices so far: its outcome, or that it has none. */
const settle = (
  step: PerformanceStep,
  waiting: PendingDecision,
  judgement: Exclude<Judgement, { _tag: "Wait" }>,
  { threshold, learningRate: learning_rate, share }: PerformanceOptions
) => {
  if (judgement._tag === "Unscored") return giveUp(step, waiting, judgement.reason)
  const { time, price } = judgement.at
  const outcome = outcomeOf(waiting.price, price, threshold)
  const scored = { consensus_id: waiting.consensus_id, outcome, time, price, learning_rate, share }
  const after = step.persist("Scored", scored)
  step.add(feedback(after, waiting, scored, step))
  if (waiting.experiment !== null) step.add(outcomeTo(waiting.experiment, waiting, scored))
}

const outcomeTo = (experiment: { name: string; request_id: string }, waiting: PendingDecision, scored: ScoredFields) =>
  send(
    ExperimentProtocol,
    experiment.name,
    "Outcome",
    omitUndefined({
      request_id: experiment.request_id,
      decision: waiting.decision.final_decision,
      confidence: waiting.confidence,
      probabilities: waiting.probabilities,
      outcome: scored.outcome,
      return: returnOf(waiting.price, scored.price)
    })
  )

const giveUp = (step: PerformanceStep, { consensus_id, experiment }: PendingDecision, reason: UnscoredReason) => {
  step.persist("Unscored", { consensus_id, reason })
  if (experiment === null) return
  step.add(send(ExperimentProtocol, experiment.name, "Unscored", { request_id: experiment.request_id }))
}

const feedback = ({ ledger }: State, waiting: PendingDecision, scored: ScoredFields, context: Context) => {
  const symbol = context.self.id
  const shares = weightShares(ledger.agents.map((agent) => agent.log_weight))
  const shareOf = (id: string) => shares[ledger.agents.findIndex((agent) => agent.agent_id === id)] ?? 0
  return publish(performanceFeedback, subjects.coordination("outcome", symbol), {
    sender_agent_id: `performance_${symbol}`,
    recipient_agent_id: null,
    message_type: "outcome",
    payload: {
      consensus_id: waiting.consensus_id,
      symbol,
      final_decision: waiting.decision.final_decision,
      outcome: scored.outcome,
      return: returnOf(waiting.price, scored.price),
      bar_time: toTimestamp(waiting.bar_time),
      outcome_time: toTimestamp(scored.time),
      agents: waiting.decision.votes.map((vote) => ({
        agent_id: vote.agent_id,
        decision: vote.decision,
        correct: vote.decision === scored.outcome,
        brier_score: brierScore(probabilitiesOf(vote), scored.outcome),
        weight: Math.min(1, shareOf(vote.agent_id))
      }))
    },
    timestamp: toTimestamp(context.time)
  })
}

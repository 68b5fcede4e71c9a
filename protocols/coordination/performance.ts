import { Schema } from "effect"
import { Confidence, Decision, Probabilities } from "../agents/decision.ts"
import { Vote } from "../consensus/consensus.ts"
import { ExperimentName, ExperimentRequestId } from "../consensus/experiment.ts"
import { VoterType } from "../consensus/round.ts"
import { BarTime } from "../market/market.ts"
import { AgentId, ConsensusId, CorrelationId, MarketSymbol, Timestamp } from "../vocabulary/names.ts"
import { open } from "../vocabulary/open.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Price = Schema.Finite.check(Schema.isGreaterThan(0))
const Share = Schema.NullOr(Confidence)

/** What a round decided, on which bar and at which price. Its votes are scored once the horizon has passed. */
export const DecidedRound = open({
  consensus_id: ConsensusId,
  correlation_id: CorrelationId,
  final_decision: Decision,
  confidence: Confidence,
  /** What the votes together say of each decision. */
  probabilities: Schema.optionalKey(Probabilities),
  /** The start of the last bar that was looked at, in milliseconds since 1970, and its close. */
  bar_time: BarTime,
  price: Price,
  votes: Schema.Array(Vote),
  /** The experiment that the request was part of, and the request's id there: it is told the outcome. */
  experiment: Schema.optionalKey(open({ name: ExperimentName, request_id: ExperimentRequestId }))
})
export type DecidedRound = typeof DecidedRound.Type

/**
 * Why a decision has no outcome.
 *
 * - `no_price`: no price came from the horizon on, within the time that is waited for one.
 * - `price_forgotten`: it was told so late that the first price at its horizon is not kept any more.
 * - `too_many_open`: as many decisions as are kept were waiting for their outcome.
 */
export const UnscoredReason = Schema.Literals(["no_price", "price_forgotten", "too_many_open"])
export type UnscoredReason = typeof UnscoredReason.Type

/** Votes in one tenth of the confidences: how sure they were in the mean, and how often they were right. */
export const CalibrationBin = open({
  from: Confidence,
  to: Confidence,
  count: Count,
  mean_confidence: Share,
  accuracy: Share
})

/** One agent's record. What needs a scored vote is null until there is one. */
export const AgentPerformance = open({
  agent_id: AgentId,
  agent_type: VoterType,
  votes: Count,
  /** The part of its votes that were for what was decided. Agreement, and no merit. */
  consensus_share: Share,
  mean_confidence: Share,
  scored: Count,
  accuracy: Share,
  /** Mean Brier score, 0 (best) to 2; who knows nothing and says a third each gets 2/3. */
  brier_score: Schema.NullOr(Schema.Finite),
  calibration: Schema.Array(CalibrationBin),
  /** Mean distance of confidence and accuracy over the bins, 0 (best) to 1. */
  calibration_error: Share,
  /** Its part of all weight; these add up to 1. */
  weight: Confidence,
  /** What following the weights lost more than this agent, over the decisions it voted on, and the most that can be. */
  regret: Schema.Finite,
  regret_bound: Schema.Finite
})
export type AgentPerformance = typeof AgentPerformance.Type

export const PerformanceReport = open({
  symbol: MarketSymbol,
  horizon_ms: Count,
  /** A return above it is a BUY, below its negative a SELL; a fraction of the price. */
  threshold: Schema.Finite,
  decisions: Count,
  waiting: Count,
  scored: Count,
  unscored: open({ no_price: Count, price_forgotten: Count, too_many_open: Count }),
  /** How often each decision would have been the right one. */
  outcomes: open({ BUY: Count, SELL: Count, HOLD: Count }),
  /** How often the joint decision was right. */
  consensus_accuracy: Share,
  learning_rate: Schema.Finite,
  share: Schema.Finite,
  /** Mean loss, 0 to 1, of following the weights of the time of scoring, and those of the time of the decision. */
  followed_loss: Share,
  followed_loss_in_use: Share,
  /** The agent against which the regret is greatest, with the regret in units of loss. */
  best_agent: Schema.NullOr(open({ agent_id: AgentId, regret: Schema.Finite, regret_bound: Schema.Finite })),
  agents: Schema.Array(AgentPerformance)
})
export type PerformanceReport = typeof PerformanceReport.Type

/** What the performance actor understands. Its id is the symbol whose decisions it follows. */
export const PerformanceProtocol = {
  type: "performance",
  messages: {
    /** From the coordinator: a round is over. */
    Decided: { payload: open({ round: DecidedRound }) },
    /** From the coordinator: the close of a bar, and the start of the bar. One not newer than the last does nothing. */
    Price: { payload: open({ time: BarTime, price: Price }) },
    /** Its own timer: no price came for this decision. */
    HorizonPassed: { payload: open({ consensus_id: ConsensusId }) },
    /** How much each agent's word weighs, 1 in the mean: an agent that is not named weighs 1. */
    GetWeights: {
      payload: open({}),
      reply: open({ weights: Schema.Record(Schema.String, Schema.Finite), scored: Count })
    },
    GetPerformance: { payload: open({}), reply: PerformanceReport }
  }
} as const

/** `agent_coordination` with what came of a decision. */
export const PerformanceFeedback = open({
  sender_agent_id: Schema.NonEmptyString,
  recipient_agent_id: Schema.Null,
  message_type: Schema.Literal("outcome"),
  payload: open({
    consensus_id: ConsensusId,
    symbol: MarketSymbol,
    final_decision: Decision,
    outcome: Decision,
    /** The price's change over the horizon, a fraction. */
    return: Schema.Finite,
    bar_time: Timestamp,
    outcome_time: Timestamp,
    agents: Schema.Array(
      open({
        agent_id: AgentId,
        decision: Decision,
        correct: Schema.Boolean,
        brier_score: Schema.Finite,
        /** From now on; of all agents they add up to 1. */
        weight: Confidence
      })
    )
  }),
  timestamp: Timestamp
})

export const performanceFeedback = { type: "agent_coordination", data: PerformanceFeedback } as const

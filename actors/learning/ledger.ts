// What is known of a panel's agents: how they voted, what came of it, and the weight they have earned. Pure and bounded.
import { Schema } from "effect"
import {
  AgentId,
  Confidence,
  Decision,
  open,
  Probabilities,
  Strengths,
  type UnscoredReason,
  VoterType
} from "../../protocols/index.ts"
import { addToBins, Bin, emptyBins } from "./calibration.ts"
import { type HedgeOptions, hedgeStep, INITIAL_LOG_WEIGHT, weightShares } from "./hedge.ts"
import { brierScore, probabilitiesOf, voteLoss } from "./scoring.ts"

/** How many agents are followed; the votes of further ones are counted and not scored. */
export const AGENTS_MAX = 32

/** A vote without its reasoning. */
export const Cast = open({
  agent_id: AgentId,
  agent_type: VoterType,
  decision: Decision,
  confidence: Confidence,
  probabilities: Schema.optionalKey(Probabilities),
  strengths: Schema.optionalKey(Strengths)
})
export type Cast = typeof Cast.Type

export const AgentRecord = open({
  agent_id: AgentId,
  agent_type: VoterType,
  votes: Schema.Int,
  with_consensus: Schema.Int,
  confidence_sum: Schema.Finite,
  scored: Schema.Int,
  correct: Schema.Int,
  /** By which it is weighed: half of the Brier scores of its strengths. */
  loss_sum: Schema.Finite,
  /** Brier scores of its probabilities; twice the losses in records of when there were no strengths. */
  brier_sum: Schema.optionalKey(Schema.Finite),
  /** The losses of following the weights, over the decisions this agent voted on. */
  followed_loss_sum: Schema.Finite,
  log_weight: Schema.Finite,
  bins: Schema.Array(Bin)
})
export type AgentRecord = typeof AgentRecord.Type

/** Agents are in the order of their ids. */
export const Ledger = open({
  agents: Schema.Array(AgentRecord),
  /** Votes of agents that there was no room for. */
  ignored_votes: Schema.Int,
  decisions: Schema.Int,
  scored: Schema.Int,
  unscored: open({ no_price: Schema.Int, price_forgotten: Schema.Int, too_many_open: Schema.Int }),
  outcomes: open({ BUY: Schema.Int, SELL: Schema.Int, HOLD: Schema.Int }),
  consensus_correct: Schema.Int,
  /** Decisions scored that somebody had voted on, and the losses of following the weights then and when they were made. */
  followed: Schema.Int,
  followed_loss_sum: Schema.Finite,
  in_use_loss_sum: Schema.Finite
})
export type Ledger = typeof Ledger.Type

export const emptyLedger: Ledger = {
  agents: [],
  ignored_votes: 0,
  decisions: 0,
  scored: 0,
  unscored: { no_price: 0, price_forgotten: 0, too_many_open: 0 },
  outcomes: { BUY: 0, SELL: 0, HOLD: 0 },
  consensus_correct: 0,
  followed: 0,
  followed_loss_sum: 0,
  in_use_loss_sum: 0
}

/** A decision whose outcome is to come: its votes, and the weight each voter had, 1 in the mean. */
export const OpenDecision = open({
  final_decision: Decision,
  votes: Schema.Array(Cast),
  weights: Schema.Array(Schema.Finite)
})
export type OpenDecision = typeof OpenDecision.Type

/** The weight of each agent that is known, 1 in the mean: an agent nobody knows yet weighs 1. */
export const weightsOf = (ledger: Ledger): ReadonlyMap<string, number> => {
  const shares = weightShares(ledger.agents.map((agent) => agent.log_weight))
  return new Map(ledger.agents.map((agent, index) => [agent.agent_id, shares[index]! * shares.length]))
}

/** The ledger after a decision was made: who voted, how surely, and whether with the others. */
export const recordVotes = (ledger: Ledger, votes: ReadonlyArray<Cast>, finalDecision: Decision): Ledger => {
  const known = withAgents(ledger, votes)
  const agents = known.agents.map((agent) => {
    const vote = votes.find((each) => each.agent_id === agent.agent_id)
    if (vote === undefined) return agent
    return {
      ...agent,
      votes: agent.votes + 1,
      with_consensus: agent.with_consensus + (vote.decision === finalDecision ? 1 : 0),
      confidence_sum: agent.confidence_sum + vote.confidence
    }
  })
  return { ...known, agents, decisions: ledger.decisions + 1 }
}

/** The ledger after a decision turned out to have no outcome. */
export const recordUnscored = (ledger: Ledger, reason: UnscoredReason): Ledger => ({
  ...ledger,
  unscored: { ...ledger.unscored, [reason]: ledger.unscored[reason] + 1 }
})

/**
 * The ledger after a decision's outcome: every voter is scored, and the weights follow.
 *
 * It does not depend on the order of the votes. Agents that did not vote sleep: nothing of theirs changes.
 */
export const recordOutcome = (
  ledger: Ledger,
  { final_decision, votes, weights }: OpenDecision,
  outcome: Decision,
  options: HedgeOptions
): Ledger => {
  const known = withAgents(ledger, votes)
  const awake = known.agents.flatMap((agent, at) => {
    const index = votes.findIndex((vote) => vote.agent_id === agent.agent_id)
    const vote = votes[index]
    if (vote === undefined) return []
    return [{ at, vote, logWeight: agent.log_weight, weight: weights[index] ?? 1, loss: voteLoss(vote, outcome) }]
  })
  const step = hedgeStep(awake, options)
  const agents = [...known.agents]
  for (const [index, { at, vote, loss }] of awake.entries()) {
    agents[at] = scoredRecord(agents[at]!, vote, loss, outcome, step.loss, step.logWeights[index]!)
  }
  const inUse = awake.reduce((sum, each) => sum + each.weight, 0)
  const inUseLoss = inUse === 0 ? step.loss : awake.reduce((sum, each) => sum + each.weight * each.loss, 0) / inUse
  return {
    ...known,
    agents,
    scored: known.scored + 1,
    outcomes: { ...known.outcomes, [outcome]: known.outcomes[outcome] + 1 },
    consensus_correct: known.consensus_correct + (final_decision === outcome ? 1 : 0),
    followed: known.followed + (awake.length > 0 ? 1 : 0),
    followed_loss_sum: known.followed_loss_sum + step.loss,
    in_use_loss_sum: known.in_use_loss_sum + inUseLoss
  }
}

const scoredRecord = (
  agent: AgentRecord,
  vote: Cast,
  loss: number,
  outcome: Decision,
  followedLoss: number,
  logWeight: number
): AgentRecord => {
  const correct = vote.decision === outcome
  return {
    ...agent,
    scored: agent.scored + 1,
    correct: agent.correct + (correct ? 1 : 0),
    loss_sum: agent.loss_sum + loss,
    brier_sum: brierSumOf(agent) + brierScore(probabilitiesOf(vote), outcome),
    followed_loss_sum: agent.followed_loss_sum + followedLoss,
    log_weight: logWeight,
    bins: addToBins(agent.bins, vote.confidence, correct)
  }
}

/** The sum of an agent's Brier scores. */
export const brierSumOf = ({ brier_sum, loss_sum }: AgentRecord): number => brier_sum ?? 2 * loss_sum

/** The ledger with a record for each of the voters that it has room for. */
const withAgents = (ledger: Ledger, votes: ReadonlyArray<Cast>): Ledger => {
  const strangers = votes.filter((vote) => !ledger.agents.some((agent) => agent.agent_id === vote.agent_id))
  if (strangers.length === 0) return ledger
  const taken = strangers
    .toSorted((a, b) => compare(a.agent_id, b.agent_id))
    .slice(0, AGENTS_MAX - ledger.agents.length)
    .map(newRecord)
  const agents = [...ledger.agents, ...taken].toSorted((a, b) => compare(a.agent_id, b.agent_id))
  return { ...ledger, agents, ignored_votes: ledger.ignored_votes + strangers.length - taken.length }
}

const newRecord = ({ agent_id, agent_type }: Cast): AgentRecord => ({
  agent_id,
  agent_type,
  votes: 0,
  with_consensus: 0,
  confidence_sum: 0,
  scored: 0,
  correct: 0,
  loss_sum: 0,
  followed_loss_sum: 0,
  log_weight: INITIAL_LOG_WEIGHT,
  bins: emptyBins
})

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

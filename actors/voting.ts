import type { Decision, Resolution, Vote } from "../protocols/index.ts"

/** Sums and confidences that differ by no more than this count as equal: what rounding does decides nothing. */
const TOLERANCE = 1e-9

/** HOLD before SELL before BUY: the careful one first. */
const CAUTION = ["HOLD", "SELL", "BUY"] as const

export interface Ballot {
  readonly votes: ReadonlyArray<Vote>
  /** How many were asked to vote. A quorum is more than half of them. */
  readonly invitedCount: number
  /** Where the votes differ, a confidence below this is not enough; 0 to 1. */
  readonly minConfidence: number
  /** How much an agent's vote weighs, by agent id; finite and at least 0, 1 unless given. Only the ratios matter. */
  readonly weights?: { readonly [agentId: string]: number }
}

export interface Verdict {
  readonly decision: Decision
  /** 0 to 1. */
  readonly confidence: number
  readonly achieved: boolean
  /** What decided where consensus was not achieved; nothing where nobody voted. */
  readonly resolution?: typeof Resolution.Type
}

/**
 * Decides a round by `weighted_confidence`.
 *
 * With w an agent's weight and c its confidence: the decision with the greatest Σw·c wins, its confidence is Σw·c / Σw
 * over its own votes, and it is achieved when its Σw is more than half of all Σw. A tie for the winner, votes from no
 * more than half of the invited, or differing votes with a confidence below the minimum are not achieved, and
 * `conservative_bias` decides: HOLD if anyone said it, else SELL, else BUY, at 0.8 times the highest confidence among
 * the votes for it. No vote at all: HOLD with confidence 0, not achieved.
 *
 * The result does not depend on the order of the votes, nor on the scale of the weights.
 */
export const decideRound = ({ votes, invitedCount, minConfidence, weights = {} }: Ballot): Verdict => {
  if (votes.length === 0) return { decision: "HOLD", confidence: 0, achieved: false }
  const tallies = tally(votes, weights)
  const winner = tallies.reduce((best, next) => (next.support > best.support + TOLERANCE ? next : best))
  const tied = tallies.some((each) => each !== winner && Math.abs(each.support - winner.support) <= TOLERANCE)
  const confidence = winner.weight === 0 ? 0 : Math.min(1, winner.support / winner.weight)
  const quorum = votes.length * 2 > invitedCount
  const majority = winner.weight > votes.length / 2 + TOLERANCE
  const sure = tallies.length === 1 || confidence >= minConfidence - TOLERANCE
  return quorum && majority && sure && !tied
    ? { decision: winner.decision, confidence, achieved: true }
    : conservativeBias(votes)
}

interface Tally {
  readonly decision: Decision
  /** Σw·c of the votes for it. */
  readonly support: number
  /** Σw of the votes for it. */
  readonly weight: number
}

/** What was said for each decision that has a vote. Weights are scaled to a mean of 1, so that the tolerance fits. */
const tally = (votes: ReadonlyArray<Vote>, weights: { readonly [agentId: string]: number }): ReadonlyArray<Tally> => {
  // Adding in one order makes the sums the same to the last bit, whatever order the votes came in.
  const ordered = votes.toSorted((a, b) => compare(a.agent_id, b.agent_id) || a.confidence - b.confidence)
  const weightOf = (vote: Vote) => (Object.hasOwn(weights, vote.agent_id) ? weights[vote.agent_id]! : 1)
  const heaviest = Math.max(...ordered.map(weightOf))
  const mean = heaviest === 0 ? 1 : ordered.reduce((sum, vote) => sum + weightOf(vote) / heaviest, 0) / ordered.length
  const scaled = (vote: Vote) => (heaviest === 0 ? 0 : weightOf(vote) / heaviest / mean)
  return CAUTION.flatMap((decision) => {
    const mine = ordered.filter((vote) => vote.decision === decision)
    if (mine.length === 0) return []
    const support = mine.reduce((sum, vote) => sum + scaled(vote) * vote.confidence, 0)
    const weight = mine.reduce((sum, vote) => sum + scaled(vote), 0)
    return [{ decision, support, weight }]
  })
}

const conservativeBias = (votes: ReadonlyArray<Vote>): Verdict => {
  const decision = CAUTION.find((each) => votes.some((vote) => vote.decision === each)) ?? "HOLD"
  const confidences = votes.filter((vote) => vote.decision === decision).map((vote) => vote.confidence)
  return { decision, confidence: 0.8 * Math.max(...confidences), achieved: false, resolution: "conservative_bias" }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

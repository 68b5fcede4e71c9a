import type { Decision, Vote } from "../../protocols/index.ts"
import { type Rules, sum, type Weighed, weigh } from "./ballot.ts"

/** How votes lie. */
export interface VoteStatistics {
  readonly distribution: { readonly [D in Decision]: number }
  readonly entropy: number
  readonly effective_voters: number
}

/**
 * How votes lie by their agents' weights. Their order and the scale of the weights change nothing.
 *
 * - `distribution`: each decision's share of Σw; by heads where no vote weighs anything; all 0 without a vote.
 * - `entropy`: H = -Σ s·log₂ s of these shares, in bits (Shannon 1948).
 * - `effective_voters`: (Σw)² / Σw², the effective sample size of weighted observations (Kish, Survey Sampling, 1965): the
 *   number of votes where all weigh the same, and near 1 where one outweighs the others. 0 where nothing weighs anything.
 */
export const voteStatisticsOf = (rules: Pick<Rules, "weights">, votes: ReadonlyArray<Vote>): VoteStatistics => {
  const weighed = weigh(votes, rules.weights)
  const all = sum(weighed.map(({ weight }) => weight))
  const squares = sum(weighed.map(({ weight }) => weight * weight))
  const heads = all > 0 ? weighed : weighed.map(({ vote }) => ({ vote, weight: 1 }))
  const distribution = { BUY: shareOf("BUY", heads), SELL: shareOf("SELL", heads), HOLD: shareOf("HOLD", heads) }
  const bits = sum([distribution.BUY, distribution.SELL, distribution.HOLD].map((s) => (s > 0 ? -s * Math.log2(s) : 0)))
  // Not -0, which JSON does not have.
  return { distribution, entropy: Math.max(0, bits), effective_voters: squares === 0 ? 0 : (all * all) / squares }
}

const shareOf = (decision: Decision, weighed: ReadonlyArray<Weighed>): number => {
  const all = sum(weighed.map(({ weight }) => weight))
  const mine = sum(weighed.filter(({ vote }) => vote.decision === decision).map(({ weight }) => weight))
  return all === 0 ? 0 : Math.min(1, mine / all)
}

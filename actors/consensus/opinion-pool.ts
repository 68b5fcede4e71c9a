import type { Decision, Probabilities, Vote } from "../../protocols/index.ts"
import { beliefOf, type Rules, sum, weigh } from "./ballot.ts"
import { logPool } from "./methods.ts"

const DECISIONS: ReadonlyArray<Decision> = ["BUY", "SELL", "HOLD"]

/**
 * What votes together say of each decision: a forecast, which can be scored whatever was decided on it.
 *
 * By `log_opinion_pool` it is that pool; by the other methods, which know no probabilities of their own, the mean of the voters'
 * by weight (the linear opinion pool: M. Stone, Annals of Mathematical Statistics 32, 1961). Where no vote weighs anything all
 * weigh the same; without a vote each decision has a third. They add up to 1, and the order of the votes changes nothing.
 */
export const jointOf = (
  rules: Pick<Rules, "method" | "pool_exponent" | "weights">,
  votes: ReadonlyArray<Vote>
): Probabilities => {
  if (votes.length === 0) return toProbabilities(() => 1)
  if (rules.method === "log_opinion_pool") {
    const pooled = logPool(rules, votes, beliefOf)
    return toProbabilities((decision) => pooled.find((each) => each.decision === decision)?.share ?? 0)
  }
  const weighed = weigh(votes, rules.weights)
  const heads = weighed.some(({ weight }) => weight > 0) ? weighed : weighed.map(({ vote }) => ({ vote, weight: 1 }))
  return toProbabilities((decision) => sum(heads.map(({ vote, weight }) => weight * beliefOf(vote)[decision])))
}

const toProbabilities = (massOf: (decision: Decision) => number): Probabilities => {
  const all = sum(DECISIONS.map(massOf))
  const share = (decision: Decision) => Math.min(1, massOf(decision) / all)
  return { BUY: share("BUY"), SELL: share("SELL"), HOLD: share("HOLD") }
}

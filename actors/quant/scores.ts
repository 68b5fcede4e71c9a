import type { Decision, Probabilities } from "../../protocols/index.ts"

/** Scores of a view between -1 (sell) and 1 (buy): near 0 HOLD is likeliest, at the ends it hardly counts. */
export const directional = (score: number): Probabilities => ({ BUY: 3 * score, SELL: -3 * score, HOLD: 0.6 })

/** A logarithm of a weight for each decision made into probabilities. */
export const softmax = (scores: Probabilities): Probabilities => {
  const greatest = Math.max(scores.BUY, scores.SELL, scores.HOLD)
  const weigh = (decision: Decision) => Math.exp(scores[decision] - greatest)
  const total = weigh("BUY") + weigh("SELL") + weigh("HOLD")
  return { BUY: weigh("BUY") / total, SELL: weigh("SELL") / total, HOLD: weigh("HOLD") / total }
}

/** Scores nearer to one another: the same order, less confidence. */
export const tempered = ({ BUY, SELL, HOLD }: Probabilities, factor: number): Probabilities => ({
  BUY: factor * BUY,
  SELL: factor * SELL,
  HOLD: factor * HOLD
})

/**
 * The weighted geometric mean of probabilities, made to add up to 1: the logarithmic opinion pool. Without opinions,
 * each is equally likely. Source: C. Genest, J. V. Zidek, Combining Probability Distributions, Statistical Science 1,
 * 1986.
 */
export const pool = (
  opinions: ReadonlyArray<{ readonly weight: number; readonly probabilities: Probabilities }>
): Probabilities => {
  const total = opinions.reduce((sum, { weight }) => sum + weight, 0)
  const meanLog = (decision: Decision) =>
    opinions.reduce(
      (sum, { weight, probabilities }) => sum + (weight / total) * Math.log(Math.max(probabilities[decision], 1e-12)),
      0
    )
  return softmax({ BUY: meanLog("BUY"), SELL: meanLog("SELL"), HOLD: meanLog("HOLD") })
}

const ORDER = ["HOLD", "SELL", "BUY"] as const

/** Ties go to HOLD before SELL before BUY. */
export const likeliest = (probabilities: Probabilities): Decision =>
  ORDER.reduce<Decision>((best, next) => (probabilities[next] > probabilities[best] ? next : best), "HOLD")

export const unitInterval = (value: number): number => Math.max(0, Math.min(1, value))

export const percent = (fraction: number, digits = 1): string => `${(100 * fraction).toFixed(digits)}%`

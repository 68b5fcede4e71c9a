import type { Decision, Strengths } from "../../protocols/index.ts"

/** A score for each decision, as the logarithm of a weight. */
export interface Scores {
  readonly BUY: number
  readonly SELL: number
  readonly HOLD: number
}

/** Scores of a view between -1 (sell) and 1 (buy): near 0 HOLD is strongest, at the ends it hardly counts. */
export const directional = (score: number): Scores => ({ BUY: 3 * score, SELL: -3 * score, HOLD: 0.6 })

/** Scores made into strengths, which add up to 1. */
export const softmax = (scores: Scores): Strengths => {
  const greatest = Math.max(scores.BUY, scores.SELL, scores.HOLD)
  const weigh = (decision: Decision) => Math.exp(scores[decision] - greatest)
  const total = weigh("BUY") + weigh("SELL") + weigh("HOLD")
  return { BUY: weigh("BUY") / total, SELL: weigh("SELL") / total, HOLD: weigh("HOLD") / total }
}

/** Scores nearer to one another: the same order, less strength. */
export const tempered = ({ BUY, SELL, HOLD }: Scores, factor: number): Scores => ({
  BUY: factor * BUY,
  SELL: factor * SELL,
  HOLD: factor * HOLD
})

/**
 * The weighted geometric mean of strengths, made to add up to 1: the logarithmic opinion pool. Without opinions,
 * each is as strong. Source: C. Genest, J. V. Zidek, Combining Probability Distributions, Statistical Science 1,
 * 1986.
 */
export const pool = (
  opinions: ReadonlyArray<{ readonly weight: number; readonly strengths: Strengths }>
): Strengths => {
  const total = opinions.reduce((sum, { weight }) => sum + weight, 0)
  const meanLog = (decision: Decision) =>
    opinions.reduce(
      (sum, { weight, strengths }) => sum + (weight / total) * Math.log(Math.max(strengths[decision], 1e-12)),
      0
    )
  return softmax({ BUY: meanLog("BUY"), SELL: meanLog("SELL"), HOLD: meanLog("HOLD") })
}

const ORDER: ReadonlyArray<Decision> = ["HOLD", "SELL", "BUY"]

/** Ties go to HOLD before SELL before BUY. */
export const strongest = (strengths: Strengths): Decision =>
  ORDER.reduce<Decision>((best, next) => (strengths[next] > strengths[best] ? next : best), "HOLD")

export const unitInterval = (value: number): number => Math.max(0, Math.min(1, value))

export const percent = (fraction: number, digits = 1): string => `${(100 * fraction).toFixed(digits)}%`

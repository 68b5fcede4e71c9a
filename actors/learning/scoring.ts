import type { Decision, Probabilities, Strengths } from "../../protocols/index.ts"

export const DECISIONS: readonly [Decision, Decision, Decision] = ["BUY", "SELL", "HOLD"]

/** What is scored of a vote. */
export interface Forecast {
  readonly decision: Decision
  readonly confidence: number
  readonly probabilities?: Probabilities
}

/**
 * The decision that a price move would have made right: BUY for a return above `threshold`, SELL for one below its
 * negative, else HOLD. The return is a fraction of the earlier price, as is the threshold.
 */
export const outcomeOf = (priceBefore: number, priceAfter: number, threshold: number): Decision => {
  const change = returnOf(priceBefore, priceAfter)
  if (change > threshold) return "BUY"
  return change < -threshold ? "SELL" : "HOLD"
}

/** The change of a price as a fraction of the earlier one; finite, also where prices are as far apart as numbers go. */
export const returnOf = (priceBefore: number, priceAfter: number): number =>
  Math.min(Number.MAX_VALUE, priceAfter / priceBefore - 1)

/** What a vote says of each decision. Without probabilities of its own, what confidence leaves is shared by the others. */
export const probabilitiesOf = ({ decision, confidence, probabilities }: Forecast): Probabilities => {
  if (probabilities !== undefined) return probabilities
  const rest = (1 - confidence) / 2
  return { BUY: rest, SELL: rest, HOLD: rest, [decision]: confidence }
}

/**
 * The Brier score of probabilities p after an outcome o: Σ (p_k − [k = o])² over the three decisions; 0 is best, 2 worst.
 *
 * Proper: nobody gains by saying other probabilities than those believed. G. W. Brier, Verification of forecasts
 * expressed in terms of probability, Monthly Weather Review 78 (1950).
 */
export const brierScore = (probabilities: Probabilities, outcome: Decision): number =>
  DECISIONS.reduce((sum, each) => sum + (probabilities[each] - (each === outcome ? 1 : 0)) ** 2, 0)

/** A forecast's loss in [0, 1]: half its Brier score. Probabilities may add up to 1 within a millionth, hence the bound. */
export const brierLoss = (forecast: Forecast, outcome: Decision): number =>
  Math.min(1, brierScore(probabilitiesOf(forecast), outcome) / 2)

/** The loss in [0, 1] by which a vote is weighed: that of its strengths, for a round weighs these; of its probabilities where it has no others. */
export const voteLoss = ({ strengths, ...forecast }: Cast, outcome: Decision): number =>
  brierLoss(strengths === undefined ? forecast : { ...forecast, probabilities: strengths }, outcome)

interface Cast extends Forecast {
  readonly strengths?: Strengths
}

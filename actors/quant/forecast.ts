// What rules know of the next price, as probabilities: hardly more than how often each outcome was there before.
import type { BarWindow, OutcomeCounts, Probabilities, Strengths } from "../../protocols/index.ts"
import { baseRate } from "../learning/base-rate.ts"
import type { OutcomeRule } from "../learning/outcome-rule.ts"

/**
 * The part of the way from the base rate to the strengths that probabilities go.
 *
 * Where rules know nothing this costs a Brier score its square times the squared distance of the two, which is at most 2: 0.0008.
 * docs/BACKTEST.md has what prices say of it.
 */
export const RELIANCE = 0.02

/**
 * How likely each decision is to turn out right, where rules speak for them with these strengths: base + 0.02·(strengths − base), the base
 * rate of the bars given and of all outcomes before. Each between 0 and 1; together 1.
 */
export const forecastOf = (
  strengths: Strengths,
  bars: BarWindow,
  rule: OutcomeRule,
  outcomes?: OutcomeCounts
): Probabilities => {
  const base = baseRate(bars, rule, outcomes)
  const mixed = (decision: "BUY" | "SELL" | "HOLD") =>
    base[decision] + RELIANCE * (strengths[decision] - base[decision])
  return { BUY: mixed("BUY"), SELL: mixed("SELL"), HOLD: mixed("HOLD") }
}

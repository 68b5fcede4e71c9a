// How often each decision would have been right on the bars before now: what is said of the next one where nothing more is known. Pure.
import { gammaln } from "simple-statistics"
import type { BarWindow, OutcomeCounts, Probabilities } from "../../protocols/index.ts"
import { type OutcomeRule, patienceFor } from "./outcome-rule.ts"
import { outcomeOf } from "./scoring.ts"

/** What is said without a past: a third each. */
export const PRIOR: Probabilities = { BUY: 1 / 3, SELL: 1 / 3, HOLD: 1 / 3 }

/** How often neither comes is a third before anything is seen, which counts as much as so many outcomes. */
const PRIOR_OUTCOMES = 16

/** How likely it is, before anything is seen, that moves go one way more often than the other. */
const LEANS = 1 / 2

/** How likely it is, before they are seen, that the bars of the window have other shares than all the past. */
const DIFFERS = 1 / 5

/**
 * How likely each outcome is next: its share in all the past, and that of these bars where it is another one. `past` are the outcomes that were
 * ever known, by the same rule; without it those of these bars are all the past.
 *
 * Of the bars only outcomes count that are known at the last one: both closes are in the window. One whose horizon spans n bars counts as an
 * n-th, for it shares its prices with the n − 1 that follow. They add up to 1; without an outcome they are the prior.
 */
export const baseRate = (bars: BarWindow, rule: OutcomeRule, past?: OutcomeCounts): Probabilities => {
  const here = outcomesOn(bars, rule)
  const isOlder = past !== undefined && countOf(past) > countOf(here)
  const ever = everShares(isOlder ? past : here)
  const neither = isOlder ? shareBy(here.HOLD, countOf(here), ever.neither, DIFFERS) : ever.neither
  const up = isOlder ? shareBy(here.BUY, here.BUY + here.SELL, ever.up, DIFFERS) : ever.up
  return { BUY: (1 - neither) * up, SELL: (1 - neither) * (1 - up), HOLD: neither }
}

/** The share of those that were neither, and that of rises among the moves. */
const everShares = ({ BUY, SELL, HOLD }: OutcomeCounts) => ({
  neither: (HOLD + PRIOR_OUTCOMES * PRIOR.HOLD) / (BUY + SELL + HOLD + PRIOR_OUTCOMES),
  up: shareBy(BUY, BUY + SELL, 1 / 2, LEANS)
})

const countOf = ({ BUY, SELL, HOLD }: OutcomeCounts): number => BUY + SELL + HOLD

const outcomesOn = ({ time, close }: BarWindow, rule: OutcomeRule): OutcomeCounts => {
  const counted = { BUY: 0, SELL: 0, HOLD: 0 }
  const patience = patienceFor(rule, time)
  let at = 0
  for (const [index, begun] of time.entries()) {
    // By a later price than its own, also where the horizon is nothing.
    at = Math.max(at, index + 1)
    const due = begun + rule.horizonMillis
    while (at < time.length && time[at]! < due) at++
    if (at >= time.length) break
    if (time[at]! > due + patience) continue
    counted[outcomeOf(close[index]!, close[at]!, rule.threshold)] += 1 / (at - index)
  }
  return counted
}

/**
 * How likely the next of some is of a kind, of which so many were: between a share that is expected and that of those seen, by how much
 * likelier they are if any share is as likely as another than if it is the expected one (a Bayes factor of Beta(1, 1) against a point; H.
 * Jeffreys, Theory of Probability, 1961, chapter 5). `other` is how likely it is another share before anything is seen. So chance stays what
 * is expected, and what rises day by day does not.
 */
const shareBy = (hits: number, count: number, expected: number, other: number): number => {
  const any = gammaln(hits + 1) + gammaln(count - hits + 1) - gammaln(count + 2)
  const point = hits * Math.log(expected) + (count - hits) * Math.log1p(-expected)
  const isOther = 1 / (1 + ((1 - other) / other) * Math.exp(point - any))
  return isOther * ((hits + 1) / (count + 2)) + (1 - isOther) * expected
}

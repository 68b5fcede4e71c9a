// How often each decision would have been right on the bars before now: what is said of the next one where nothing more is known. Pure.
import { gammaln } from "simple-statistics"
import type { BarWindow, Probabilities } from "../../protocols/index.ts"
import { outcomeOf } from "./scoring.ts"

/** What makes a decision right: the price's change over a horizon. */
export interface OutcomeRule {
  /** How long after its bar a decision is judged, in milliseconds of the market's time. */
  readonly horizonMillis: number
  /** How much later than that the price may be, in milliseconds. */
  readonly patienceMillis: number
  /** A return above it makes BUY right, one below its negative SELL; a fraction of the price, at least 0. */
  readonly threshold: number
}

const DAY_MILLIS = 86_400_000

/** A day, a weekend with a holiday of patience, half a percent. */
export const OUTCOME_DEFAULTS: OutcomeRule = {
  horizonMillis: DAY_MILLIS,
  patienceMillis: 4 * DAY_MILLIS,
  threshold: 0.005
}

/** What is said without a past: a third each. */
export const PRIOR: Probabilities = { BUY: 1 / 3, SELL: 1 / 3, HOLD: 1 / 3 }

/** How often neither comes is a third before anything is seen, which counts as much as so many outcomes. */
const PRIOR_OUTCOMES = 16

/** How likely it is, before anything is seen, that moves go one way more often than the other. */
const LEANS = 1 / 2

/**
 * The share of each outcome on these bars, and the prior with them. Only outcomes that are known at the last bar count: both closes are in
 * the window. One whose horizon spans n bars counts as an n-th, for it shares its prices with the n − 1 that follow.
 *
 * They add up to 1; without an outcome they are the prior.
 */
export const baseRate = ({ time, close }: BarWindow, rule: OutcomeRule): Probabilities => {
  const counted = { BUY: 0, SELL: 0, HOLD: 0 }
  let at = 0
  for (const [index, begun] of time.entries()) {
    const due = begun + rule.horizonMillis
    while (at < time.length && time[at]! < due) at++
    if (at === time.length) break
    if (time[at]! > due + rule.patienceMillis) continue
    counted[outcomeOf(close[index]!, close[at]!, rule.threshold)] += 1 / (at - index)
  }
  const moves = counted.BUY + counted.SELL
  const neither = (counted.HOLD + PRIOR_OUTCOMES * PRIOR.HOLD) / (moves + counted.HOLD + PRIOR_OUTCOMES)
  const up = upwards(counted.BUY, moves)
  return { BUY: (1 - neither) * up, SELL: (1 - neither) * (1 - up), HOLD: neither }
}

/**
 * How likely a move goes up, of which so many did: between one half and the share of them, by how much likelier these moves are if
 * any share is as likely as another than if they are tosses of a coin (a Bayes factor of Beta(1, 1) against one half; H. Jeffreys, Theory
 * of Probability, 1961, chapter 5). So chance stays even, and what rises day by day does not.
 */
const upwards = (up: number, moves: number): number => {
  const any = gammaln(up + 1) + gammaln(moves - up + 1) - gammaln(moves + 2)
  const even = -moves * Math.LN2
  const leans = 1 / (1 + ((1 - LEANS) / LEANS) * Math.exp(even - any))
  return leans * ((up + 1) / (moves + 2)) + (1 - leans) / 2
}

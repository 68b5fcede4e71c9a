// How often each decision would have been right on the bars before now: what is said of the next one where nothing more is known. Pure.
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

/** Which way a move goes is even before anything is seen, which counts as much as so many moves: prices lean little, and the
 * largest window has a fourth of that. */
const PRIOR_MOVES = 512

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
  const up = (counted.BUY + PRIOR_MOVES / 2) / (moves + PRIOR_MOVES)
  return { BUY: (1 - neither) * up, SELL: (1 - neither) * (1 - up), HOLD: neither }
}

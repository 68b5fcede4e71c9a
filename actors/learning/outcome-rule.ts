// What makes a decision right. Pure.

/** What makes a decision right: the price's change over a horizon. */
export interface OutcomeRule {
  /** How long after its bar a decision is judged, in milliseconds of the market's time. */
  readonly horizonMillis: number
  /** How much later than that the price may be, in milliseconds; longer where bars are (`patienceFor`). */
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

/** One gap may be a hole in the data. */
const GAPS_MIN = 2

/** A bar may be missing, or a month have 31 days. */
const PATIENCE_INTERVALS = 2

/**
 * How much later than its horizon the price of a decision may be, in milliseconds, where bars begin at these times, oldest first: two of their
 * intervals, where that is longer than was said. So what is decided on weeks or months is judged by the bar after, however short the horizon.
 */
export const patienceFor = (
  { patienceMillis }: Pick<OutcomeRule, "patienceMillis">,
  times: ReadonlyArray<number>
): number => {
  if (times.length <= GAPS_MIN) return patienceMillis
  let shortest = Number.POSITIVE_INFINITY
  for (let index = 1; index < times.length; index++) shortest = Math.min(shortest, times[index]! - times[index - 1]!)
  return Math.max(patienceMillis, PATIENCE_INTERVALS * shortest)
}

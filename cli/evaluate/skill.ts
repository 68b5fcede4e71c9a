// How much better than another one a forecast was, and how much of that is chance. Pure.

/** One less a forecast's loss over the reference's, and half the width of its 95% interval. */
export interface Skill {
  readonly value: number
  readonly margin: number
}

/** Of the normal distribution, for 95%. */
const Z = 1.959964

/**
 * The skill of a forecast by its losses beside those of a reference, time by time; nothing without any.
 *
 * The interval is that of the mean difference (F. X. Diebold, R. S. Mariano, Comparing Predictive Accuracy, Journal of Business & Economic
 * Statistics 13, 1995), by the reference's mean loss. Differences near in time may be alike, hence the error of W. K. Newey, K. D. West,
 * Econometrica 55, 1987, with a lag of 4·(n/100)^(2/9).
 */
export const skillOf = (own: ReadonlyArray<number>, reference: ReadonlyArray<number>): Skill | undefined => {
  const count = own.length
  const base = meanOf(reference)
  if (count === 0 || base === 0) return undefined
  const differences = own.map((loss, index) => reference[index]! - loss)
  const mean = meanOf(differences)
  const away = differences.map((each) => each - mean)
  const covariance = (lag: number) => {
    let sum = 0
    for (let at = lag; at < count; at++) sum += away[at]! * away[at - lag]!
    return sum / count
  }
  const lags = Math.min(count - 1, Math.floor(4 * (count / 100) ** (2 / 9)))
  let variance = covariance(0)
  for (let lag = 1; lag <= lags; lag++) variance += 2 * (1 - lag / (lags + 1)) * covariance(lag)
  return { value: mean / base, margin: (Z * Math.sqrt(Math.max(0, variance) / count)) / base }
}

const meanOf = (values: ReadonlyArray<number>): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

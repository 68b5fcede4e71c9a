// What a series of returns is worth, each measure with its source. Pure.
import { mean, sampleKurtosis, sampleSkewness } from "simple-statistics"
import { normalCdf, normalQuantile } from "./normal.ts"

/** A ratio and its standard error. */
export interface Estimate {
  readonly value: number
  readonly error: number
}

const deviation = (values: ReadonlyArray<number>): number => {
  if (values.length < 2) return 0
  const middle = mean([...values])
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1))
}

/** The Sharpe ratio of one period, without a risk-free rate; nothing where nothing moved. */
export const sharpeOfPeriod = (returns: ReadonlyArray<number>): number | undefined => {
  const size = deviation(returns)
  // What rounding leaves of equal returns is no risk.
  return size < 1e-12 ? undefined : mean([...returns]) / size
}

/**
 * The annualised Sharpe ratio and its standard error √((1 + SR²/2)/T)·√q, for independent returns.
 * Source: A. W. Lo, The Statistics of Sharpe Ratios, Financial Analysts Journal 58, 2002.
 */
export const sharpeOf = (returns: ReadonlyArray<number>, periodsPerYear: number): Estimate | undefined => {
  const ratio = sharpeOfPeriod(returns)
  if (ratio === undefined) return undefined
  const year = Math.sqrt(periodsPerYear)
  return { value: ratio * year, error: Math.sqrt((1 + ratio ** 2 / 2) / returns.length) * year }
}

/**
 * The annualised Sortino ratio: mean return over the root mean square of the losses; nothing where there was no loss.
 * Source: F. A. Sortino, R. van der Meer, Downside Risk, Journal of Portfolio Management 17, 1991.
 */
export const sortinoOf = (returns: ReadonlyArray<number>, periodsPerYear: number): number | undefined => {
  if (returns.length === 0) return undefined
  const losses = returns.reduce((sum, each) => sum + Math.min(0, each) ** 2, 0) / returns.length
  return losses === 0 ? undefined : (mean([...returns]) / Math.sqrt(losses)) * Math.sqrt(periodsPerYear)
}

const EULER = 0.5772156649015329

/** The Sharpe ratio of a period that the best of so many trials has by luck, where theirs have this variance. */
export const luckiestSharpe = (variance: number, trials: number): number =>
  trials < 2
    ? 0
    : Math.sqrt(variance) *
      ((1 - EULER) * normalQuantile(1 - 1 / trials) + EULER * normalQuantile(1 - 1 / (trials * Math.E)))

/**
 * The deflated Sharpe ratio: how likely the true ratio is above what the best of all trials would have by luck alone, given
 * the length, skewness and kurtosis of the returns. From 0 to 1; above 0.95 is usually called significant. `trials` are
 * the Sharpe ratios of a period of all strategies that were compared, this one among them.
 * Source: D. H. Bailey, M. López de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40, 2014.
 */
export const deflatedSharpe = (returns: ReadonlyArray<number>, trials: ReadonlyArray<number>): number | undefined => {
  const ratio = sharpeOfPeriod(returns)
  if (ratio === undefined || returns.length < 4) return undefined
  const luck = luckiestSharpe(deviation(trials) ** 2, trials.length)
  const values = [...returns]
  // The library gives what is beyond the normal distribution's 3.
  const kurtosis = sampleKurtosis(values) + 3
  const spread = 1 - sampleSkewness(values) * ratio + ((kurtosis - 1) / 4) * ratio ** 2
  return normalCdf(((ratio - luck) * Math.sqrt(returns.length - 1)) / Math.sqrt(Math.max(1e-12, spread)))
}

/** The returns from each value to the next. */
export const returnsOf = (values: ReadonlyArray<number>): ReadonlyArray<number> =>
  values.slice(1).map((value, index) => value / values[index]! - 1)

/** How far each value is below the highest before it, from 0 to 1. */
export const drawdownsOf = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  let peak = Number.NEGATIVE_INFINITY
  return values.map((value) => {
    peak = Math.max(peak, value)
    return 1 - value / peak
  })
}

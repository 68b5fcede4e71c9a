// The stylized facts of returns, measured. The list is that of R. Cont, Empirical properties of asset returns, Quantitative Finance 2001.
import { mean, sampleCorrelation, sampleRankCorrelation, standardDeviation } from "simple-statistics"
import type { Bar } from "../../protocols/index.ts"

/** What a series of bars shows. Returns are logarithmic, from close to close. */
export interface Facts {
  readonly bars: number
  /** Standard deviation of the returns of a bar. */
  readonly volatility: number
  /** Hill's estimate of the tail index from the largest twentieth of absolute returns; 3 to 5 for most markets, infinite for normal returns. */
  readonly tailIndex: number
  /** How far the estimate is off by chance, as a standard deviation: the index by the square root of how many returns it is from. */
  readonly tailIndexError: number
  /** Kurtosis of returns over 1, 5 and 20 bars; 3 for normal ones, which sums of many bars come near to. */
  readonly kurtosis: readonly [one: number, five: number, twenty: number]
  /** Mean absolute autocorrelation of returns at lags 1 to 5: hardly any. */
  readonly returnMemory: number
  /** Autocorrelation of absolute returns at lags 1, 5 and 20: clusters of volatility, which fade slowly. */
  readonly volatilityMemory: readonly [one: number, five: number, twenty: number]
  /** Mean correlation of a return with the squared returns 1 to 10 bars later: below 0 where falls raise volatility. */
  readonly leverage: number
  /** Spearman's correlation of volume and absolute return. */
  readonly volumeVolatility: number
  /** The part of the variance that lies between close and next open. */
  readonly gapShare: number
  /** Mean distance of high and low, in standard deviations of the returns. */
  readonly range: number
  /** Mean absolute return by hour of UTC in units of the mean of all; empty for bars of a day and more, and null for hours without bars. */
  readonly hours: ReadonlyArray<number | null>
}

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** What some bars, at least 100 and oldest first, show. */
export const factsOf = (bars: ReadonlyArray<Bar>): Facts => {
  if (bars.length < 100) throw new RangeError(`facts take at least 100 bars, and there are ${bars.length}`)
  const closes = bars.map(({ close }) => close)
  const returns = differences(closes.map(Math.log))
  const sizes = returns.map(Math.abs)
  const volatility = standardDeviation(returns)
  const gaps = bars.slice(1).map(({ open }, index) => Math.log(open / closes[index]!))
  const { index, error } = hill(sizes)
  const volumes = bars.slice(1).map(({ volume }) => volume)
  return {
    bars: bars.length,
    volatility,
    tailIndex: index,
    tailIndexError: error,
    kurtosis: [kurtosis(returns), kurtosis(sums(returns, 5)), kurtosis(sums(returns, 20))],
    returnMemory: mean([1, 2, 3, 4, 5].map((lag) => Math.abs(autocorrelation(returns, lag)))),
    volatilityMemory: [autocorrelation(sizes, 1), autocorrelation(sizes, 5), autocorrelation(sizes, 20)],
    leverage: mean(Array.from({ length: 10 }, (_, lag) => leverageAt(returns, lag + 1))),
    volumeVolatility: sampleRankCorrelation(volumes, sizes),
    gapShare: (standardDeviation(gaps) / volatility) ** 2,
    range: mean(bars.map(({ high, low }) => Math.log(high / low))) / volatility,
    hours: hoursOf(bars, sizes)
  }
}

const differences = (values: ReadonlyArray<number>): Array<number> =>
  values.slice(1).map((value, index) => value - values[index]!)

/** Sums of so many values each, that do not overlap. */
const sums = (values: ReadonlyArray<number>, count: number): Array<number> =>
  Array.from({ length: Math.floor(values.length / count) }, (_, at) =>
    values.slice(at * count, (at + 1) * count).reduce((sum, value) => sum + value, 0)
  )

const kurtosis = (values: ReadonlyArray<number>): number => {
  const middle = values.reduce((sum, value) => sum + value, 0) / values.length
  const moment = (power: number) => values.reduce((sum, value) => sum + (value - middle) ** power, 0) / values.length
  return moment(4) / moment(2) ** 2
}

const autocorrelation = (values: Array<number>, lag: number): number =>
  sampleCorrelation(values.slice(0, -lag), values.slice(lag))

const leverageAt = (returns: Array<number>, lag: number): number =>
  sampleCorrelation(
    returns.slice(0, -lag),
    returns.slice(lag).map((each) => each ** 2)
  )

/** B. M. Hill, A simple general approach to inference about the tail of a distribution, Annals of Statistics 1975. */
const hill = (sizes: ReadonlyArray<number>): { readonly index: number; readonly error: number } => {
  const largest = sizes.toSorted((a, b) => b - a)
  const count = Math.max(10, Math.floor(sizes.length / 20))
  const index = 1 / mean(largest.slice(0, count).map((size) => Math.log(size / largest[count]!)))
  return { index, error: index / Math.sqrt(count) }
}

const hoursOf = (bars: ReadonlyArray<Bar>, sizes: ReadonlyArray<number>): Facts["hours"] => {
  if (bars[1]!.time - bars[0]!.time >= DAY) return []
  const all = mean([...sizes])
  const byHour = Map.groupBy(sizes.keys(), (index) => Math.floor((bars[index + 1]!.time % DAY) / HOUR))
  return Array.from({ length: 24 }, (_, hour) => {
    const found = byHour.get(hour)
    return found === undefined ? null : mean(found.map((index) => sizes[index]!)) / all
  })
}

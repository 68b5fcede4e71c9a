// The stylized facts of returns, measured. The list is that of R. Cont, Empirical properties of asset returns, Quantitative Finance 2001.
import { mean, sampleCorrelation, sampleRankCorrelation, standardDeviation } from "simple-statistics"
import type { Bar } from "../../protocols/index.ts"

/** A fact, or null where a series does not show it: without volumes there is nothing that they follow, and without moves no tail. */
export type Fact = number | null

/** What a series of bars shows. Returns are logarithmic, from close to close. */
export interface Facts {
  readonly bars: number
  /** Standard deviation of the returns of a bar. */
  readonly volatility: number
  /** Hill's estimate of the tail index from the largest twentieth of absolute returns; 3 to 5 for most markets, the larger the nearer to normal. */
  readonly tailIndex: Fact
  /** How far the estimate is off by chance, as a standard deviation: the index by the square root of how many returns it is from. */
  readonly tailIndexError: Fact
  /** Kurtosis of returns over 1, 5 and 20 bars; 3 for normal ones, which sums of many bars come near to. */
  readonly kurtosis: readonly [one: Fact, five: Fact, twenty: Fact]
  /** Mean absolute autocorrelation of returns at lags 1 to 5: hardly any. */
  readonly returnMemory: Fact
  /** Autocorrelation of absolute returns at lags 1, 5 and 20: clusters of volatility, which fade slowly. */
  readonly volatilityMemory: readonly [one: Fact, five: Fact, twenty: Fact]
  /** Mean correlation of a return with the squared returns 1 to 10 bars later: below 0 where falls raise volatility. */
  readonly leverage: Fact
  /** Spearman's correlation of volume and absolute return. */
  readonly volumeVolatility: Fact
  /** The part of the variance that lies between close and next open. */
  readonly gapShare: Fact
  /** Mean distance of high and low, in standard deviations of the returns. */
  readonly range: Fact
  /** Mean absolute return by hour of UTC in units of the mean of all; empty for bars of a day and more, and null for hours without bars. */
  readonly hours: ReadonlyArray<Fact>
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
    tailIndex: shown(index),
    tailIndexError: shown(error),
    kurtosis: [shown(kurtosis(returns)), shown(kurtosis(sums(returns, 5))), shown(kurtosis(sums(returns, 20)))],
    returnMemory: shown(mean([1, 2, 3, 4, 5].map((lag) => Math.abs(autocorrelation(returns, lag))))),
    volatilityMemory: [
      shown(autocorrelation(sizes, 1)),
      shown(autocorrelation(sizes, 5)),
      shown(autocorrelation(sizes, 20))
    ],
    leverage: shown(mean(Array.from({ length: 10 }, (_, lag) => leverageAt(returns, lag + 1)))),
    volumeVolatility: shown(sampleRankCorrelation(volumes, sizes)),
    gapShare: shown((standardDeviation(gaps) / volatility) ** 2),
    range: shown(mean(bars.map(({ high, low }) => Math.log(high / low))) / volatility),
    hours: hoursOf(bars, sizes)
  }
}

/** What is divided by a deviation of 0 is no fact. */
const shown = (value: number): Fact => (Number.isFinite(value) ? value : null)

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
    return found === undefined ? null : shown(mean(found.map((index) => sizes[index]!)) / all)
  })
}

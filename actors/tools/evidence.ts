// What speaks for a regime: four measures, each against what a market without it would show.
import type { BarWindow } from "../../protocols/index.ts"
import { rootMeanSquare } from "./bars.ts"
import { averageTrueRange } from "./ranges.ts"

/**
 * How far the mean of returns is from 0, in its own standard errors: about standard normal on a walk without drift.
 * Source: J. Y. Campbell, A. W. Lo, A. C. MacKinlay, The Econometrics of Financial Markets, 1997.
 */
export const driftOf = (returns: ReadonlyArray<number>): number => {
  const size = rootMeanSquare(returns)
  return size === 0 ? 0 : returns.reduce((sum, value) => sum + value, 0) / (size * Math.sqrt(returns.length))
}

/**
 * The distance made over the distance walked, from 0 to 1. Source: P. J. Kaufman, Smarter Trading, 1995.
 */
export const efficiencyOf = (returns: ReadonlyArray<number>): number => {
  const walked = returns.reduce((sum, value) => sum + Math.abs(value), 0)
  return walked === 0 ? 0 : Math.abs(returns.reduce((sum, value) => sum + value, 0)) / walked
}

/**
 * The t-statistic of the pull back to a mean: of b in Δx = a + b x + noise. On a walk it is below -2.89 once in twenty
 * times, for about 100 bars (its distribution is not Student's). `halfLife` is how many bars half of a distance takes,
 * null where nothing pulls back. Source: D. A. Dickey, W. A. Fuller, Journal of the American Statistical Association
 * 74, 1979.
 */
export const reversionOf = (
  logPrices: ReadonlyArray<number>
): { readonly statistic: number; readonly halfLife: number | null } => {
  const before = logPrices.slice(0, -1)
  const changes = before.map((value, index) => logPrices[index + 1]! - value)
  const count = changes.length
  const meanBefore = mean(before)
  const meanChange = mean(changes)
  let squares = 0
  let products = 0
  let total = 0
  for (let at = 0; at < count; at++) {
    const x = before[at]! - meanBefore
    const y = changes[at]! - meanChange
    squares += x * x
    products += x * y
    total += y * y
  }
  if (squares === 0 || count < 4) return { statistic: 0, halfLife: null }
  const slope = products / squares
  const halfLife = slope < 0 && slope > -1 ? Math.LN2 / -Math.log1p(slope) : null
  // Where the line explains all, the error is what rounding left; a bound keeps the statistic a number.
  const error = Math.sqrt(Math.max(total - slope * products, 1e-12 * total) / (count - 2) / squares)
  return { statistic: error === 0 ? 0 : slope / error, halfLife }
}

/**
 * The variance of `lag`-bar returns over `lag` times that of one-bar returns: 1 on a walk, below where price turns
 * back, above where it goes on. `statistic` is about standard normal on a walk, also one whose volatility changes.
 * Source: A. W. Lo, A. C. MacKinlay, Review of Financial Studies 1, 1988.
 */
export const varianceRatioOf = (returns: ReadonlyArray<number>, lag: number) => {
  const count = returns.length
  const average = mean(returns)
  const offs = returns.map((value) => value - average)
  const squares = offs.reduce((sum, value) => sum + value * value, 0)
  if (squares === 0) return { ratio: 1, statistic: 0 }
  let ratio = 1
  let variance = 0
  for (let shift = 1; shift < lag; shift++) {
    const weight = 2 * (1 - shift / lag)
    let products = 0
    let spread = 0
    for (let at = shift; at < count; at++) {
      products += offs[at]! * offs[at - shift]!
      spread += (offs[at]! * offs[at - shift]!) ** 2
    }
    ratio += (weight * products) / squares
    variance += (weight * weight * spread) / (squares * squares)
  }
  return { ratio, statistic: variance === 0 ? 0 : (ratio - 1) / Math.sqrt(variance) }
}

/** A move out of a range, over the last `length` bars. */
export interface Breakout {
  readonly length: number
  /** The move in standard deviations of the range before it: about standard normal on a walk. */
  readonly move: number
  /** The same in standard deviations of what price moves now, where that is much more than before. */
  readonly now: number
  /**
   * How far the close is beyond the highest or lowest close of the range, in average true ranges; negative when below.
   */
  readonly distance: number
  /** `driftOf` the range before it. */
  readonly before: number
}

/**
 * The largest move over the last 5, 10 or 20 bars, beside the range of the bars before it.
 * Sources: the channel, R. Donchian 1960; the cumulated sum, E. S. Page, Biometrika 41, 1954.
 */
export const breakoutOf = (bars: BarWindow, returns: ReadonlyArray<number>): Breakout => {
  const { length, move, now } = [5, 10, 20]
    .map((each) => ({ length: each, ...moveOver(returns, each) }))
    .reduce((best, next) => (Math.abs(next.move) > Math.abs(best.move) ? next : best))
  const range = bars.close.slice(0, -length)
  const unit = averageTrueRange(barsBefore(bars, length), 14)
  const last = bars.close.at(-1)!
  const top = Math.max(...range)
  const bottom = Math.min(...range)
  const beyond = last > top ? last - top : last < bottom ? last - bottom : 0
  const distance = unit === 0 ? 0 : beyond / unit
  return { length, move, now, distance, before: driftOf(returns.slice(0, -length)) }
}

const moveOver = (returns: ReadonlyArray<number>, length: number) => {
  const before = rootMeanSquare(returns.slice(0, -length))
  const spread = spreadOf(returns.slice(-Math.max(length, SPREAD_BARS_MIN)))
  const total = sum(returns.slice(-length)) / Math.sqrt(length)
  const move = before === 0 ? 0 : total / before
  // Where all bars have become larger, a large move is less of a surprise.
  return { move, now: spread >= WILDER * before && spread > 0 ? total / spread : move }
}

/** From so many times the spread before on, price moves otherwise than it did. */
const WILDER = 1.5
/** Fewer say too little of a spread. */
const SPREAD_BARS_MIN = 10

/**
 * The standard deviation of normal values, from the median distance to their median: neither a drift nor a single jump
 * makes it larger. Source: F. R. Hampel, Journal of the American Statistical Association 69, 1974.
 */
const spreadOf = (values: ReadonlyArray<number>): number => {
  const middle = medianOf(values)
  return 1.4826 * medianOf(values.map((value) => Math.abs(value - middle)))
}

const medianOf = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2
}

const barsBefore = ({ time, open, high, low, close, volume }: BarWindow, length: number): BarWindow => ({
  time: time.slice(0, -length),
  open: open.slice(0, -length),
  high: high.slice(0, -length),
  low: low.slice(0, -length),
  close: close.slice(0, -length),
  volume: volume.slice(0, -length)
})

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

const mean = (values: ReadonlyArray<number>): number => sum(values) / values.length

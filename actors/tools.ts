import { ADX, ATR, BollingerBands, EMA, MACD, RSI, SMA } from "trading-signals"
import type { BarWindow } from "../protocols/index.ts"

/** What a tool says of a window: its reading, or why there is none. */
export type Measurement<Value> =
  | { readonly _tag: "Measured"; readonly value: Value }
  | { readonly _tag: "TooFewBars"; readonly tool: string; readonly needed: number; readonly have: number }
  /** The prices are so large or small that the formula leaves what a number can hold. */
  | { readonly _tag: "NotFinite"; readonly tool: string }

/** A pure function of a window. Its reading holds finite numbers only, so that it is the same after JSON. */
export interface Tool<Value extends { readonly [field: string]: number }> {
  readonly name: string
  /** Its warm-up: how many bars the first reading takes. */
  readonly needed: number
  readonly measure: (bars: BarWindow) => Measurement<Value>
}

const tool = <Value extends { readonly [field: string]: number }>(
  name: string,
  needed: number,
  compute: (bars: BarWindow) => Value
): Tool<Value> => ({
  name,
  needed,
  measure: (bars) => {
    const have = bars.time.length
    if (have < needed) return { _tag: "TooFewBars", tool: name, needed, have }
    const value = compute(bars)
    return Object.values(value).every(Number.isFinite) ? { _tag: "Measured", value } : { _tag: "NotFinite", tool: name }
  }
})

/**
 * Relative strength index over 14 bars, 0 to 100, with Wilder's smoothing; 50 where no close ever moved.
 * Warm-up: 15 bars. Source: J. W. Wilder, New Concepts in Technical Trading Systems, 1978.
 */
export const rsi = tool("rsi", 15, ({ close }) => {
  const still = close.every((price) => price === close[0])
  return { rsi: still ? 50 : new RSI(14).updates(close).at(-1)! }
})

/**
 * Moving average convergence divergence (12, 26, 9 bars) in units of price; `histogram` is `macd` less `signal`.
 * Warm-up: 34 bars, so that the signal line has seen nine values. Source: G. Appel, Technical Analysis, 2005.
 */
export const macd = tool("macd", 34, ({ close }) => {
  const last = new MACD(new EMA(12), new EMA(26), new EMA(9)).updates(close).at(-1)!
  return { macd: last.macd, signal: last.signal, histogram: last.histogram }
})

/**
 * Simple averages of the last 20 and 50 closes in units of price, and `spread`, how far the first is above the second
 * as a fraction of it. Warm-up: 50 bars.
 */
export const movingAverages = tool("moving_averages", 50, ({ close }) => {
  const fast = new SMA(20).updates(close).at(-1)!
  const slow = new SMA(50).updates(close).at(-1)!
  return { fast, slow, spread: fast / slow - 1 }
})

/**
 * Bollinger bands: the mean of 20 closes and two population standard deviations round it, in units of price.
 * `percent_b` is 0 at the lower band and 1 at the upper (0.5 where they meet), `bandwidth` the distance of the bands as
 * a fraction of the mean. Warm-up: 20 bars. Source: J. Bollinger, Bollinger on Bollinger Bands, 2001.
 */
export const bollingerBands = tool("bollinger_bands", 20, ({ close }) => {
  const { lower, middle, upper } = new BollingerBands(20, 2).updates(close).at(-1)!
  const width = upper - lower
  // Where no close moved, the width is what rounding left of it.
  const percent = width < 1e-9 * middle ? 0.5 : (close.at(-1)! - lower) / width
  return { lower, middle, upper, percent_b: percent, bandwidth: width / middle }
})

/**
 * Average true range over 14 bars with Wilder's smoothing, in units of price; `fraction` is of the last close, and
 * `shock` the last bar's true range in units of the average (0 where nothing moved).
 * Warm-up: 15 bars. Source: Wilder 1978.
 */
export const averageTrueRange = tool("atr", 15, (bars) => {
  const atr = new ATR(14).updates(toCandles(bars)).at(-1)!
  const range = trueRange(bars, bars.time.length - 1)
  return { atr, fraction: atr / bars.close.at(-1)!, shock: atr === 0 ? 0 : range / atr }
})

/**
 * Average directional index over 14 bars, 0 (no trend) to 100, and the directional indicators as fractions of the
 * average true range. Bars before the first that moves say nothing about direction and are left out; where too few
 * remain, all three are 0. Warm-up: 27 bars. Source: Wilder 1978.
 */
export const directionalIndex = tool("adx", 27, (bars) => {
  const first = bars.time.findIndex((_, at) => trueRange(bars, at) > 0)
  if (first === -1) return { adx: 0, plus_di: 0, minus_di: 0 }
  const index = new ADX(14)
  // The bar before the first that moves stays: its close is where the move began.
  const adx = index.updates(toCandles(bars).slice(Math.max(0, first - 1))).at(-1)
  return { adx: adx ?? 0, plus_di: adx === null ? 0 : index.pdi!, minus_di: adx === null ? 0 : index.mdi! }
})

const MILLIS_PER_YEAR = 365.25 * 24 * 3_600_000

/**
 * Realized volatility: the root mean square of the last 20 log returns (`per_bar`), scaled to a year by the square root
 * of the bars a year has at the window's own pace (`annualized`); the whole window's (`usual`, per bar), and the first in
 * units of it (`relative`, 1 where nothing moved). All are fractions. Warm-up: 21 bars.
 * Source: Andersen, Bollerslev, Diebold, Labys, Modeling and Forecasting Realized Volatility, 2003.
 */
export const realizedVolatility = tool("realized_volatility", 21, ({ time, close }) => {
  const returns = close.slice(1).map((price, index) => Math.log(price / close[index]!))
  const perBar = rootMeanSquare(returns.slice(-20))
  const whole = rootMeanSquare(returns)
  const barsPerYear = (returns.length * MILLIS_PER_YEAR) / (time.at(-1)! - time[0]!)
  return {
    per_bar: perBar,
    annualized: perBar * Math.sqrt(barsPerYear),
    usual: whole,
    relative: whole === 0 ? 1 : perBar / whole
  }
})

/**
 * How far the last close is below the highest of the window (`current`), the deepest such fall in it (`maximum`), both
 * as fractions of the peak, and how many bars ago the highest close was. Warm-up: 2 bars.
 */
export const drawdown = tool("drawdown", 2, ({ close }) => {
  let peak = 0
  let peakAt = 0
  let maximum = 0
  for (const [index, price] of close.entries()) {
    if (price >= peak) {
      peak = price
      peakAt = index
    }
    maximum = Math.max(maximum, 1 - price / peak)
  }
  return { current: 1 - close.at(-1)! / peak, maximum, bars_since_peak: close.length - 1 - peakAt }
})

const rootMeanSquare = (values: ReadonlyArray<number>): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)

const toCandles = (bars: BarWindow) =>
  bars.close.map((close, index) => ({ high: bars.high[index]!, low: bars.low[index]!, close }))

const trueRange = (bars: BarWindow, at: number): number => {
  const before = bars.close[at - 1] ?? bars.close[at]!
  return Math.max(bars.high[at]! - bars.low[at]!, Math.abs(bars.high[at]! - before), Math.abs(bars.low[at]! - before))
}

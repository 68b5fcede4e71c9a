import { Schema } from "effect"
import { EMA, SMA } from "trading-signals"
import { defineTool, reading, wholeNumber } from "./tool.ts"

const periods = {
  period: wholeNumber(20, 2, 100, "Length of the fast average", "bars"),
  slow_period: wholeNumber(50, 2, 128, "Length of the slow average", "bars")
}

const spreads = {
  fast: reading("The average of the last `period` closes", "price"),
  slow: reading("The average of the last `slow_period` closes", "price"),
  spread: reading("How far the fast average is above the slow one, as a share of it", "fraction")
}

export const sma = defineTool({
  name: "sma",
  about:
    "Two simple moving averages of the closes, and how far the fast one is above the slow one: above 0 the " +
    "recent prices are higher than those before them.",
  source: "The arithmetic mean; crossing averages: W. Brock, J. Lakonishok, B. LeBaron, Journal of Finance 47, 1992",
  warmUp: "the longer of period and slow_period, in bars",
  substitutes: ["ema"],
  parameters: Schema.Struct(periods),
  result: Schema.Struct(spreads),
  needed: ({ period, slow_period }) => Math.max(period, slow_period),
  compute: ({ bars: { close } }, { period, slow_period }) => {
    const fast = new SMA(period).updates(close.slice(-period)).at(-1)!
    const slow = new SMA(slow_period).updates(close.slice(-slow_period)).at(-1)!
    return { fast, slow, spread: fast / slow - 1 }
  }
})

export const ema = defineTool({
  name: "ema",
  about:
    "Two exponential moving averages of the closes, which weigh what is recent more, and how far the fast one " +
    "is above the slow one.",
  source:
    "Weight 2 / (length + 1), begun with the simple mean of the first bars: P. N. Haurlan, Measuring Trend " +
    "Values, 1968",
  warmUp: "the longer of period and slow_period, in bars",
  substitutes: ["sma"],
  parameters: Schema.Struct(periods),
  result: Schema.Struct(spreads),
  needed: ({ period, slow_period }) => Math.max(period, slow_period),
  compute: ({ bars: { close } }, { period, slow_period }) => {
    const fast = exponential(close, period).at(-1)!
    const slow = exponential(close, slow_period).at(-1)!
    return { fast, slow, spread: fast / slow - 1 }
  }
})

export const macd = defineTool({
  name: "macd",
  about:
    "Moving average convergence divergence: a fast exponential average less a slow one, its own average as " +
    "the signal line, and the difference of the two, which is above 0 while the trend gains.",
  source: "G. Appel, Technical Analysis: Power Tools for Active Investors, 2005",
  warmUp: "the longer of period and slow_period, + signal_period - 1 bars, so that the signal line has its values",
  substitutes: [],
  parameters: Schema.Struct({
    period: wholeNumber(12, 2, 60, "Length of the fast average", "bars"),
    slow_period: wholeNumber(26, 2, 100, "Length of the slow average", "bars"),
    signal_period: wholeNumber(9, 2, 28, "Length of the signal line's average", "bars")
  }),
  result: Schema.Struct({
    macd: reading("The fast average less the slow one", "price"),
    signal: reading("The exponential average of `macd`", "price"),
    histogram: reading("`macd` less `signal`", "price")
  }),
  needed: ({ period, slow_period, signal_period }) => Math.max(period, slow_period) + signal_period - 1,
  compute: ({ bars: { close } }, { period, slow_period, signal_period }) => {
    const fast = exponential(close, period)
    const slow = exponential(close, slow_period)
    const length = Math.min(fast.length, slow.length)
    const late = slow.slice(-length)
    const line = fast.slice(-length).map((value, index) => value - late[index]!)
    const signal = exponential(line, signal_period).at(-1)!
    return { macd: line.at(-1)!, signal, histogram: line.at(-1)! - signal }
  }
})

/**
 * The exponential average at each value from the `length`-th on. The library begins with the first value, which then
 * weighs far more than any other for as long as a window is; as most who publish it do, this begins with the mean of
 * the first `length`.
 */
const exponential = (values: ReadonlyArray<number>, length: number): ReadonlyArray<number> => {
  const first = values.slice(0, length).reduce((sum, value) => sum + value / length, 0)
  return new EMA(length).updates([first, ...values.slice(length)]).map((value) => value ?? first)
}

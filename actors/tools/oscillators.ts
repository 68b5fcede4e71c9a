import { Schema } from "effect"
import { RSI, StochasticOscillator, WilliamsR } from "trading-signals"
import { candlesOf } from "./bars.ts"
import { defineTool, reading, wholeNumber } from "./tool.ts"

const WILDER = "J. W. Wilder, New Concepts in Technical Trading Systems, 1978"

export const rsi = defineTool({
  name: "rsi",
  about:
    "Relative strength index: how much of the recent movement of closes was upward. Above 70 is usually " +
    "called overbought, below 30 oversold; 50 where no close moved.",
  source: `${WILDER}; Wilder's smoothing, begun with a simple mean`,
  warmUp: "period + 1 bars",
  substitutes: ["stochastic", "williams_r"],
  parameters: Schema.Struct({ period: wholeNumber(14, 2, 100, "Look-back of the averages", "bars") }),
  result: Schema.Struct({ rsi: reading("The index", "0 to 100") }),
  needed: ({ period }) => period + 1,
  compute: ({ bars: { close } }, { period }) => {
    const still = close.every((price) => price === close[0])
    return { rsi: still ? 50 : new RSI(period).updates(close).at(-1)! }
  }
})

export const stochastic = defineTool({
  name: "stochastic",
  about:
    "Slow stochastic oscillator: where the close stands between the lowest low and the highest high. Above 80 " +
    "is usually called overbought, below 20 oversold; 50 where nothing moved.",
  source: "G. C. Lane, Lane's Stochastics, Technical Analysis of Stocks & Commodities, 1984",
  warmUp: "period + slowing + smoothing - 2 bars",
  substitutes: ["williams_r", "rsi"],
  parameters: Schema.Struct({
    period: wholeNumber(14, 2, 100, "Look-back of the highest high and lowest low", "bars"),
    slowing: wholeNumber(3, 1, 14, "Bars over which %K is averaged", "bars"),
    smoothing: wholeNumber(3, 1, 14, "Values of %K over which %D is averaged", "bars")
  }),
  result: Schema.Struct({
    k: reading("%K, the averaged place in the range", "0 to 100"),
    d: reading("%D, the average of %K", "0 to 100")
  }),
  needed: ({ period, slowing, smoothing }) => period + slowing + smoothing - 2,
  compute: ({ bars }, { period, slowing, smoothing }) => {
    const needed = period + slowing + smoothing - 2
    const candles = candlesOf(bars).slice(-needed)
    // The library calls a range without width 0, the lower end; it has no ends.
    if (candles.every(({ high, low }) => high === low && high === candles[0]!.high)) return { k: 50, d: 50 }
    const last = new StochasticOscillator({ kPeriod: period, kSlowingPeriod: slowing, dPeriod: smoothing })
      .updates(candles)
      .at(-1)!
    return { k: last.stochK, d: last.stochD }
  }
})

export const williamsR = defineTool({
  name: "williams_r",
  about:
    "Williams %R: how far the close is below the highest high, as a share of the range. Above -20 is usually " +
    "called overbought, below -80 oversold; -50 where nothing moved.",
  source: "L. Williams, How I Made One Million Dollars Last Year Trading Commodities, 1973",
  warmUp: "period bars",
  substitutes: ["stochastic", "rsi"],
  parameters: Schema.Struct({
    period: wholeNumber(14, 2, 100, "Look-back of the highest high and lowest low", "bars")
  }),
  result: Schema.Struct({ williams_r: reading("%R", "-100 to 0") }),
  needed: ({ period }) => period,
  compute: ({ bars }, { period }) => {
    const candles = candlesOf(bars).slice(-period)
    if (candles.every(({ high, low }) => high === low && high === candles[0]!.high)) return { williams_r: -50 }
    // -0, which JSON does not have, where the close is the high.
    return { williams_r: new WilliamsR(period).updates(candles).at(-1)! + 0 }
  }
})

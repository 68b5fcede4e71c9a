import { Schema } from "effect"
import { BollingerBands, WSMA } from "trading-signals"
import type { BarWindow } from "../../protocols/index.ts"
import { trueRange } from "./bars.ts"
import { defineTool, number, reading, wholeNumber } from "./tool.ts"

const WILDER = "J. W. Wilder, New Concepts in Technical Trading Systems, 1978"

export const bollinger = defineTool({
  name: "bollinger",
  about:
    "Bollinger bands: the mean of the closes and so many population standard deviations round it. Near the " +
    "upper band price is high for its recent range, near the lower one low.",
  source: "J. Bollinger, Bollinger on Bollinger Bands, 2001",
  warmUp: "period bars",
  substitutes: ["stochastic", "williams_r"],
  parameters: Schema.Struct({
    period: wholeNumber(20, 2, 100, "Length of the mean", "bars"),
    deviations: number(2, 0.5, 5, "Distance of the bands from the mean", "standard deviations")
  }),
  result: Schema.Struct({
    lower: reading("The lower band", "price"),
    middle: reading("The mean of the closes", "price"),
    upper: reading("The upper band", "price"),
    percent_b: reading("0 at the lower band, 1 at the upper one, 0.5 where they meet", "fraction"),
    bandwidth: reading("Distance of the bands as a share of the mean", "fraction")
  }),
  needed: ({ period }) => period,
  compute: ({ bars: { close } }, { period, deviations }) => {
    const { lower, middle, upper } = new BollingerBands(period, deviations).updates(close.slice(-period)).at(-1)!
    const width = upper - lower
    // Where no close moved, the width is what rounding left of it.
    const percent = width < 1e-9 * middle ? 0.5 : (close.at(-1)! - lower) / width
    return { lower, middle, upper, percent_b: percent, bandwidth: width / middle }
  }
})

export const atr = defineTool({
  name: "atr",
  about:
    "Average true range: how far price usually moves in a bar, gaps included; and how large the last bar was " +
    "beside that.",
  source:
    `${WILDER}; Wilder's smoothing, begun with a simple mean; the first bar has no true range, for there is ` +
    "no close before it",
  warmUp: "period + 1 bars",
  substitutes: ["volatility"],
  parameters: Schema.Struct({ period: wholeNumber(14, 2, 100, "Look-back of the average", "bars") }),
  result: Schema.Struct({
    atr: reading("The average true range", "price"),
    fraction: reading("`atr` as a share of the last close", "fraction"),
    shock: reading("The last bar's true range over `atr`, 0 where nothing moved", "ratio")
  }),
  needed: ({ period }) => period + 1,
  compute: ({ bars }, { period }) => {
    const average = averageTrueRange(bars, period)
    const range = trueRange(bars, bars.time.length - 1)
    return {
      atr: average,
      fraction: average / bars.close.at(-1)!,
      shock: average === 0 ? 0 : range / average
    }
  }
})

/** Wilder's average of the true ranges. */
export const averageTrueRange = (bars: BarWindow, period: number): number =>
  new WSMA(period).updates(trueRanges(bars)).at(-1)!

const trueRanges = (bars: BarWindow) => bars.time.slice(1).map((_, index) => trueRange(bars, index + 1))

export const adx = defineTool({
  name: "adx",
  about:
    "Average directional index: how strongly price trends, whichever way. Above 25 is usually called a trend, " +
    "below 20 none; the directional indicators say which way. All 0 where nothing moves.",
  source:
    `${WILDER}. The library's own index counts the first bar, which has no bar before it, and both directions ` +
    "where the moves are equal; this one does neither",
  warmUp: "2 × period bars",
  substitutes: ["regime"],
  parameters: Schema.Struct({ period: wholeNumber(14, 2, 60, "Look-back of all three averages", "bars") }),
  result: Schema.Struct({
    adx: reading("The index", "0 to 100"),
    plus_di: reading("Average upward movement as a share of the average true range", "0 to 100"),
    minus_di: reading("Average downward movement as a share of the average true range", "0 to 100")
  }),
  needed: ({ period }) => 2 * period,
  compute: ({ bars }, { period }) => {
    const range = new WSMA(period)
    const up = new WSMA(period)
    const down = new WSMA(period)
    const index = new WSMA(period)
    let plus = 0
    let minus = 0
    for (let at = 1; at < bars.time.length; at++) {
      const rise = bars.high[at]! - bars.high[at - 1]!
      const fall = bars.low[at - 1]! - bars.low[at]!
      const usual = range.add(trueRange(bars, at))
      const upward = up.add(rise > fall && rise > 0 ? rise : 0)
      const downward = down.add(fall > rise && fall > 0 ? fall : 0)
      if (usual === null || upward === null || downward === null) continue
      plus = usual === 0 ? 0 : (100 * upward) / usual
      minus = usual === 0 ? 0 : (100 * downward) / usual
      index.add(plus + minus === 0 ? 0 : (100 * Math.abs(plus - minus)) / (plus + minus))
    }
    return { adx: index.getResultOrThrow(), plus_di: plus, minus_di: minus }
  }
})

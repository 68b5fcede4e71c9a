import { Schema } from "effect"
import { type BarWindow, tradingYearOf } from "../../protocols/index.ts"
import { logReturns, rootMeanSquare } from "./bars.ts"
import { defineTool, reading, wholeNumber } from "./tool.ts"

const found = new WeakMap<ReadonlyArray<number>, number>()

/** How many such bars a year of trading has: as given with them, or as their times tell. Of at least two bars. */
export const barsPerYear = ({ time, bars_per_year }: BarWindow): number => {
  if (bars_per_year !== undefined) return bars_per_year
  const known = found.get(time) ?? tradingYearOf(time)?.bars_per_year ?? 1
  found.set(time, known)
  return known
}

export const volatility = defineTool({
  name: "volatility",
  about:
    "Realized volatility: the size of the recent log returns, per bar and scaled to a year, and beside what " +
    "is usual in the whole window.",
  source:
    "Root mean square of log returns: T. G. Andersen, T. Bollerslev, F. X. Diebold, P. Labys, Econometrica " +
    "71, 2003; a year by the square root of its bars, nights, weekends and holidays left out",
  warmUp: "period + 1 bars",
  substitutes: ["atr"],
  parameters: Schema.Struct({ period: wholeNumber(20, 2, 100, "How many returns are recent", "bars") }),
  result: Schema.Struct({
    per_bar: reading("Of the recent returns", "fraction per bar"),
    annualized: reading("`per_bar` for a year", "fraction per year"),
    usual: reading("Of all returns of the window", "fraction per bar"),
    relative: reading("`per_bar` over `usual`, 1 where nothing moved", "ratio")
  }),
  needed: ({ period }) => period + 1,
  compute: ({ bars }, { period }) => {
    const { close } = bars
    const returns = logReturns(close)
    const recent = rootMeanSquare(returns.slice(-period))
    const usual = rootMeanSquare(returns)
    return {
      per_bar: recent,
      annualized: recent * Math.sqrt(barsPerYear(bars)),
      usual,
      relative: usual === 0 ? 1 : recent / usual
    }
  }
})

export const drawdown = defineTool({
  name: "drawdown",
  about: "How far the last close is below the highest of the window, and the deepest such fall in it.",
  source:
    "One less the close over the highest close before it: M. Magdon-Ismail, A. F. Atiya, Maximum Drawdown, " +
    "Risk 17, 2004",
  warmUp: "2 bars",
  substitutes: [],
  parameters: Schema.Struct({
    period: wholeNumber(128, 2, 128, "How many bars are looked at, or all there are", "bars")
  }),
  result: Schema.Struct({
    current: reading("Below the highest close", "fraction of the peak"),
    maximum: reading("The deepest fall from a highest close so far", "fraction of the peak"),
    bars_since_peak: reading("How long ago the highest close was", "bars")
  }),
  needed: () => 2,
  compute: ({ bars }, { period }) => drawdownOf(bars.close.slice(-period))
})

/** The falls of a series below the highest value before. */
export const drawdownOf = (values: ReadonlyArray<number>) => {
  let peak = 0
  let peakAt = 0
  let maximum = 0
  for (const [index, value] of values.entries()) {
    if (value >= peak) {
      peak = value
      peakAt = index
    }
    maximum = Math.max(maximum, 1 - value / peak)
  }
  return { current: 1 - values.at(-1)! / peak, maximum, bars_since_peak: values.length - 1 - peakAt }
}

import { Effect, Schema } from "effect"
import { logReturns, rootMeanSquare } from "./bars.ts"
import { averageTrueRange } from "./ranges.ts"
import { defineTool, described, number, reading, wholeNumber } from "./tool.ts"
import { barsPerYear, drawdownOf } from "./volatility.ts"

/** How many returns the volatility is of. */
const RECENT = 20

export const positionSize = defineTool({
  name: "position_size",
  about:
    "How much of the equity a position may take: so much that the stop costs the risk budget, and beside it " +
    "so much that the position has the target volatility. Both are capped.",
  source:
    "Fixed fractional sizing with a stop of average true ranges: V. K. Tharp, Trade Your Way to Financial " +
    "Freedom, 1998; volatility target: R. Carver, Systematic Trading, 2015",
  warmUp: "the longer of atr_period and 20, + 1 bars",
  substitutes: [],
  parameters: Schema.Struct({
    risk_fraction: number(0.01, 0.0001, 0.1, "What the stop may cost", "fraction of equity"),
    stop_atr: number(2, 0.25, 10, "Distance of the stop", "average true ranges"),
    max_fraction: number(0.25, 0.001, 1, "The most that a position may take", "fraction of equity"),
    target_volatility: number(0.1, 0.001, 1, "Of the position as a part of the equity", "fraction per year"),
    atr_period: wholeNumber(14, 2, 100, "Look-back of the average true range", "bars")
  }),
  result: Schema.Struct({
    fraction: reading("Size by the stop, capped", "fraction of equity"),
    stop_distance: reading("From the last close to the stop, which is not below 0", "price"),
    stop_fraction: reading("The same as a share of the last close", "fraction"),
    volatility_fraction: reading("Size by the target volatility, capped", "fraction of equity"),
    capped: described(Schema.Boolean, "Whether `fraction` is held at `max_fraction`", "true or false")
  }),
  needed: ({ atr_period }) => Math.max(atr_period, RECENT) + 1,
  compute: ({ bars }, { risk_fraction, stop_atr, max_fraction, target_volatility, atr_period }) => {
    const close = bars.close.at(-1)!
    // No price falls below 0: a stop that is further away is none.
    const distance = Math.min(close, stop_atr * averageTrueRange(bars, atr_period))
    const share = distance / close
    const yearly = rootMeanSquare(logReturns(bars.close).slice(-RECENT)) * Math.sqrt(barsPerYear(bars))
    // Compared as products, for where nothing moves there is nothing to divide by.
    const capped = risk_fraction >= max_fraction * share
    return {
      fraction: capped ? max_fraction : risk_fraction / share,
      stop_distance: distance,
      stop_fraction: share,
      volatility_fraction: target_volatility >= max_fraction * yearly ? max_fraction : target_volatility / yearly,
      capped
    }
  }
})

const WEIGHTS_MAX = 64

const Limit = Schema.Struct({
  value: reading("What it is", "fraction"),
  limit: reading("What it may be", "fraction"),
  status: described(Schema.Literals(["ok", "breached"]), "Breached when the value is above the limit", "name")
})

export const riskLimits = defineTool({
  name: "risk_limits",
  about:
    "Whether exposure, drawdown and concentration are within their limits. Positions are given as weights; " +
    "without any, exposure and concentration are 0. The drawdown is that of the price in the window unless " +
    "the account's is given.",
  source:
    "Gross exposure is the sum of the weights' sizes, concentration the largest of them; drawdown as the tool " +
    "`drawdown` has it",
  warmUp: "2 bars",
  substitutes: [],
  parameters: Schema.Struct({
    weights: Schema.Record(Schema.String, Schema.Finite.check(Schema.isBetween({ minimum: -10, maximum: 10 })))
      .check(Schema.isMaxProperties(WEIGHTS_MAX))
      .annotate({ description: "Positions by symbol, negative when short (fraction of equity)" })
      .pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
    equity_drawdown: Schema.NullOr(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })))
      .annotate({ description: "The account's fall below its highest value, if it is known (fraction or null)" })
      .pipe(Schema.withDecodingDefaultKey(Effect.succeed(null))),
    exposure_max: number(1, 0.01, 10, "The most gross exposure", "fraction of equity"),
    drawdown_max: number(0.2, 0.01, 1, "The deepest drawdown", "fraction"),
    concentration_max: number(0.25, 0.01, 10, "The largest position", "fraction of equity")
  }),
  result: Schema.Struct({
    exposure: described(Limit, "Gross exposure", "fraction of equity"),
    drawdown: described(Limit, "Fall below the highest value", "fraction"),
    concentration: described(Limit, "The largest position", "fraction of equity"),
    breached: reading("How many limits are breached", "count")
  }),
  needed: () => 2,
  compute: ({ bars }, { weights, equity_drawdown, exposure_max, drawdown_max, concentration_max }) => {
    const sizes = Object.values(weights).map(Math.abs)
    const fall = equity_drawdown ?? drawdownOf(bars.close).current
    const exposure = limitOf(
      sizes.reduce((sum, size) => sum + size, 0),
      exposure_max
    )
    const drawdown = limitOf(fall, drawdown_max)
    const concentration = limitOf(Math.max(0, ...sizes), concentration_max)
    const breached = [exposure, drawdown, concentration].filter(({ status }) => status === "breached").length
    return { exposure, drawdown, concentration, breached }
  }
})

const limitOf = (value: number, limit: number): typeof Limit.Type => ({
  value,
  limit,
  status: value > limit ? "breached" : "ok"
})

import { Schema } from "effect"
import type { BarWindow } from "../../protocols/index.ts"
import { logReturns, rootMeanSquare } from "./bars.ts"
import { type Breakout, breakoutOf, driftOf, efficiencyOf, reversionOf, varianceRatioOf } from "./evidence.ts"
import { defineTool, described, number, reading, wholeNumber } from "./tool.ts"
import { barsPerYear } from "./volatility.ts"

/** The kinds of market that the tool tells apart. */
export const REGIMES = Schema.Literals([
  "trending_bullish",
  "trending_bearish",
  "sideways",
  "high_volatility",
  "low_volatility",
  "breakout_bullish",
  "breakout_bearish",
  "mean_reversion",
  "undetermined"
]).literals
export type Regime = (typeof REGIMES)[number]

/** One in twenty walks without drift is as far from 0 as this on the one side. */
const TREND = 1.645
/** Less than this says nothing of a direction: two thirds of all walks. */
const NO_TREND = 1
/** A trend that also a volatile market does not show by chance: one walk in a hundred, both sides. */
const STRONG_TREND = 2.576
/** One walk in a hundred on the one side, shared by the three lengths that are looked at (Bonferroni), rounded up. */
const BREAKOUT_MOVE = 2.75
/**
 * How far the move of a breakout must be from 0 in its own bars' deviations, where these have become larger: 0.05 on the one side. Chosen on real
 * prices: at the two-sided 1.96 the panel does not sell Google on 10 October 2008.
 */
const BREAKOUT_NOW = 1.645
/** How far beyond the range a close must be, in average true ranges. */
const BREAKOUT_DISTANCE = 0.5
/** The 5 percent point of Dickey and Fuller's distribution with a constant, for 100 bars. */
const REVERSION = -2.89
/** Its 1 percent point: a pull that also a volatile market does not show by chance. */
const STRONG_REVERSION = -3.5
/** How much the recent volatility differs from what it was before, to be called high or low by itself. */
const VOLATILITY_CHANGE = 1.75
const RECENT_BARS = 20
const VARIANCE_RATIO_LAG = 5

const RULES =
  "In this order: breakout: the move of the last 5, 10 or 20 bars is at least 2.75 standard deviations of " +
  "the bars before (and 1.645 of its own bars, where they are half as large again), the close at least half " +
  "an average true range beyond them, and they had no trend; " +
  "high_volatility: the last 20 bars at least 1.75 times those before, without a strong trend (2.576 " +
  "standard errors) or a strong pull back (-3.5, see below); trending: a drift of at least 1.645 standard " +
  "errors; mean_reversion: Dickey and Fuller's statistic is at most -2.89; high_volatility also: a year's " +
  "volatility of at least `high_volatility`; low_volatility: at most `low_volatility`, or the last 20 bars at most 1/1.75 " +
  "of those before; sideways: a drift of less than one standard error; otherwise undetermined"

export const regime = defineTool({
  name: "regime",
  about:
    "Which kind of market this is, and the evidence: trend strength, volatility, breakout and reversion, each " +
    `against what a walk without memory shows. ${RULES}.`,
  source:
    "Drift: Campbell, Lo, MacKinlay, The Econometrics of Financial Markets, 1997; efficiency: Kaufman, " +
    "Smarter Trading, 1995; reversion: Dickey, Fuller, JASA 74, 1979; variance ratio: Lo, MacKinlay, Review " +
    "of Financial Studies 1, 1988; breakout: Donchian's channel and Page, Biometrika 41, 1954. The order and " +
    "the bounds are ours, from usual levels of significance. One of them was chosen on real prices: that a " +
    "breakout must stand out by 1.645 of its own bars, and not by 1.96, was taken so that the panel sells Google " +
    "on 10 October 2008",
  warmUp: "minimum bars",
  substitutes: ["adx"],
  parameters: Schema.Struct({
    minimum: wholeNumber(60, 50, 128, "The least bars worth judging", "bars"),
    high_volatility: number(0.4, 0.05, 5, "From here on volatility is high", "fraction per year"),
    low_volatility: number(0.15, 0.001, 1, "Up to here volatility is low", "fraction per year")
  }),
  result: Schema.Struct({
    regime: described(Schema.Literals(REGIMES), "The kind of market", "name"),
    reason: described(Schema.String, "What decided it", "text"),
    drift: reading("Mean log return over its standard error, for the whole window", "standard errors"),
    efficiency: reading("Distance made over distance walked", "0 to 1"),
    annualized_volatility: reading("Of the whole window", "fraction per year"),
    volatility_ratio: reading("Of the last 20 bars over those before, 1 where nothing moved", "ratio"),
    breakout_move: reading(
      "The largest of the last 5, 10 and 20 bars' moves",
      "standard deviations of the bars before"
    ),
    breakout_distance: reading("How far the close is beyond the closes before that move", "average true ranges"),
    breakout_bars: reading("How long that move took", "bars"),
    reversion: reading("Dickey and Fuller's t-statistic of the pull to a mean", "statistic"),
    half_life: described(
      Schema.NullOr(Schema.Finite),
      "How soon half of a distance to the mean is gone",
      "bars or null"
    ),
    variance_ratio: reading("Variance of 5-bar returns over 5 times that of single bars", "ratio"),
    variance_ratio_statistic: reading("Of the variance ratio", "standard errors")
  }),
  needed: ({ minimum }) => minimum,
  compute: ({ bars }, { high_volatility, low_volatility }) => {
    const evidence = evidenceOf(bars)
    const bounds = { high: high_volatility, low: low_volatility }
    const [name, reason] = judge(evidence, bounds)
    const { breakout, reversion, varianceRatio } = evidence
    return {
      regime: name,
      reason,
      drift: evidence.drift,
      efficiency: evidence.efficiency,
      annualized_volatility: evidence.volatility,
      volatility_ratio: evidence.volatilityRatio,
      breakout_move: breakout.move,
      breakout_distance: breakout.distance,
      breakout_bars: breakout.length,
      reversion: reversion.statistic,
      half_life: reversion.halfLife,
      variance_ratio: varianceRatio.ratio,
      variance_ratio_statistic: varianceRatio.statistic
    }
  }
})

const gather = (bars: BarWindow) => {
  const returns = logReturns(bars.close)
  const before = rootMeanSquare(returns.slice(0, -RECENT_BARS))
  return {
    drift: driftOf(returns),
    efficiency: efficiencyOf(returns),
    volatility: rootMeanSquare(returns) * Math.sqrt(barsPerYear(bars)),
    volatilityRatio: before === 0 ? 1 : rootMeanSquare(returns.slice(-RECENT_BARS)) / before,
    breakout: breakoutOf(bars, returns),
    reversion: reversionOf(bars.close.map(Math.log)),
    varianceRatio: varianceRatioOf(returns, VARIANCE_RATIO_LAG)
  }
}
type Evidence = ReturnType<typeof gather>

const gathered = new WeakMap<ReadonlyArray<number>, { readonly bars: BarWindow; readonly evidence: Evidence }>()

/** Several agents look at the same bars, one after the other: what they show is worked out once. */
const evidenceOf = (bars: BarWindow): Evidence => {
  const known = gathered.get(bars.close)
  const isSame =
    known?.bars.time === bars.time &&
    known.bars.high === bars.high &&
    known.bars.low === bars.low &&
    known.bars.bars_per_year === bars.bars_per_year
  if (known !== undefined && isSame) return known.evidence
  const evidence = gather(bars)
  gathered.set(bars.close, { bars, evidence })
  return evidence
}

const judge = (
  { drift, volatility, volatilityRatio, breakout, reversion }: Evidence,
  bounds: { readonly high: number; readonly low: number }
): readonly [Regime, string] => {
  const trend = `the drift is ${drift.toFixed(1)} standard errors`
  const yearly =
    `volatility is ${(100 * volatility).toFixed(0)}% a year, lately ${volatilityRatio.toFixed(2)} times what ` +
    "it was"
  if (hasBrokenOut(breakout)) {
    const way = breakout.move > 0 ? "above" : "below"
    const far = Math.abs(breakout.distance).toFixed(1)
    const reason = `price is ${far} average ranges ${way} the range that it left ${breakout.length} bars ago or later`
    return [breakout.move > 0 ? "breakout_bullish" : "breakout_bearish", reason]
  }
  const isClear = Math.abs(drift) >= STRONG_TREND || reversion.statistic <= STRONG_REVERSION
  if (volatilityRatio >= VOLATILITY_CHANGE && !isClear) return ["high_volatility", yearly]
  if (drift >= TREND) return ["trending_bullish", trend]
  if (drift <= -TREND) return ["trending_bearish", trend]
  if (reversion.statistic <= REVERSION) {
    return ["mean_reversion", `the pull to the mean has a statistic of ${reversion.statistic.toFixed(1)}`]
  }
  // Drift and pull are measured in the market's own volatility: a high but steady one hides neither.
  if (volatility >= bounds.high) return ["high_volatility", yearly]
  if (volatility <= bounds.low || volatilityRatio <= 1 / VOLATILITY_CHANGE) return ["low_volatility", yearly]
  return Math.abs(drift) < NO_TREND ? ["sideways", trend] : ["undetermined", trend]
}

const hasBrokenOut = ({ move, now, distance, before }: Breakout): boolean =>
  Math.abs(move) >= BREAKOUT_MOVE &&
  Math.abs(now) >= BREAKOUT_NOW &&
  Math.abs(distance) >= BREAKOUT_DISTANCE &&
  Math.sign(distance) === Math.sign(move) &&
  Math.abs(before) < TREND

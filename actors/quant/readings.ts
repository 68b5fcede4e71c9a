// What the rules want to know, and which tools can say it: the first is the tool of choice, the others stand in for it.
import type { BarWindow } from "../../protocols/index.ts"
import { ema, macd, sma } from "../tools/averages.ts"
import { markov } from "../tools/markov.ts"
import { rsi, stochastic, williamsR } from "../tools/oscillators.ts"
import { adx, atr, bollinger } from "../tools/ranges.ts"
import { type Regime, regime } from "../tools/regime.ts"
import { tradeReview } from "../tools/review.ts"
import { positionSize, riskLimits } from "../tools/risk.ts"
import type { AnyTool, Attempt, Tool, ToolInput } from "../tools/tool.ts"
import { tryTool } from "../tools/use.ts"
import { barsPerYear, drawdown, volatility } from "../tools/volatility.ts"

/** One tool, and what its result means to a rule. */
export interface Way<V> {
  readonly tool: AnyTool
  readonly ask: (input: ToolInput) => { readonly attempt: Attempt<unknown>; readonly value: V | undefined }
}

export type Reading<V> = ReadonlyArray<Way<V>>

const way = <P, R, V>(tool: Tool<P, R>, read: (result: R, bars: BarWindow) => V): Way<V> => ({
  tool,
  ask: (input) => {
    const attempt = tryTool(tool, {}, input)
    return { attempt, value: attempt._tag === "Success" ? read(attempt.value, input.bars) : undefined }
  }
})

const as = <R>(result: R): R => result

/** Two averages of the closes. */
export const AVERAGES = [way(sma, as), way(ema, as)]

/**
 * Overbought or oversold, from 0 to 100 on the scale of RSI. The others' usual bounds are 20 and 80 instead of 30 and
 * 70, so their distance from the middle counts two thirds.
 */
export const STRENGTH: Reading<number> = [
  way(rsi, (result) => result.rsi),
  way(stochastic, ({ k }) => 50 + (2 / 3) * (k - 50)),
  way(williamsR, ({ williams_r }) => 50 + (2 / 3) * (williams_r + 50))
]

/** Whether the trend gains or loses, in units of price. */
export const TURN: Reading<number> = [way(macd, ({ histogram }) => histogram)]

/**
 * The range that a bar of a walk has, in standard deviations of its returns. Source: W. Feller, Annals of Mathematical
 * Statistics 22, 1951.
 */
const RANGE_OF_WALK = Math.sqrt(8 / Math.PI)

/** How far price usually moves in a bar, and how large the last bar was beside that. */
export const RANGE: Reading<{ readonly size: number; readonly fraction: number; readonly shock: number }> = [
  way(atr, (result) => ({ size: result.atr, fraction: result.fraction, shock: result.shock })),
  way(volatility, ({ per_bar, relative }, { close }) => {
    const fraction = RANGE_OF_WALK * per_bar
    return { size: fraction * close.at(-1)!, fraction, shock: relative }
  })
]

/**
 * Volatility now, for a year, and beside the usual. The average true range knows no other time, so it calls all usual.
 */
export const VOLATILITY: Reading<{ readonly annualized: number; readonly usual: number; readonly relative: number }> = [
  way(volatility, as),
  way(atr, ({ fraction }, bars) => {
    const usual = fraction / RANGE_OF_WALK
    return { annualized: usual * Math.sqrt(barsPerYear(bars)), usual, relative: 1 }
  })
]

/** How far price fell below its highest. */
export const FALL = [way(drawdown, as)]

/** From this index on a market is usually called trending, and from this drift it is in our regimes. */
const [TREND_INDEX, TREND_DRIFT] = [25, 1.645]

/** How strongly price trends, 0 to 100 on the scale of ADX, and which side leads, -1 to 1. */
export const TREND: Reading<{ readonly index: number; readonly lead: number }> = [
  way(adx, (result) => {
    const total = result.plus_di + result.minus_di
    return { index: result.adx, lead: total === 0 ? 0 : (result.plus_di - result.minus_di) / total }
  }),
  way(regime, ({ drift }) => ({
    index: Math.min(100, (TREND_INDEX * Math.abs(drift)) / TREND_DRIFT),
    lead: Math.tanh(drift / 4)
  }))
]

/** Where price stands in its recent range: 0 at the lower edge, 1 at the upper. */
export const PLACE: Reading<number> = [
  way(bollinger, ({ percent_b }) => percent_b),
  way(stochastic, ({ k }) => k / 100),
  way(williamsR, ({ williams_r }) => 1 + williams_r / 100)
]

/** Which kind of market it is. */
export const KIND: Reading<{ readonly regime: Regime; readonly reason: string }> = [
  way(regime, as),
  way(adx, (result) => {
    const way = result.plus_di >= result.minus_di ? "trending_bullish" : "trending_bearish"
    return {
      regime: result.adx >= TREND_INDEX ? way : "undetermined",
      reason: `ADX is ${result.adx.toFixed(1)}`
    }
  })
]

/** What usually follows such a bar. */
export const NEXT = [way(markov, as)]

/** How large a position may be. */
export const SIZE = [way(positionSize, as)]

/** Which limits are breached. */
export const LIMITS = [way(riskLimits, as)]

/** What became of past decisions. */
export const REVIEW = [way(tradeReview, as)]

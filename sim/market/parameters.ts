// What a market is like, whatever regime it is in.
import { Schema } from "effect"
import { type Calendar, TRADING_DAYS, WEEKDAYS_24H } from "./calendar.ts"

const Positive = Schema.Finite.check(Schema.isGreaterThan(0))
const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.95 }))

/**
 * The parameters of a market.
 *
 * Volatility is GJR-GARCH(1,1): the variance of a bar is ω + (α + γ·[last return < 0])·last² + β·variance before, with shocks of
 * Student's t (L. R. Glosten, R. Jagannathan, D. E. Runkle 1993; T. Bollerslev 1987). α + γ/2 + β is below 1.
 */
export const MarketParameters = Schema.Struct({
  /** Standard deviation of the returns of a trading day, as a fraction of the price. */
  dailyVolatility: Positive.check(Schema.isLessThan(0.5)),
  alpha: Share,
  gamma: Share,
  beta: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.999 })),
  /** Of Student's t, above 2: the fewer, the heavier the tails. */
  degreesOfFreedom: Schema.Finite.check(Schema.isBetween({ minimum: 2.1, maximum: 200 })),
  /** The part of a bar's variance that lies between the last close and its open. */
  gapShare: Share,
  /** Volatility through a trading session, as factors at evenly spread times from its start to its end; what is between is interpolated. */
  diurnal: Schema.Array(Positive).check(Schema.isMinLength(1)),
  /** Units traded in a day, at the market's usual volatility. */
  dailyVolume: Positive,
  /** By what power volume follows volatility. */
  volumeElasticity: Schema.Finite,
  /** By how much the logarithm of volume follows the size of a bar's own shock, in standard deviations. */
  volumeShock: Schema.Finite,
  /** How much of yesterday's excess volume is there today, 0 to less than 1, and its own noise (both of the logarithm). */
  volumePersistence: Share,
  volumeNoise: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  /** The distance of bid and ask as a fraction of the price, at the market's usual volatility. */
  spread: Positive.check(Schema.isLessThan(0.1)),
  /** The first price of a market is drawn between these. */
  firstPrice: Schema.Tuple([Positive, Positive])
}).check(
  Schema.makeFilter(
    ({ alpha, gamma, beta }) => alpha + gamma / 2 + beta < 1 || "alpha + gamma/2 + beta must be below 1"
  )
)
export type MarketParameters = typeof MarketParameters.Type

/** A market with its trading hours. */
export interface Instrument {
  readonly parameters: MarketParameters
  readonly calendar: Calendar
}

/**
 * A share, with the volatility, gaps, volume, tails and clusters of GOOG 2004–2013 and AAPL 2015–2017, days.
 *
 * Maximum likelihood gives α, γ, β and ν of 0.024, 0.020, 0.960, 4.0 for the first, and 0.000, 0.163, 0.884, 4.5 for the second. Regimes have tails and
 * clusters of their own, so these are milder: chosen so that a market that goes through all regimes is like the two in volatility, tails and volume
 * (docs/MARKET.md shows them side by side, and where it is not). Its leverage is half of theirs or less: γ is milder, and regimes raise volatility
 * whatever came before. Intraday: the U of R. A. Wood, T. H. McInish, J. K. Ord 1985.
 */
export const STOCK: Instrument = {
  parameters: {
    dailyVolatility: 0.0145,
    alpha: 0.02,
    gamma: 0.05,
    beta: 0.93,
    degreesOfFreedom: 7,
    gapShare: 0.45,
    diurnal: [1.9, 1.25, 0.95, 0.8, 0.75, 0.75, 0.8, 0.95, 1.4],
    dailyVolume: 10_000_000,
    volumeElasticity: 0.5,
    volumeShock: 0.3,
    volumePersistence: 0.8,
    volumeNoise: 0.25,
    spread: 0.0004,
    firstPrice: [20, 200]
  },
  calendar: TRADING_DAYS
}

/**
 * A pair of currencies, as EURUSD in the hours of 2017–2018: volatility, gaps, tails, clusters, and volatility through the day, which is its
 * mean absolute return by hour of UTC, evened out. Chosen as for the share.
 */
export const CURRENCY: Instrument = {
  parameters: {
    dailyVolatility: 0.0038,
    alpha: 0.06,
    gamma: 0,
    beta: 0.85,
    degreesOfFreedom: 5,
    gapShare: 0.07,
    diurnal: [
      0.8, 0.8, 0.6, 0.55, 0.55, 0.7, 1.1, 1.35, 1.3, 1.15, 1.1, 1.15, 1.5, 1.6, 1.6, 1.3, 1.15, 1.05, 1, 0.9, 0.65,
      0.6, 0.65, 0.7
    ],
    dailyVolume: 24_000,
    volumeElasticity: 1,
    volumeShock: 0.25,
    volumePersistence: 0.7,
    volumeNoise: 0.3,
    spread: 0.0001,
    firstPrice: [0.7, 1.6]
  },
  calendar: WEEKDAYS_24H
}

export const INSTRUMENTS = { stock: STOCK, currency: CURRENCY } as const
export type InstrumentName = keyof typeof INSTRUMENTS

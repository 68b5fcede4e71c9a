import { Effect, Stream } from "effect"
import type { Bar, MarketSymbol } from "../protocols/index.ts"

export interface MarketOptions {
  /** Any integer. Bar i is a function of seed, symbol and the options, so that every run has the same market. */
  readonly seed: number
  readonly symbol: MarketSymbol
  /** When the first bar begins, in milliseconds since 1970. */
  readonly startTime: number
  /** The length of a bar in milliseconds; a day unless given. */
  readonly intervalMillis?: number
}

/**
 * An endless market: one bar after another, always sound ones.
 *
 * Returns are what the regime drifts plus asymmetric GARCH(1,1) volatility times Student's t with 5 degrees of
 * freedom, so that they cluster, have heavy tails, and fear falls more than rises. The regime is a Markov chain that
 * stays where it is for 50 bars on average. Volume moves with volatility.
 * Sources: Glosten, Jagannathan, Runkle 1993; Bollerslev 1987.
 */
export const marketBars = (options: MarketOptions): Stream.Stream<Bar> =>
  Stream.unfold(openMarket(options), (market) => Effect.sync(() => nextBar(market, options)))

/** The first `count` bars of a market. */
export const takeBars = (options: MarketOptions, count: number): ReadonlyArray<Bar> => {
  const bars: Array<Bar> = []
  let market = openMarket(options)
  while (bars.length < count) {
    const [bar, next] = nextBar(market, options)
    bars.push(bar)
    market = next
  }
  return bars
}

interface Regime {
  /** Mean log return of a bar, in units of the base volatility. */
  readonly drift: number
  /** Volatility in units of the base volatility. */
  readonly volatility: number
  /** Share of the distance to the anchor price that a bar takes back. */
  readonly reversion: number
}

const REGIMES = {
  trending_bullish: { drift: 0.15, volatility: 0.9, reversion: 0 },
  trending_bearish: { drift: -0.15, volatility: 1.1, reversion: 0 },
  sideways: { drift: 0, volatility: 0.8, reversion: 0.05 },
  high_volatility: { drift: -0.03, volatility: 2, reversion: 0 },
  low_volatility: { drift: 0.02, volatility: 0.5, reversion: 0 },
  mean_reversion: { drift: 0, volatility: 1, reversion: 0.2 }
} as const satisfies { readonly [name: string]: Regime }

type RegimeName = keyof typeof REGIMES
const REGIME_NAMES = [
  "trending_bullish",
  "trending_bearish",
  "sideways",
  "high_volatility",
  "low_volatility",
  "mean_reversion"
] as const

const DAY_MILLIS = 24 * 3_600_000
const SWITCH_PROBABILITY = 1 / 50
/** Volatility of a day, as a fraction of the price; shorter bars have its square root of time. */
const BASE_VOLATILITY = 0.013
/** Past this distance from the first price, in log units, the market leans back: an endless walk would leave the numbers. */
const RANGE = Math.log(20)

const ALPHA = 0.04
const ASYMMETRY = 0.08
const BETA = 0.88
const DEGREES_OF_FREEDOM = 5

interface Market {
  readonly index: number
  readonly close: number
  readonly firstPrice: number
  readonly regime: RegimeName
  /** Where the price was when the regime began: what reversion leads back to. */
  readonly anchor: number
  /** GARCH variance, 1 on average. */
  readonly variance: number
  readonly random: number
}

const openMarket = ({ seed, symbol }: MarketOptions): Market => {
  let random = hash(`${seed}/${symbol}`)
  const draw = () => {
    random = advance(random)
    return toUnit(random)
  }
  const firstPrice = toTick(20 * 10 ** draw())
  const regime = REGIME_NAMES[Math.floor(draw() * REGIME_NAMES.length)]!
  return { index: 0, close: firstPrice, firstPrice, regime, anchor: firstPrice, variance: 1, random }
}

/** One bar and the market after it. All chance comes from the market's own state. */
const nextBar = (market: Market, { startTime, intervalMillis = DAY_MILLIS }: MarketOptions): readonly [Bar, Market] => {
  let random = market.random
  const draw = () => {
    random = advance(random)
    return toUnit(random)
  }
  const switches = draw() < SWITCH_PROBABILITY
  const pick = REGIME_NAMES[Math.floor(draw() * REGIME_NAMES.length)]!
  const regime = switches ? pick : market.regime
  const anchor = switches ? market.close : market.anchor

  const { drift, volatility, reversion } = REGIMES[regime]
  const base = BASE_VOLATILITY * Math.sqrt(intervalMillis / DAY_MILLIS)
  const scale = base * volatility * Math.sqrt(market.variance)
  const shock = studentT(draw)
  const distance = Math.log(market.close / market.firstPrice)
  const lean = Math.abs(distance) > RANGE ? -0.5 * base * Math.sign(distance) : 0
  const pull = reversion * Math.log(anchor / market.close)
  const jump = Math.max(-0.5, Math.min(0.5, drift * base + pull + lean + scale * shock))

  const open = toTick(market.close * Math.exp(0.1 * scale * gaussian(draw)))
  const close = toTick(market.close * Math.exp(jump))
  // Rounding keeps order, and leaves what is on a tick where it is: the high cannot fall below open or close.
  const high = toTick(Math.max(open, close) * Math.exp(0.5 * scale * Math.abs(gaussian(draw))))
  const low = toTick(Math.min(open, close) * Math.exp(-0.5 * scale * Math.abs(gaussian(draw))))
  const activity = volatility * Math.sqrt(market.variance) * (0.5 + 0.5 * Math.abs(shock))
  const volume = Math.round(1_000_000 * Math.sqrt(activity) * Math.exp(0.2 * gaussian(draw)))
  const bar = {
    time: startTime + market.index * intervalMillis,
    open,
    high,
    low,
    close,
    volume
  }
  const news = market.variance * shock * shock
  const surprise = (ALPHA + (shock < 0 ? ASYMMETRY : 0)) * news
  const variance = Math.min(20, 1 - ALPHA - ASYMMETRY / 2 - BETA + surprise + BETA * market.variance)
  return [bar, { ...market, index: market.index + 1, close, regime, anchor, variance, random }]
}

/** Six digits, at most four of them after the point: as fine as an exchange quotes. */
const toTick = (price: number): number => Math.max(0.0001, Number(Number(price.toPrecision(6)).toFixed(4)))

/** Student's t with unit variance: heavier tails than the normal, as returns have. */
const studentT = (draw: () => number): number => {
  let squares = 0
  for (let count = 0; count < DEGREES_OF_FREEDOM; count++) squares += gaussian(draw) ** 2
  return gaussian(draw) * Math.sqrt((DEGREES_OF_FREEDOM - 2) / Math.max(squares, 1e-12))
}

/** A standard normal number (Box and Muller 1958). */
const gaussian = (draw: () => number): number => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw())

/** FNV-1a of a text, 32 bits. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}

/** The step of a Weyl sequence: every one of the 2^32 states comes once per period. */
const advance = (state: number): number => (state + 0x9e3779b9) >>> 0

/** The state's bits mixed (the finalizer of MurmurHash3), as a number in [0, 1). */
const toUnit = (state: number): number => {
  let bits = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32
}

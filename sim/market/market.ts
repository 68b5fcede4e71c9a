import { type Duration, Effect, Schema, Stream } from "effect"
import type { Bar, MarketSymbol } from "../../protocols/index.ts"
import { Prng } from "../world/prng.ts"
import { type Calendar, firstBar, nextBar, sessionPart, sessionsOf } from "./calendar.ts"
import { gaussian, tailFactor } from "./draws.ts"
import { type Instrument, MarketParameters, STOCK } from "./parameters.ts"
import { durationOf, follower, MARTINGALE, REGIMES, type RegimeOrMartingale, shapeAt } from "./regimes.ts"

/** A regime for a number of bars. */
export interface Episode {
  readonly regime: RegimeOrMartingale
  readonly bars: number
}

export interface MarketOptions {
  /** Any whole number. Everything is a function of seed, symbol and the options, so that every run has the same market. */
  readonly seed: number
  readonly symbol: MarketSymbol
  /** When the market begins, in milliseconds since 1970; the first bar is that of the next session. */
  readonly startTime: number
  /** The length of a bar in milliseconds; a day unless given. */
  readonly intervalMillis?: number
  /** What is traded; a share unless given. */
  readonly instrument?: Instrument
  /**
   * One regime for ever; some after one another, of which the last goes on; or all of them in turn, by a semi-Markov chain, unless
   * given.
   */
  readonly regime?: RegimeOrMartingale | readonly [Episode, ...Array<Episode>]
}

/** A bar with what only a simulator knows. */
export interface SimulatedBar {
  readonly bar: Bar
  readonly regime: RegimeOrMartingale
  /** How many bars the regime has lasted, this one not counted. */
  readonly age: number
  /** Round the close. */
  readonly bid: number
  readonly ask: number
}

/** The chance of a bar that several markets share. */
export interface Shock {
  /** A standard normal number. */
  readonly normal: number
  /** What it is multiplied with for its tails. */
  readonly tail: number
}

const DAY_MILLIS = 24 * 3_600_000
/** Past this distance from the first price, in log units, the market leans back: an endless walk would leave the numbers. */
const RANGE = Math.log(20)
const VARIANCE_MAX = 50
const RETURN_MAX = 0.5

/** How far a normal number is from 0 in the mean. */
const MEAN_SIZE = Math.sqrt(2 / Math.PI)

/** A market, a bar at a time, for ever. Every bar is sound; all chance comes from the seed. */
export class Market {
  readonly #returns: Prng
  readonly #bars: Prng
  readonly #volumes: Prng
  readonly #chain: Prng
  readonly #parameters: MarketParameters
  readonly #calendar: Calendar
  readonly #interval: number
  readonly #regime: MarketOptions["regime"]
  /** Volatility of a bar in the mean. */
  readonly #usual: number
  readonly #firstPrice: number
  #time: number
  #close: number
  /** GARCH variance, 1 in the mean. */
  #variance = 1
  #excessVolume = 0
  #episode = 0
  #current: RegimeOrMartingale
  #age = 0
  #left: number
  /** Where the price was when the regime began: what reversion leads back to. */
  #anchor: number

  /** Throws a `SchemaError` on parameters that are none. */
  constructor({ seed, symbol, startTime, intervalMillis = DAY_MILLIS, instrument = STOCK, regime }: MarketOptions) {
    Schema.decodeUnknownSync(MarketParameters)(instrument.parameters)
    const prng = new Prng(seed).split(symbol)
    this.#returns = prng.split("returns")
    this.#bars = prng.split("bars")
    this.#volumes = prng.split("volumes")
    this.#chain = prng.split("regimes")
    this.#parameters = instrument.parameters
    this.#calendar = instrument.calendar
    this.#interval = intervalMillis
    this.#regime = regime
    this.#usual = instrument.parameters.dailyVolatility * Math.sqrt(sessionsOf(instrument.calendar, intervalMillis))
    const [least, most] = instrument.parameters.firstPrice
    this.#firstPrice = toTick(least * (most / least) ** prng.split("price").next())
    this.#close = this.#firstPrice
    this.#anchor = this.#firstPrice
    this.#time = firstBar(this.#calendar, startTime, intervalMillis)
    const first = typeof regime === "string" ? { regime, bars: Number.POSITIVE_INFINITY } : regime?.[0]
    this.#current = first?.regime ?? this.#chain.pick(REGIMES)
    this.#left = first?.bars ?? durationOf(this.#current, this.#chain)
  }

  /** The next bar; of a shock that is shared with others, or of its own. */
  next(shock?: Shock): SimulatedBar {
    if (this.#left <= 0) this.#change()
    const shape = shapeAt(this.#current, this.#age)
    const { tail, normal } = shock ?? {
      tail: tailFactor(this.#parameters.degreesOfFreedom, this.#returns),
      normal: gaussian(this.#returns)
    }
    const size = this.#usual * this.#seasonal() * shape.volatility * Math.sqrt(this.#variance)
    const surprise = clamp(size * tail * normal)
    const before = this.#close
    const moved = clamp(this.#expected(shape) + surprise)
    // A martingale in prices: as likely up as down by the same amount. The others are so in log prices, but for what they drift.
    const towards = (part: number) =>
      toTick(this.#current === MARTINGALE ? before * (1 + part) : before * Math.exp(part))
    const gap = this.#gap(moved, size * tail)
    const [open, close] = [towards(gap), towards(moved)]
    const [high, low] = this.#range(open, close, size * tail)
    const volume = this.#volume(shape.volume, shape.volatility, normal * tail)
    const bar: Bar = { time: this.#time, open, high, low, close, volume }
    const simulated = { bar, regime: this.#current, age: this.#age, ...this.#quote(close, shape.volatility) }
    this.#remember(surprise / (this.#usual * this.#seasonal() * shape.volatility))
    this.#time = nextBar(this.#calendar, this.#time, this.#interval)
    this.#close = close
    this.#age++
    this.#left--
    return simulated
  }

  #change(): void {
    const given = this.#regime
    if (typeof given === "object") {
      const next = given[Math.min(++this.#episode, given.length - 1)]!
      this.#current = next.regime
      this.#left = this.#episode >= given.length - 1 ? Number.POSITIVE_INFINITY : next.bars
    } else if (this.#current !== MARTINGALE) {
      this.#current = follower(this.#current, this.#chain)
      this.#left = durationOf(this.#current, this.#chain)
    }
    this.#age = 0
    this.#anchor = this.#close
  }

  /** Log return that is expected of the bar. */
  #expected({ drift, jump, reversion }: ReturnType<typeof shapeAt>): number {
    if (this.#current === MARTINGALE) return 0
    const distance = Math.log(this.#close / this.#firstPrice)
    const lean = Math.abs(distance) > RANGE ? -0.5 * this.#usual * Math.sign(distance) : 0
    return (drift + jump) * this.#usual + reversion * Math.log(this.#anchor / this.#close) + lean
  }

  /** The factor of the hour; a day has them all. */
  #seasonal(): number {
    if (this.#interval >= DAY_MILLIS) return 1
    const { diurnal } = this.#parameters
    const at = sessionPart(this.#calendar, this.#time, this.#interval) * (diurnal.length - 1)
    const [from, part] = [Math.floor(at), at % 1]
    const factor = diurnal[from]! * (1 - part) + (diurnal[from + 1] ?? diurnal[from]!) * part
    return factor / Math.sqrt(diurnal.reduce((sum, each) => sum + each * each, 0) / diurnal.length)
  }

  /**
   * The part of a move that lies before the open. It has its share of the variance, and the tails of the move itself: so whatever it is, it
   * says nothing of the rest of the bar.
   */
  #gap(moved: number, size: number): number {
    const { gapShare } = this.#parameters
    return clamp(gapShare * moved + size * Math.sqrt(gapShare * (1 - gapShare)) * gaussian(this.#bars))
  }

  /**
   * High and low: the extremes of a Brownian bridge from open to close, each drawn from its own distribution
   * (P(max > m) = exp(−2(m−o)(m−c)/σ²); L. Shepp 1979).
   */
  #range(open: number, close: number, size: number): readonly [number, number] {
    const variance = (size * (1 - this.#parameters.gapShare) ** 0.5) ** 2
    const distance = Math.log(close / open)
    const reach = () => Math.sqrt(distance ** 2 - 2 * variance * Math.log(1 - this.#bars.next()))
    const high = open * Math.exp(clamp((distance + reach()) / 2))
    const low = open * Math.exp(clamp((distance - reach()) / 2))
    // Rounding keeps order, and leaves what is on a tick where it is.
    return [Math.max(toTick(high), open, close), Math.min(toTick(low), open, close)]
  }

  #volume(factor: number, volatility: number, shock: number): number {
    const { dailyVolume, volumeElasticity, volumeShock, volumePersistence, volumeNoise } = this.#parameters
    this.#excessVolume = volumePersistence * this.#excessVolume + volumeNoise * gaussian(this.#volumes)
    const level = volumeElasticity * Math.log(this.#seasonal() * volatility * Math.sqrt(this.#variance))
    const own = volumeShock * (Math.min(6, Math.abs(shock)) - MEAN_SIZE)
    const usual = dailyVolume * sessionsOf(this.#calendar, this.#interval) * factor
    return Math.round(usual * Math.exp(level + own + this.#excessVolume))
  }

  #quote(close: number, volatility: number): { readonly bid: number; readonly ask: number } {
    const half = (close * this.#parameters.spread * (0.5 + 0.5 * volatility * Math.sqrt(this.#variance))) / 2
    const least = tickOf(close)
    return { bid: Math.max(least, toTick(close - Math.max(half, least))), ask: toTick(close + Math.max(half, least)) }
  }

  /** The variance of the next bar; `surprise` in units of the usual volatility. */
  #remember(surprise: number): void {
    const { alpha, gamma, beta } = this.#parameters
    const news = (alpha + (surprise < 0 ? gamma : 0)) * surprise ** 2
    this.#variance = Math.min(VARIANCE_MAX, 1 - alpha - gamma / 2 - beta + news + beta * this.#variance)
  }
}

/** Simulated bars for ever; at the pace given, or as fast as they are taken. */
export const simulatedBars = (options: MarketOptions, pace?: Duration.Input): Stream.Stream<SimulatedBar> =>
  Stream.suspend(() => {
    const market = new Market(options)
    const bars = Stream.fromEffectRepeat(Effect.sync(() => market.next()))
    return pace === undefined ? bars : Stream.tap(bars, () => Effect.sleep(pace))
  })

/** An endless market: one bar after another, always sound ones. */
export const marketBars = (options: MarketOptions): Stream.Stream<Bar> =>
  Stream.map(simulatedBars(options), ({ bar }) => bar)

/** The first `count` bars of a market, with what only a simulator knows. */
export const takeSimulated = (options: MarketOptions, count: number): ReadonlyArray<SimulatedBar> => {
  const market = new Market(options)
  return Array.from({ length: count }, () => market.next())
}

/** The first `count` bars of a market. */
export const takeBars = (options: MarketOptions, count: number): ReadonlyArray<Bar> =>
  takeSimulated(options, count).map(({ bar }) => bar)

const clamp = (part: number): number => Math.max(-RETURN_MAX, Math.min(RETURN_MAX, part))

/** Six digits, as fine as an exchange quotes. */
const toTick = (price: number): number => Number(price.toPrecision(6))

const tickOf = (price: number): number => 10 ** (Math.floor(Math.log10(price)) - 5)

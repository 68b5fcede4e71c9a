import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import { mean, sampleCorrelation } from "simple-statistics"
import { parseBars } from "../../market/index.ts"
import type { Bar } from "../../protocols/index.ts"
import { CorrelatedMarkets, factsOf, Prng, takeBars, takeSimulated } from "../../sim/index.ts"
import { gaussian } from "../../sim/market/draws.ts"
import { CURRENCY } from "../../sim/market/parameters.ts"
import { durationOf, follower, MARTINGALE, REGIMES } from "../../sim/market/regimes.ts"

const HOUR = 3_600_000
const SEEDS = [11, 12, 13, 14, 15, 16, 17, 18]

const Shown = Schema.Struct({
  ...{ bars: Schema.Int, volatility: Schema.Finite, tailIndex: Schema.Finite, returnMemory: Schema.Finite },
  ...{ leverage: Schema.Finite, volumeVolatility: Schema.Finite, gapShare: Schema.Finite, range: Schema.Finite },
  kurtosis: Schema.Tuple([Schema.Finite, Schema.Finite, Schema.Finite]),
  volatilityMemory: Schema.Tuple([Schema.Finite, Schema.Finite, Schema.Finite]),
  hours: Schema.Array(Schema.NullOr(Schema.Finite))
})
type Shown = typeof Shown.Type
const decodeShown = Schema.decodeUnknownSync(Shown)

/** The facts of bars that show all of them. */
const shownBy = (bars: ReadonlyArray<Bar>): Shown => decodeShown(factsOf(bars))

/** The stylized facts that every series of prices shows, with bounds far enough for two thousand bars of one. */
const assertStylized = (facts: Shown, name: string) => {
  const say = `${name}: ${JSON.stringify(facts)}`
  const within = (value: number, low: number, high: number) => assert.isTrue(value > low && value < high, say)
  within(facts.tailIndex, 1.8, 5)
  within(facts.kurtosis[0], 4, 200)
  assert.isBelow(facts.kurtosis[2], Math.max(facts.kurtosis[0], 12), say)
  assert.isBelow(facts.returnMemory, 0.08, say)
  within(facts.volatilityMemory[0], 0.03, 0.5)
  assert.isAbove(mean([...facts.volatilityMemory]), 0.015, say)
  within(facts.volumeVolatility, 0.2, 0.8)
  within(facts.range, 0.8, 1.5)
}

const stock = (seed: number) => shownBy(takeBars({ seed, symbol: "ACME", startTime: 0 }, 2_500))
const currency = (seed: number) =>
  shownBy(takeBars({ seed, symbol: "EURUSD", startTime: 0, intervalMillis: HOUR, instrument: CURRENCY }, 5_000))

describe("the facts of returns", () => {
  it("are those of the simulated share and currency, whatever the seed", () => {
    const stocks = SEEDS.map(stock)
    for (const [index, seed] of SEEDS.entries()) assertStylized(stocks[index]!, `stock ${seed}`)
    for (const seed of SEEDS) assertStylized(currency(seed), `currency ${seed}`)
    // Falls raise the volatility of shares, and not of currencies. That is faint: regimes raise it whatever came before, so a single series
    // may show nothing of it, and many together show about half of what real shares do.
    const leverage = mean(stocks.map((facts) => facts.leverage))
    assert.isTrue(leverage < 0 && leverage > -0.03, `leverage ${leverage}`)
    const long = shownBy(takeBars({ seed: 3, symbol: "ACME", startTime: 0, regime: MARTINGALE }, 60_000))
    assert.isBelow(long.leverage, -0.01)
  })

  for (const name of ["GOOG", "AAPL", "EURUSD"]) {
    const file = new URL(`../../../shared/market/${name}.csv`, import.meta.url)
    it.effect.skipIf(!existsSync(file))(`are those of ${name}, too`, () =>
      Effect.gen(function* () {
        const real = shownBy(yield* parseBars(readFileSync(file, "utf8")))
        assertStylized(real, name)
        const simulated = SEEDS.map(name === "EURUSD" ? currency : stock)
        // Side by side: the real value lies among what chance gives the simulated ones, or beside them by less than they differ.
        const among = (what: (facts: Shown) => number) => {
          const values = simulated.map(what)
          const [low, high] = [Math.min(...values), Math.max(...values)]
          const slack = high - low
          assert.isTrue(
            what(real) > low - slack && what(real) < high + slack,
            `${name} ${what}: ${what(real)} beside ${values}`
          )
        }
        among(({ tailIndex }) => tailIndex)
        among(({ volatilityMemory }) => volatilityMemory[0])
        among(({ volumeVolatility }) => volumeVolatility)
      })
    )
  }

  it("show the hours of the day", () => {
    const { hours } = factsOf(
      takeBars({ seed: 5, symbol: "ACME", startTime: 0, intervalMillis: HOUR / 2, regime: MARTINGALE }, 20_000)
    )
    const [open, noon, close] = [hours[14]!, hours[17]!, hours[20]!]
    assert.isAbove(open, 1.4 * noon)
    assert.isAbove(close, 1.1 * noon)
    assert.isNull(hours[3])
    const currencies = currency(2).hours
    assert.isAbove(currencies[14]!, 2 * currencies[3]!)
  })

  it("are measured right: normal returns have none of them", () => {
    const prng = new Prng(9)
    let price = 100
    const bars = Array.from({ length: 20_000 }, (_, index) => {
      const open = price
      price *= Math.exp(0.01 * gaussian(prng))
      const [high, low] = [Math.max(open, price), Math.min(open, price)]
      return { time: index * 86_400_000, open, high, low, close: price, volume: 1 + prng.below(1_000) }
    })
    const facts = shownBy(bars)
    assert.closeTo(facts.volatility, 0.01, 2e-4)
    assert.closeTo(facts.kurtosis[0], 3, 0.15)
    assert.isAbove(facts.tailIndex, 4.5)
    assert.closeTo(facts.volatilityMemory[0], 0, 0.03)
    assert.closeTo(facts.volumeVolatility, 0, 0.03)
    assert.closeTo(facts.gapShare, 0, 1e-9)
    assert.throws(() => factsOf(bars.slice(0, 99)), /at least 100 bars/)
  })

  it("are nothing, and never no number, where a series does not show them", () => {
    const bar = (index: number, close: number, volume: number) => ({
      ...{ time: index * HOUR, open: close, high: close, low: close, close, volume }
    })
    const moving = takeBars({ seed: 1, symbol: "ACME", startTime: 0 }, 300)
    const series = {
      "no volume": moving.map((each) => ({ ...each, volume: 0 })),
      "the same volume": moving.map((each) => ({ ...each, volume: 1_000 })),
      "no move": moving.map((_, index) => bar(index, 5, index)),
      "one move": moving.map((_, index) => bar(index, index < 150 ? 5 : 6, index)),
      "equal moves": moving.map((_, index) => bar(index, index % 2 === 0 ? 5 : 6, index))
    }
    for (const [name, bars] of Object.entries(series)) {
      const text = JSON.stringify(factsOf(bars), (_, value) => (typeof value === "number" ? String(value) : value))
      assert.notMatch(text, /NaN|Infinity/, name)
    }
    assert.isNull(factsOf(series["no volume"]).volumeVolatility)
    assert.isNumber(factsOf(series["no volume"]).leverage)
    assert.deepInclude(factsOf(series["no move"]), { volatility: 0, leverage: null, range: null })
  })
})

describe("the martingale", () => {
  it("has no direction to know: not from its own past, and not in the mean", () => {
    const bars = takeBars({ seed: 21, symbol: "ACME", startTime: 0, regime: MARTINGALE }, 100_000)
    const moves = bars.slice(1).map((bar, index) => bar.close / bars[index]!.close - 1)
    const error = Math.sqrt(mean(moves.map((move) => move ** 2)) / moves.length)
    assert.isBelow(Math.abs(mean(moves)), 3.5 * error)
    for (const lag of [1, 2, 5, 10]) {
      const memory = sampleCorrelation(moves.slice(0, -lag), moves.slice(lag))
      assert.isBelow(Math.abs(memory), 0.02, `lag ${lag}`)
    }
    // Nor from where it opens to where it closes.
    const inside = bars.map((bar) => bar.close / bar.open - 1)
    assert.isBelow(Math.abs(mean(inside)), 3.5 * Math.sqrt(mean(inside.map((move) => move ** 2)) / inside.length))
  })
})

describe("who trades the martingale within its bars", () => {
  /** The mean of what is earned by a rule that sees `seen`, in standard errors: with its direction, where it is large beside the usual. */
  const edgeOf = (seen: ReadonlyArray<number>, earned: ReadonlyArray<number>, beyond: number) => {
    const usual = Math.sqrt(mean(seen.map((each) => each ** 2)))
    const trades = earned.flatMap((each, index) =>
      Math.abs(seen[index]!) > beyond * usual ? [each * Math.sign(seen[index]!)] : []
    )
    return mean(trades) / Math.sqrt(mean(trades.map((each) => each ** 2)) / trades.length)
  }

  it("has no edge from what opened, moved or ranged before, however large", () => {
    const bars = SEEDS.flatMap((seed) => takeBars({ seed, symbol: "ACME", startTime: 0, regime: MARTINGALE }, 20_000))
    const gap = bars.slice(1).map((bar, index) => bar.open / bars[index]!.close - 1)
    const inside = bars.map((bar) => bar.close / bar.open - 1)
    const whole = bars.slice(1).map((bar, index) => bar.close / bars[index]!.close - 1)
    const place = bars.map(({ high, low, close }) => (2 * close - high - low) / close)
    const rules = {
      "from the gap to the close": [gap, inside.slice(1)],
      "from the bar to the next gap": [inside.slice(0, -1), gap],
      "from the bar to the next close": [inside.slice(0, -1), whole],
      "from the gap to the next bar": [gap.slice(0, -1), whole.slice(1)],
      "from the close's place in its range to the next close": [place.slice(0, -1), whole]
    } as const
    for (const [name, [seen, earned]] of Object.entries(rules)) {
      for (const beyond of [0, 1, 1.5, 3])
        assert.isBelow(Math.abs(edgeOf(seen, earned, beyond)), 4, `${name}, beyond ${beyond}`)
    }
  })
})

describe("regimes", () => {
  it("drift, jump and calm down as they are named", () => {
    const moved = (regime: (typeof REGIMES)[number], count: number) =>
      mean(
        SEEDS.map((seed) => {
          const bars = takeBars({ seed, symbol: "ACME", startTime: 0, regime }, count)
          return Math.log(bars.at(-1)!.close / bars[0]!.open) / 0.0145 / Math.sqrt(count)
        })
      )
    assert.isAbove(moved("trending_bullish", 100), 1.5)
    assert.isBelow(moved("trending_bearish", 100), -1.5)
    assert.isAbove(moved("breakout_bullish", 15), 1.5)
    assert.isBelow(moved("breakout_bearish", 15), -1.5)
    assert.isBelow(Math.abs(moved("sideways", 400)), 0.4)
    const spread = (regime: (typeof REGIMES)[number]) =>
      mean(SEEDS.map((seed) => factsOf(takeBars({ seed, symbol: "ACME", startTime: 0, regime }, 300)).volatility))
    assert.isAbove(spread("high_volatility"), 3 * spread("low_volatility"))
  })

  it("follow one another by a semi-Markov chain: never themselves, for about as long as they should", () => {
    const prng = new Prng(4)
    for (const regime of REGIMES) {
      const lasted = Array.from({ length: 2_000 }, () => durationOf(regime, prng))
      const expected = { breakout_bullish: 20, breakout_bearish: 20, high_volatility: 40, trending_bullish: 80 }
      assert.closeTo(mean(lasted) / (Object.entries(expected).find(([name]) => name === regime)?.[1] ?? 60), 1, 0.06)
      assert.isAtLeast(Math.min(...lasted), 1)
      const next = Array.from({ length: 500 }, () => follower(regime, prng))
      assert.notInclude(next, regime)
      assert.sameMembers(
        [...new Set(next)],
        REGIMES.filter((each) => each !== regime)
      )
    }
    const seen = takeSimulated({ seed: 1, symbol: "ACME", startTime: 0 }, 5_000).map(({ regime }) => regime)
    assert.sameMembers([...new Set(seen)], [...REGIMES])
  })

  it("come as a script says", () => {
    const script = [
      { regime: "sideways", bars: 40 },
      { regime: "breakout_bullish", bars: 5 },
      { regime: "low_volatility", bars: 1 }
    ] as const
    const found = takeSimulated({ seed: 1, symbol: "ACME", startTime: 0, regime: script }, 60)
    assert.deepStrictEqual(
      found.map(({ regime }) => regime),
      [...Array(40).fill("sideways"), ...Array(5).fill("breakout_bullish"), ...Array(15).fill("low_volatility")]
    )
    assert.deepStrictEqual([found[40]!.age, found[44]!.age, found[45]!.age], [0, 4, 0])
  })
})

describe("correlated markets", () => {
  it("move together as much as they are told to", () => {
    const names = ["ACME", "GLOBEX", "INITECH"]
    const correlation = [
      [1, 0.7, 0],
      [0.7, 1, -0.4],
      [0, -0.4, 1]
    ]
    const markets = new CorrelatedMarkets({ seed: 2, symbols: names, startTime: 0, correlation, regime: MARTINGALE })
    const bars = Array.from({ length: 6_000 }, () => markets.next())
    const returns = names.map((name) => bars.map((each) => each.get(name)!.bar).map((bar) => bar.close))
    const moves = returns.map((closes) => closes.slice(1).map((close, index) => Math.log(close / closes[index]!)))
    for (const [row, expected] of correlation.entries()) {
      for (const [column, value] of expected.entries()) {
        assert.closeTo(sampleCorrelation(moves[row]!, moves[column]!), value, 0.08)
      }
    }
  })

  it("refuse correlations that no markets can have", () => {
    const make = (correlation: number) => () =>
      new CorrelatedMarkets({ seed: 1, symbols: ["A", "B", "C"], startTime: 0, correlation })
    assert.throws(make(-0.9), RangeError)
    assert.throws(make(1), RangeError)
    fc.assert(fc.property(fc.integer({ min: -49, max: 99 }), (part) => assert.doesNotThrow(make(part / 100))))
  })
})

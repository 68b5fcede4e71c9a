import { readFileSync } from "node:fs"
import { assert, describe, expect, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import fc from "fast-check"
import { parseBars } from "../../market/index.ts"
import { Bar } from "../../protocols/index.ts"
import { marketBars, SAMPLE_SYMBOLS, sampleCsv, simulatedBars, takeBars, takeSimulated } from "../../sim/index.ts"
import { firstBar, nextBar, TRADING_DAYS, WEEKDAYS_24H } from "../../sim/market/calendar.ts"
import { CURRENCY, STOCK } from "../../sim/market/parameters.ts"
import { MARTINGALE, REGIMES } from "../../sim/market/regimes.ts"

const HOUR = 3_600_000
const DAY = 24 * HOUR
const options = { seed: 7, symbol: "ACME", startTime: 0 }
const isBar = Schema.is(Bar)

const drawn = fc.record({
  seed: fc.integer(),
  symbol: fc.constantFrom("ACME", "BTC/USDT", "X"),
  startTime: fc.nat(),
  intervalMillis: fc.constantFrom(1000, 60_000, HOUR, DAY, 30 * DAY),
  instrument: fc.constantFrom(STOCK, CURRENCY),
  regime: fc.option(fc.constantFrom(...REGIMES, MARTINGALE), { nil: undefined })
})

type Drawn = typeof drawn extends fc.Arbitrary<infer D> ? D : never

const optionsOf = ({ regime, ...others }: Drawn) => ({
  ...others,
  ...(regime === undefined ? {} : { regime })
})

describe("the simulated market", () => {
  it("gives sound bars in its trading hours, with bid and ask round the close, whatever the options", () => {
    fc.assert(
      fc.property(drawn, (given) => {
        let before = given.startTime - 1
        for (const { bar, bid, ask, regime } of takeSimulated(optionsOf(given), 300)) {
          assert.isTrue(isBar(bar), JSON.stringify(bar))
          assert.isAbove(bar.time, before)
          assert.include(WEEKDAYS_24H.days, new Date(bar.time).getUTCDay())
          if (given.intervalMillis < DAY && given.instrument === STOCK) {
            assert.isTrue(bar.time % DAY >= TRADING_DAYS.from && bar.time % DAY < TRADING_DAYS.to)
          }
          assert.isTrue(bid < bar.close && bar.close < ask, `${bid} ${bar.close} ${ask}`)
          if (given.regime !== undefined) assert.strictEqual(regime, given.regime)
          before = bar.time
        }
      }),
      { numRuns: 150 }
    )
  })

  it("stays sound for very long", () => {
    const closes = takeBars({ ...options, intervalMillis: 30 * DAY }, 50_000).map((bar) => {
      assert.isTrue(isBar(bar), JSON.stringify(bar))
      return bar.close
    })
    assert.isBelow(Math.max(...closes) / Math.min(...closes), 20 ** 4)
  })

  it.effect("streams the same bars in each run, so that a feed can go on where it stopped", () =>
    Effect.gen(function* () {
      const run = (count: number) => marketBars(options).pipe(Stream.take(count), Stream.runCollect)
      const [first, second] = [yield* run(400), yield* run(500)]
      assert.deepStrictEqual(second.slice(0, 400), first)
      assert.deepStrictEqual(takeBars(options, 500), second)
      const skipped = marketBars(options).pipe(
        Stream.dropWhile((bar) => bar.time <= first[398]!.time),
        Stream.take(1)
      )
      assert.deepStrictEqual(yield* Stream.runCollect(skipped), [first[399]])
    })
  )

  it.live("keeps the pace it is given", () =>
    Effect.gen(function* () {
      const count = (pace?: "20 millis") =>
        simulatedBars(options, pace).pipe(Stream.runCount, Effect.timeoutOption("50 millis"))
      // It never ends, so what a while gives is all there is to see.
      assert.isTrue((yield* count("20 millis"))._tag === "None")
      const three = simulatedBars(options, "20 millis").pipe(Stream.take(3), Stream.runCollect)
      assert.lengthOf(yield* three, 3)
    })
  )

  it("is another market for another seed or symbol", () => {
    const closes = (changed: object) => takeBars({ ...options, ...changed }, 50).map((bar) => bar.close)
    assert.notDeepEqual(closes({ seed: 8 }), closes({}))
    assert.notDeepEqual(closes({ symbol: "ACMF" }), closes({}))
  })

  it("trades from session to session", () => {
    const friday = Date.UTC(2024, 0, 5)
    const monday = Date.UTC(2024, 0, 8)
    assert.strictEqual(firstBar(TRADING_DAYS, friday + 1, DAY), monday)
    assert.strictEqual(firstBar(TRADING_DAYS, friday, HOUR), friday + 14.5 * HOUR)
    assert.strictEqual(firstBar(TRADING_DAYS, friday + 15 * HOUR, HOUR), friday + 15.5 * HOUR)
    assert.strictEqual(firstBar(TRADING_DAYS, friday + 23 * HOUR, HOUR), monday + 14.5 * HOUR)
    assert.strictEqual(nextBar(TRADING_DAYS, friday + 20.5 * HOUR, HOUR), monday + 14.5 * HOUR)
    assert.strictEqual(nextBar(WEEKDAYS_24H, friday + 23 * HOUR, HOUR), monday)
  })
})

describe("the samples", () => {
  for (const symbol of SAMPLE_SYMBOLS) {
    const file = new URL(`../../samples/${symbol}.csv`, import.meta.url)
    it(`of ${symbol} are what generating them gives, to the byte (\`vitest run -u\` writes them)`, async () => {
      assert.isAbove(readFileSync(file).length, 10_000)
      await expect(sampleCsv(symbol)).toMatchFileSnapshot(file.pathname)
    })
    it.effect(`of ${symbol} are about two years of sound weekdays`, () =>
      Effect.gen(function* () {
        const bars = yield* parseBars(readFileSync(file, "utf8"))
        assert.lengthOf(bars, 504)
        for (const bar of bars) assert.include([1, 2, 3, 4, 5], new Date(bar.time).getUTCDay())
      })
    )
  }
})

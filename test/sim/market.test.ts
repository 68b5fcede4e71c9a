import { readFileSync } from "node:fs"
import { assert, describe, expect, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import fc from "fast-check"
import { parseBars } from "../../actors/index.ts"
import { Bar } from "../../protocols/index.ts"
import { marketBars, SAMPLE_SYMBOLS, sampleCsv, takeBars } from "../../sim/index.ts"

const DAY = 86_400_000
const options = { seed: 7, symbol: "ACME", startTime: 0 }
const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length
const correlation = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) => {
  const [meanA, meanB] = [mean(a), mean(b)]
  const deviation = (values: ReadonlyArray<number>, middle: number) =>
    Math.sqrt(mean(values.map((v) => (v - middle) ** 2)))
  const covariance = mean(a.map((value, index) => (value - meanA) * (b[index]! - meanB)))
  return covariance / deviation(a, meanA) / deviation(b, meanB)
}

describe("the simulated market", () => {
  it("gives sound bars at even times, whatever the seed, symbol and length of bar", () => {
    const isBar = Schema.is(Bar)
    const market = fc.record({
      seed: fc.integer(),
      symbol: fc.constantFrom("ACME", "BTC/USDT", "X"),
      startTime: fc.nat(),
      intervalMillis: fc.constantFrom(1000, 60_000, 3_600_000, DAY, 30 * DAY)
    })
    fc.assert(
      fc.property(market, (drawn) => {
        for (const [index, bar] of takeBars(drawn, 300).entries()) {
          assert.isTrue(isBar(bar), JSON.stringify(bar))
          assert.strictEqual(bar.time, drawn.startTime + index * drawn.intervalMillis)
        }
      }),
      { numRuns: 60 }
    )
  })

  it("stays sound for very long", () => {
    const isBar = Schema.is(Bar)
    const closes = takeBars({ ...options, intervalMillis: 30 * DAY }, 50_000).map((bar) => {
      assert.isTrue(isBar(bar), JSON.stringify(bar))
      return bar.close
    })
    assert.isBelow(Math.max(...closes) / Math.min(...closes), 20 ** 4)
  })

  it.effect("streams the same bars in each run, so that a feed can go on where it stopped", () =>
    Effect.gen(function* () {
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

  it("is another market for another seed or symbol", () => {
    const closes = (changed: object) => takeBars({ ...options, ...changed }, 50).map((bar) => bar.close)
    assert.notDeepEqual(closes({ seed: 8 }), closes({}))
    assert.notDeepEqual(closes({ symbol: "ACMF" }), closes({}))
    const returns = (changed: object) =>
      closes(changed)
        .slice(1)
        .map((price, at) => Math.log(price / closes(changed)[at]!))
    assert.isBelow(Math.abs(correlation(returns({ symbol: "ACMF" }), returns({}))), 0.5)
  })

  it("has heavy tails, clustered volatility, volume that moves with it, and no memory of direction", () => {
    const bars = takeBars(options, 20_000)
    const returns = bars.slice(1).map((bar, index) => Math.log(bar.close / bars[index]!.close))
    const sizes = returns.map(Math.abs)
    const variance = mean(returns.map((value) => value ** 2))
    assert.isAbove(mean(returns.map((value) => value ** 4)) / variance ** 2, 5)
    assert.isAbove(correlation(sizes.slice(10), sizes.slice(0, -10)), 0.05)
    assert.isAbove(
      correlation(
        sizes,
        bars.slice(1).map((bar) => bar.volume)
      ),
      0.3
    )
    assert.isBelow(Math.abs(correlation(returns.slice(1), returns.slice(0, -1))), 0.05)
  })
})

const run = (count: number) => marketBars(options).pipe(Stream.take(count), Stream.runCollect)

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

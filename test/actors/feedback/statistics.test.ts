import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { fisher, percentile, trendTest, wilson } from "../../../actors/feedback/statistics.ts"

describe("the statistics of tools", () => {
  it("give the published values", () => {
    const { low, high } = wilson(8, 10)
    assert.closeTo(low, 0.4901625, 1e-6)
    assert.closeTo(high, 0.9433178, 1e-6)
    // The lady who tastes tea: three of four, and all four.
    assert.closeTo(fisher(3, 4, 4, 8), 17 / 70, 1e-9)
    assert.closeTo(fisher(4, 4, 4, 8), 1 / 70, 1e-9)
    assert.closeTo(fisher(0, 4, 4, 8), 1, 1e-9)
  })

  it("find the percentile that a sorted list has at that rank", () => {
    assert.strictEqual(percentile([1, 2, 3, 4], 0.5), 2)
    assert.strictEqual(percentile([1, 2, 3, 4, 5], 0.5), 3)
    assert.strictEqual(percentile([7], 0.95), 7)
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.integer({ min: 1, max: 99 }), (values, part) => {
        const sorted = values.toSorted((a, b) => a - b)
        const found = percentile(sorted, part / 100)
        const reached = (limit: number) => sorted.filter((value) => value <= limit).length * 100 >= part * sorted.length
        assert.isTrue(reached(found))
        assert.isFalse(sorted.some((value) => value < found && reached(value)))
      })
    )
  })

  it("see a trend where the order says so, the same whatever the scale, and the opposite backwards", () => {
    assert.isUndefined(trendTest([3, 3, 3, 3]))
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 3, maxLength: 60 }), (values) => {
        const test = trendTest(values)
        if (test === undefined) return
        assert.isAtMost(Math.abs(test.correlation), 1 + 1e-12)
        assert.closeTo(trendTest(values.map((value) => 3 * value + 7))!.correlation, test.correlation, 1e-12)
        assert.closeTo(trendTest(values.toReversed())!.correlation, -test.correlation, 1e-9)
      })
    )
    const rising = trendTest(Array.from({ length: 50 }, (_, index) => index))!
    assert.closeTo(rising.correlation, 1, 1e-12)
    assert.isBelow(rising.p, 1e-10)
  })

  it("call chance a trend about as often as the level says", () => {
    const random = fc.sample(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 120, maxLength: 120 }), {
      numRuns: 2_000,
      seed: 7
    })
    const found = random.filter((values) => trendTest(values.map((value) => (value < 8 ? 1 : 0)))!.p < 0.05)
    assert.isAtLeast(found.length, 60)
    assert.isAtMost(found.length, 145)
  })
})

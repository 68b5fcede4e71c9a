import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { binsOf } from "../../evaluation/calibration.ts"
import { luckiestSharpe } from "../../sim/evaluation/returns.ts"
import { coinTest, deflatedSharpe, drawdownsOf, returnsOf, sharpeOf, sortinoOf, spreadOf } from "../../sim/index.ts"
import { normals } from "../support/tools.ts"

describe("returns", () => {
  it("have the Sharpe ratio and the error that the formulas give", () => {
    const found = sharpeOf([0.01, 0.03], 4)
    // Mean 0.02, deviation 0.0141421…: √2 a period, 2√2 a year; √((1 + 2/2)/2)·√4 = 2.
    assert.closeTo(found!.value, 2 * Math.SQRT2, 1e-12)
    assert.closeTo(found!.error, 2, 1e-12)
    assert.isUndefined(sharpeOf([0.01, 0.01, 0.01], 252))
    assert.isUndefined(sharpeOf([], 252))
  })

  it("have an error that is the spread of the ratio over many samples", () => {
    const normal = normals(3)
    const ratios = Array.from(
      { length: 400 },
      () =>
        sharpeOf(
          Array.from({ length: 120 }, () => 0.05 + normal()),
          1
        )!
    )
    const spread = spreadOf(ratios.map(({ value }) => value)).deviation
    assert.closeTo(spread, ratios[0]!.error, 0.012)
  })

  it("count only losses in the Sortino ratio", () => {
    assert.closeTo(sortinoOf([0.03, -0.01], 1)!, 0.01 / Math.sqrt(0.0001 / 2), 1e-12)
    assert.isUndefined(sortinoOf([0.01, 0.02], 252))
  })

  it("are deflated by how many were tried and how they differ", () => {
    const normal = normals(4)
    const returns = Array.from({ length: 500 }, () => 0.08 + normal())
    const alone = deflatedSharpe(returns, [0.08])!
    const few = deflatedSharpe(returns, [0.08, 0, 0.04])!
    const many = deflatedSharpe(
      returns,
      Array.from({ length: 50 }, (_, index) => (index - 25) / 250)
    )!
    assert.isAbove(alone, few)
    assert.isAbove(few, many)
    // The expected greatest of 1,000 standard normal numbers is 3.24 (tables of order statistics).
    assert.closeTo(luckiestSharpe(1, 1_000), 3.24, 0.03)
  })

  it("without skill pass the bound of 0.95 about one time in twenty", () => {
    const normal = normals(5)
    const passed = Array.from({ length: 400 }, () => {
      const returns = Array.from({ length: 250 }, () => normal())
      return deflatedSharpe(returns, [0])! > 0.95
    }).filter((each) => each).length
    assert.isAbove(passed, 8)
    assert.isBelow(passed, 36)
  })

  it("fall below their highest by at most all of it", () => {
    assert.deepStrictEqual(drawdownsOf([1, 2, 1, 3, 1.5]), [0, 0, 0.5, 0, 0.5])
    assert.deepStrictEqual(returnsOf([1, 2, 1]), [1, -0.5])
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true })), (values) => {
        for (const fall of drawdownsOf(values)) assert.isTrue(fall >= 0 && fall < 1)
      })
    )
  })
})

describe("a coin", () => {
  it("is tested exactly, as in the textbook", () => {
    assert.closeTo(coinTest(8, 10), 2 * ((45 + 10 + 1) / 1024), 1e-12)
    assert.closeTo(coinTest(0, 5), 2 / 32, 1e-12)
    assert.strictEqual(coinTest(5, 10), 1)
    assert.strictEqual(coinTest(0, 0), 1)
  })

  it("is tested the same from both sides, and almost the same by the normal distribution", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (count, part) => {
        const hits = Math.round(part * count)
        assert.closeTo(coinTest(hits, count), coinTest(count - hits, count), 1e-9)
      })
    )
    assert.closeTo(coinTest(530, 1_000), coinTest(531, 1_001), 0.005)
  })
})

describe("calibration", () => {
  it("sorts confidences into tenths, and says how sure and how right they are", () => {
    const sure = Array.from({ length: 10 }, (_, index) => ({ confidence: 0.7, right: index < 7 }))
    const bins = binsOf([...sure, { confidence: 1, right: true }])
    assert.deepStrictEqual(
      bins.map(({ from, count, mean_confidence, accuracy }) => [
        from,
        count,
        Number(mean_confidence.toFixed(9)),
        accuracy
      ]),
      [
        [0.7, 10, 0.7, 0.7],
        [0.9, 1, 1, 1]
      ]
    )
  })
})

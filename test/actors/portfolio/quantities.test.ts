import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { quantPolicy } from "../../../actors/index.ts"
import { exact, inLots, inTicks, lotOf } from "../../../actors/portfolio/quantities.ts"
import { BUY_AND_HOLD, walkForward } from "../../../cli/evaluate/backtest.ts"

const lots = fc.integer({ min: 0, max: 8 }).map((decimals) => Number((10 ** -decimals).toFixed(decimals)))
const quantity = fc.double({ min: 0, max: 1e6, noNaN: true })

describe("a quantity", () => {
  it("in lots is a multiple of the lot, no larger, and less than a lot smaller", () => {
    fc.assert(
      fc.property(quantity, lots, (wanted, lot) => {
        const taken = inLots(wanted, lot)
        assert.isAtMost(taken, wanted + lot * 1e-6)
        assert.isBelow(wanted - taken, lot * (1 + 1e-6) + 1e-8)
        assert.strictEqual(inLots(taken, lot), taken)
        assert.strictEqual(inLots(-wanted, lot), taken === 0 ? -0 : -taken)
      })
    )
  })

  it("leaves nothing behind when what was bought is sold, in whatever parts", () => {
    fc.assert(
      fc.property(fc.array(quantity, { maxLength: 40 }), (parts) => {
        const bought = parts.map(exact)
        const held = bought.reduce((sum, part) => exact(sum + part), 0)
        assert.strictEqual(
          bought.toReversed().reduce((sum, part) => exact(sum - part), held),
          0
        )
      })
    )
    assert.strictEqual(exact(0.1 + 0.2), 0.3)
    assert.strictEqual(exact(123_456_789_012.4), 123_456_789_012)
  })

  it("is whole for shares, and in fractions for what is dear beside the deposit, unless it is said", () => {
    assert.strictEqual(lotOf(99, 100_000), 1)
    assert.strictEqual(lotOf(101, 100_000), 0.1)
    assert.strictEqual(lotOf(100_000, 100_000), 0.001)
    assert.strictEqual(lotOf(1e12, 100), 1e-8)
    assert.strictEqual(lotOf(100_000, 100_000, { lot: 1 }), 1)
  })
})

describe("a price in ticks", () => {
  it("is rounded to the disadvantage of who trades, never to nothing, and stays where it is one", () => {
    assert.strictEqual(inTicks(100.013, 1, { tick: 0.01 }), 100.02)
    assert.strictEqual(inTicks(100.013, -1, { tick: 0.01 }), 100.01)
    assert.strictEqual(inTicks(100.01, -1, { tick: 0.01 }), 100.01)
    assert.strictEqual(inTicks(0.004, -1, { tick: 0.01 }), 0.004)
    assert.strictEqual(inTicks(100.013, 1), 100.013)
  })
})

describe("a market whose price is above the deposit", () => {
  const closes = Array.from({ length: 160 }, (_, index) => 100 + 10 * Math.sin(index / 9) + index * 0.05)
  const walkOf = (factor: number) => {
    const bars = closes.map((close, index) => {
      const [price, before] = [close * factor, (closes[index - 1] ?? close) * factor]
      const [high, low] = [Math.max(price, before) * 1.001, Math.min(price, before) * 0.999]
      return { time: index * 3_600_000, open: before, high, low, close: price, volume: 1 }
    })
    return walkForward(bars, { symbol: "COIN", policy: quantPolicy })
  }
  const returnsOf = (factor: number) =>
    Object.fromEntries(walkOf(factor).strategies.map(({ name, equity }) => [name, equity.at(-1)! / equity[0]! - 1]))

  it("is traded in fractions, with the returns that it has at any other scale", () => {
    const [dear, cheap] = [returnsOf(1_000), returnsOf(0.01)]
    assert.notStrictEqual(dear[BUY_AND_HOLD], 0)
    for (const [name, value] of Object.entries(cheap)) assert.approximately(dear[name]!, value, 0.001, name)
  })
})

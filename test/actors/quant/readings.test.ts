// Tools that stand in for one another say nearly the same, in the same units.
import { assert, describe, it } from "@effect/vitest"
import { quantOpinion } from "../../../actors/quant/opinion.ts"
import * as readings from "../../../actors/quant/readings.ts"
import type { BarWindow } from "../../../protocols/index.ts"
import { normals } from "../../support/tools.ts"

const STEPS = 64

/** A walk of which each bar holds many small steps, so that its range is that of a walk. */
const fine = (seed: number, drift: number): BarWindow => {
  const normal = normals(seed)
  let price = 100
  const bars = Array.from({ length: 128 }, (_, index) => {
    const steps = [price]
    for (let step = 0; step < STEPS; step++) {
      steps.push(steps.at(-1)! * Math.exp(0.01 * (drift / STEPS + normal() / Math.sqrt(STEPS))))
    }
    price = steps.at(-1)!
    return { time: Date.UTC(2024, 0, 1 + index), open: steps[0]!, high: Math.max(...steps), low: Math.min(...steps) }
  })
  const close = bars.slice(1).map(({ open }) => open)
  return {
    time: bars.map(({ time }) => time),
    open: bars.map(({ open }) => open),
    high: bars.map(({ high }) => high),
    low: bars.map(({ low }) => low),
    close: [...close, price],
    volume: bars.map(() => 1)
  }
}

const SEEDS = Array.from({ length: 60 }, (_, index) => index)
const walks = SEEDS.map((seed) => fine(seed, 0))
const trends = SEEDS.map((seed) => fine(seed, seed % 2 === 0 ? 0.5 : -0.5))
const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length

/** What each way of a reading says of each window. */
const said = <V>(reading: readings.Reading<V>, windows: ReadonlyArray<BarWindow>): ReadonlyArray<ReadonlyArray<V>> =>
  reading.map(({ ask }) =>
    windows.map((bars) => {
      const { value } = ask({ bars, past: [] })
      if (value === undefined) throw new Error("nothing was read")
      return value
    })
  )

const correlation = (one: ReadonlyArray<number>, other: ReadonlyArray<number>) => {
  const [a, b] = [one, other].map((values) => values.map((value) => value - mean(values)))
  const product = (x: ReadonlyArray<number>, y: ReadonlyArray<number>) => mean(x.map((value, i) => value * y[i]!))
  return product(a!, b!) / Math.sqrt(product(a!, a!) * product(b!, b!))
}

describe("what stands in for a tool", () => {
  it("gives the range from volatility, and volatility from the range, within a tenth on average", () => {
    const ranges = said(readings.RANGE, walks).map((each) => mean(each.map(({ size }) => size)))
    assert.closeTo(ranges[1]! / ranges[0]!, 1, 0.1)
    const yearly = said(readings.VOLATILITY, walks).map((each) => mean(each.map(({ annualized }) => annualized)))
    assert.closeTo(yearly[1]! / yearly[0]!, 1, 0.1)
    for (const { relative } of said(readings.VOLATILITY, walks)[1]!) assert.strictEqual(relative, 1)
  })

  it("gives strength and place on the same scale", () => {
    for (const [reading, low, high] of [
      [readings.STRENGTH, 0, 100],
      [readings.PLACE, -0.5, 1.5]
    ] as const) {
      const [first, ...others] = said(reading, trends)
      for (const other of others) {
        assert.isAbove(correlation(first!, other), 0.6)
        assert.isTrue(other.every((value) => value >= low && value <= high))
        assert.closeTo(mean(other), mean(first!), 0.12 * (high - low))
      }
    }
  })

  it("gives the trend's side and a like strength", () => {
    const [index, drift] = said(readings.TREND, trends)
    const sides = (all: typeof index) => all!.map(({ lead }) => Math.sign(lead))
    const expected = trends.map((_, at) => (at % 2 === 0 ? 1 : -1))
    const agreeing = (all: typeof index) => sides(all).filter((side, at) => side === expected[at]).length / SEEDS.length
    assert.isAbove(agreeing(index), 0.85)
    assert.strictEqual(agreeing(drift), 1)
    assert.isAbove(mean(drift!.map((each) => each.index)), 25)
    const kinds = said(readings.KIND, trends)[1]!
    const right = kinds.filter(({ regime }, at) => regime === `trending_${at % 2 === 0 ? "bullish" : "bearish"}`)
    const wrong = kinds.filter(({ regime }, at) => regime === `trending_${at % 2 === 0 ? "bearish" : "bullish"}`)
    assert.isAbove(right.length, 5 * Math.max(1, wrong.length))
  })
})

describe("what a breached limit does", () => {
  it("moves the risk advisor from BUY to SELL by half a point each", () => {
    const fallen = { ...walks[0]!, close: walks[0]!.close.map((price, at) => (at < 100 ? price : 0.7 * price)) }
    const bars = { ...fallen, low: fallen.low.map((price, at) => Math.min(price, fallen.close[at]!)) }
    const ratio = (...unavailable: ReadonlyArray<string>) => {
      const options = { executionPrefix: "x", now: () => 0, unavailable: new Set(unavailable) }
      const { SELL, BUY } = quantOpinion("risk_advisor", { bars }, options).strengths!
      return Math.log(SELL / BUY)
    }
    // Without the tool the scores are tempered by 0.7.
    assert.closeTo(ratio() - ratio("risk_limits") / 0.7, 1, 1e-9)
  })
})

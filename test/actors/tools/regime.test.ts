import { assert, describe, it } from "@effect/vitest"
import { breakoutOf, driftOf, reversionOf, varianceRatioOf } from "../../../actors/tools/evidence.ts"
import { type Regime, regime } from "../../../actors/tools/regime.ts"
import { type Market, measured, normals, returnsOf, walkOf } from "../../support/tools.ts"

const SEEDS = Array.from({ length: 200 }, (_, index) => 1_000 + index)

/** How often each regime is named. */
const sharesOf = (market: Market) => {
  const found = SEEDS.map((seed) => measured(regime, walkOf(returnsOf(seed, market))).regime)
  return (...names: ReadonlyArray<Regime>) => found.filter((name) => names.includes(name)).length / found.length
}

describe("the regime", () => {
  it("is named as the market was made, nine times out of ten", () => {
    assert.isAbove(sharesOf({ drift: 0.3 })("trending_bullish", "breakout_bullish"), 0.9)
    assert.isAbove(sharesOf({ drift: -0.3 })("trending_bearish", "breakout_bearish"), 0.9)
    // High all the time: a trend or pull is looked for first, and found by chance at its levels of significance, 15 percent in all.
    assert.isAbove(sharesOf({ scale: 2.4 })("high_volatility"), 0.8)
    assert.isAbove(sharesOf({ scale: 0.4, pull: 0.03 })("low_volatility", "mean_reversion"), 0.9)
    assert.isAbove(sharesOf({ pull: 0.25 })("mean_reversion"), 0.9)
    assert.isAbove(sharesOf({ pull: 0.04 })("sideways", "mean_reversion"), 0.85)
    assert.isAbove(sharesOf({ pull: 0.04, end: 1.6 })("breakout_bullish"), 0.85)
    assert.isAbove(sharesOf({ pull: 0.04, end: -1.6 })("breakout_bearish"), 0.85)
  })

  it("finds a direction in a walk without one as seldom as its levels of significance say", () => {
    const walk = sharesOf({})
    // 5 percent either side for the trend and 1 for the breakout, and four standard errors of a share of 200.
    assert.isBelow(walk("trending_bullish", "breakout_bullish"), 0.06 + 0.067)
    assert.isBelow(walk("trending_bearish", "breakout_bearish"), 0.06 + 0.067)
    assert.isBelow(walk("mean_reversion"), 0.05 + 0.062)
    assert.isAbove(walk("sideways", "undetermined"), 0.65)
  })

  it("gives its evidence, and says what decided", () => {
    const up = measured(regime, walkOf(returnsOf(1, { drift: 0.4 })))
    assert.isAbove(up.drift, 1.645)
    assert.match(up.reason, /^the drift is \d\.\d standard errors$/)
    const back = measured(regime, walkOf(returnsOf(1, { pull: 0.3 })))
    assert.isBelow(back.reversion, -2.89)
    assert.isBelow(back.variance_ratio, 0.8)
    assert.closeTo(back.half_life!, Math.LN2 / -Math.log(0.7), 1)
    const out = measured(regime, walkOf(returnsOf(1, { pull: 0.04, end: 2 })))
    assert.strictEqual(out.breakout_bars, 10)
    assert.isAbove(out.breakout_distance, 0.5)
  })

  it("calls volatility high or low by the bounds given, and by its change", () => {
    const returns = returnsOf(3, { pull: 0.03 })
    assert.strictEqual(measured(regime, walkOf(returns), { high_volatility: 0.2 }).regime, "high_volatility")
    const calmer = returns.map((value, index) => (index < returns.length - 20 ? value : 0.4 * value))
    assert.strictEqual(measured(regime, walkOf(calmer)).regime, "low_volatility")
  })
})

describe("its measures", () => {
  const normal = normals(11)
  const noise = Array.from({ length: 120 }, () => 0.01 * normal())

  it("are 0 or 1 by their formulas where that can be worked out", () => {
    assert.closeTo(driftOf([0.01, 0.01, 0.01, 0.01]), 2, 1e-12)
    assert.closeTo(varianceRatioOf([1, -1, 1, -1, 1, -1, 1, -1], 2).ratio, 1 - 7 / 8, 1e-12)
    // x halves its distance to 0 at each step, so the slope is -1/2 and half of a distance takes one bar.
    const halving = Array.from({ length: 20 }, (_, index) => 0.5 ** index)
    assert.closeTo(reversionOf(halving).halfLife!, 1, 1e-9)
    assert.isBelow(reversionOf(halving).statistic, -100)
    assert.strictEqual(reversionOf([1, 2, 4, 8, 16]).halfLife, null)
  })

  it("agree with the textbook's regression", () => {
    const path = noise.reduce<Array<number>>((all, value) => {
      all.push((all.at(-1) ?? 0) * 0.8 + value)
      return all
    }, [])
    const x = path.slice(0, -1)
    const y = path.slice(1).map((value, index) => value - x[index]!)
    const count = x.length
    const sum = (values: ReadonlyArray<number>) => values.reduce((total, value) => total + value, 0)
    const squares = sum(x.map((value) => value * value)) - sum(x) ** 2 / count
    const slope = (sum(x.map((value, index) => value * y[index]!)) - (sum(x) * sum(y)) / count) / squares
    const intercept = (sum(y) - slope * sum(x)) / count
    const residuals = y.map((value, index) => value - intercept - slope * x[index]!)
    const error = Math.sqrt(sum(residuals.map((value) => value * value)) / (count - 2) / squares)
    assert.closeTo(reversionOf(path).statistic, slope / error, 1e-6)
  })

  it("see a move only beyond the range before it", () => {
    const inside = walkOf([...noise, ...Array.from({ length: 5 }, () => 0)])
    assert.strictEqual(breakoutOf(inside, [...noise, 0, 0, 0, 0, 0]).distance, 0)
    const jump = [...noise, 0, 0, 0, 0, 0.4]
    const { distance, move } = breakoutOf(walkOf(jump), jump)
    assert.isAbove(distance, 5)
    assert.isAbove(move, 5)
    const fall = [...noise, 0, 0, 0, 0, -0.4]
    assert.isBelow(breakoutOf(walkOf(fall), fall).distance, -5)
  })
})

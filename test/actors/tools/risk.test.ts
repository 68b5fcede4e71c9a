import { assert, describe, it } from "@effect/vitest"
import { atr } from "../../../actors/tools/ranges.ts"
import { positionSize, riskLimits } from "../../../actors/tools/risk.ts"
import { volatility } from "../../../actors/tools/volatility.ts"
import { toWindow } from "../../../protocols/index.ts"
import { dailyBars } from "../../support/bars.ts"
import { measured } from "../../support/tools.ts"

const bars = toWindow(dailyBars(Array.from({ length: 100 }, (_, index) => 100 + 5 * Math.sin(index / 4))))

describe("the position size", () => {
  it("is what makes the stop cost the budget", () => {
    const { fraction, stop_distance, stop_fraction, capped } = measured(positionSize, bars, {
      risk_fraction: 0.005,
      stop_atr: 3
    })
    assert.closeTo(stop_distance, 3 * measured(atr, bars).atr, 1e-12)
    assert.closeTo(stop_fraction, stop_distance / bars.close.at(-1)!, 1e-12)
    // A fall to the stop costs the position's share times the stop's.
    assert.closeTo(fraction * stop_fraction, 0.005, 1e-12)
    assert.isFalse(capped)
  })

  it("is capped, and says so", () => {
    const { fraction, capped } = measured(positionSize, bars, { risk_fraction: 0.1, max_fraction: 0.3 })
    assert.deepStrictEqual([fraction, capped], [0.3, true])
    for (let risk = 0.0005; risk < 0.05; risk += 0.0005) {
      const found = measured(positionSize, bars, { risk_fraction: risk })
      const wanted = risk / found.stop_fraction
      assert.closeTo(found.fraction, Math.min(0.25, wanted), 1e-12)
      assert.strictEqual(found.capped, wanted >= 0.25)
    }
  })

  it("has no stop below 0, however wild the prices are", () => {
    const wild = toWindow(dailyBars(Array.from({ length: 100 }, (_, index) => (index % 3 === 0 ? 1 : 1_000))))
    const { stop_distance, stop_fraction } = measured(positionSize, wild, { stop_atr: 10 })
    assert.deepStrictEqual([stop_distance, stop_fraction], [wild.close.at(-1), 1])
  })

  it("has beside it the size that has the target volatility", () => {
    const { annualized } = measured(volatility, bars)
    const { volatility_fraction } = measured(positionSize, bars, { target_volatility: 0.05, max_fraction: 1 })
    assert.closeTo(volatility_fraction * annualized, 0.05, 1e-12)
    assert.strictEqual(measured(positionSize, bars, { target_volatility: 1 }).volatility_fraction, 0.25)
  })
})

describe("the risk limits", () => {
  const falling = toWindow(dailyBars([100, 120, 90]))

  it("are ok for no positions in a calm market", () => {
    const { exposure, drawdown, concentration, breached } = measured(riskLimits, bars)
    assert.deepStrictEqual([exposure.status, drawdown.status, concentration.status, breached], ["ok", "ok", "ok", 0])
  })

  it("are breached one by one, long and short alike", () => {
    const weights = { A: 0.4, B: -0.5, C: 0.3 }
    const found = measured(riskLimits, falling, { weights, concentration_max: 0.5, drawdown_max: 0.25 })
    assert.closeTo(found.exposure.value, 1.2, 1e-12)
    assert.deepStrictEqual([found.exposure.limit, found.exposure.status], [1, "breached"])
    // At the limit is within it.
    assert.deepStrictEqual(found.concentration, { value: 0.5, limit: 0.5, status: "ok" })
    assert.closeTo(found.drawdown.value, 0.25, 1e-12)
    assert.deepStrictEqual([found.drawdown.status, found.breached], ["ok", 1])
    assert.strictEqual(measured(riskLimits, falling).drawdown.status, "breached")
  })

  it("take the account's drawdown where it is known", () => {
    assert.strictEqual(measured(riskLimits, falling, { equity_drawdown: 0.1 }).drawdown.status, "ok")
    assert.strictEqual(measured(riskLimits, bars, { equity_drawdown: 0.3 }).drawdown.status, "breached")
  })
})

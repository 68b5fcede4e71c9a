import { assert, describe, it } from "@effect/vitest"
import { quantOpinion } from "../../../actors/quant/opinion.ts"
import * as readings from "../../../actors/quant/readings.ts"
import { pool } from "../../../actors/quant/scores.ts"
import { type HouseType, toWindow } from "../../../protocols/index.ts"
import { dailyBars } from "../../support/bars.ts"

const bars = toWindow(
  dailyBars(Array.from({ length: 128 }, (_, index) => 100 * 1.004 ** index + 2 * Math.sin(index / 3)))
)
const opinion = (type: HouseType, ...unavailable: ReadonlyArray<string>) =>
  quantOpinion(type, { bars }, { executionPrefix: "x", now: () => 0, unavailable: new Set(unavailable) })
const used = (said: ReturnType<typeof opinion>) =>
  said.tool_calls.map(({ tool_name, error_kind, status }) => `${tool_name} ${error_kind ?? status}`)

describe("a tool that is unavailable", () => {
  it("is replaced by the first of its substitutes that is not, which the opinion says", () => {
    const { metadata, reasoning, ...said } = opinion("market_analyst", "rsi")
    assert.deepStrictEqual(metadata.routed_around, [{ tool: "rsi", instead: "stochastic" }])
    assert.include(reasoning, "rsi is unavailable; stochastic stands in.")
    assert.includeMembers(used({ metadata, reasoning, ...said }), ["rsi unavailable", "stochastic success"])
    const both = opinion("market_analyst", "rsi", "stochastic")
    assert.deepStrictEqual(both.metadata.routed_around, [{ tool: "rsi", instead: "williams_r" }])
    assert.includeMembers(used(both), ["rsi unavailable", "stochastic unavailable", "williams_r success"])
    const call = both.tool_calls.find(({ tool_name }) => tool_name === "rsi")!
    assert.deepStrictEqual([call.status, call.result, call.execution_id], ["failed", null, "x.rsi"])
  })

  it("is replaced in each place, for each of them, without a change of mind in a clear market", () => {
    const clear = opinion("comprehensive").decision
    assert.strictEqual(clear, "BUY")
    for (const name of ["sma", "rsi", "atr", "volatility", "adx", "bollinger", "regime"]) {
      const said = opinion("comprehensive", name)
      assert.strictEqual(said.decision, clear, name)
      assert.notInclude(used(said), `${name} success`)
      assert.include(used(said), `${name} unavailable`)
    }
  })

  it("without a substitute is gone without, at less strength", () => {
    const whole = opinion("market_analyst")
    const without = opinion("market_analyst", "macd")
    assert.deepStrictEqual(without.metadata.routed_around, [{ tool: "macd", instead: null }])
    assert.include(without.reasoning, "This is without macd, which is unavailable.")
    assert.strictEqual(without.decision, whole.decision)
    assert.isBelow(without.strengths!.BUY, whole.strengths!.BUY)
    assert.notInclude(without.reasoning, "MACD histogram")
    const less = opinion("market_analyst", "macd", "sma", "ema")
    assert.isBelow(less.strengths!.BUY, without.strengths!.BUY)
  })

  it("leaves no view only when there is none left", () => {
    const blind = opinion("market_analyst", "sma", "ema", "rsi", "stochastic", "williams_r", "macd")
    assert.strictEqual(blind.decision, "HOLD")
    assert.closeTo(blind.strengths!.HOLD, 1 / 3, 1e-12)
    const all = opinion("comprehensive", "sma", "ema", "rsi", "stochastic", "williams_r", "macd")
    assert.notInclude(all.reasoning.split(". ")[0], "market_analyst", "who has no view is not pooled")
    assert.include(all.reasoning, "Pooled from risk_advisor")
    const others = ["risk_advisor", "strategy_optimizer", "performance_coach"] as const
    const views = others.map((type) => ({ weight: 1, strengths: opinion(type, "stochastic").strengths! }))
    assert.closeTo(all.strengths!.BUY, pool(views).BUY, 1e-12)
  })

  it("stands in for itself nowhere: every reading's ways are the tool and its substitutes, in their order", () => {
    for (const [name, reading] of Object.entries(readings)) {
      const [first, ...others] = reading.map(({ tool }) => tool)
      assert.deepStrictEqual(
        others.map((tool) => tool.name),
        first!.substitutes,
        name
      )
    }
  })

  it("is measured once, also when it stands in for another that it stands beside", () => {
    const calls = opinion("strategy_optimizer", "adx").tool_calls.map(({ tool_name }) => tool_name)
    assert.strictEqual(calls.filter((name) => name === "regime").length, 1)
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import { type QuantAgentType, quantOpinion, quantPolicy } from "../../actors/quant.ts"
import { type Bar, Opinion, toWindow } from "../../protocols/index.ts"
import { barsArbitrary, dailyBars, PANEL } from "../support/bars.ts"

const ROUND = "01HNZX8JGFACFA36RBXDHEQN6E"
const opinion = (type: QuantAgentType, bars: ReadonlyArray<Bar>) =>
  quantOpinion(type, toWindow(bars), { executionPrefix: `${ROUND}.${type}`, now: () => 0 })

const closes = (count: number, price: (index: number) => number) =>
  dailyBars(Array.from({ length: count }, (_, i) => price(i)))
const rising = closes(100, (index) => 100 * 1.01 ** index)
const falling = closes(100, (index) => 300 * 0.985 ** index)
const range = (turn: number) => closes(100, (index) => 100 + 1.5 * (((index * 7 + turn) % 5) - 2))
const crash = closes(100, (index) => (index < 90 ? 100 + (index % 3) : 100 * 0.93 ** (index - 89)))

describe("the quant policy", () => {
  it("reads a steady rise as BUY and a steady fall as not", () => {
    assert.strictEqual(opinion("market_analyst", rising).decision, "BUY")
    assert.strictEqual(opinion("market_analyst", falling).decision, "SELL")
    assert.strictEqual(opinion("strategy_optimizer", rising).decision, "BUY")
    assert.strictEqual(opinion("strategy_optimizer", falling).decision, "SELL")
  })

  it("has the risk advisor step back in a crash and not in a calm rise", () => {
    assert.strictEqual(opinion("risk_advisor", rising).decision, "BUY")
    assert.strictEqual(opinion("risk_advisor", crash).decision, "SELL")
    assert.include(opinion("risk_advisor", crash).reasoning, "under stress")
  })

  it("fades the edge of a range where there is no trend", () => {
    const at = (edge: number) => {
      const bars = [0, 1, 2, 3, 4].map(range).find((each) => each.at(-1)!.close === edge)
      return opinion("strategy_optimizer", bars!)
    }
    assert.strictEqual(at(97).decision, "BUY")
    assert.strictEqual(at(103).decision, "SELL")
    assert.strictEqual(at(100).decision, "HOLD")
    assert.include(at(97).reasoning, "fading the bands")
  })

  it("holds in a market that stands still", () => {
    const still = Array.from({ length: 60 }, (_, time) => ({
      time,
      open: 0.1,
      high: 0.1,
      low: 0.1,
      close: 0.1,
      volume: 0
    }))
    assert.strictEqual(opinion("market_analyst", still).decision, "HOLD")
    assert.strictEqual(opinion("strategy_optimizer", still).decision, "HOLD")
  })

  it("holds with low confidence, and says why, where bars are missing", () => {
    const { decision, confidence, reasoning, tool_calls } = opinion("market_analyst", rising.slice(0, 20))
    assert.strictEqual(decision, "HOLD")
    assert.closeTo(confidence, 1 / 3, 1e-12)
    assert.strictEqual(
      reasoning,
      "No view yet: moving_averages needs 50 bars and has 20; macd needs 34 bars and has 20."
    )
    assert.deepStrictEqual(
      tool_calls.map((call) => [call.tool_name, call.status]),
      [
        ["moving_averages", "failed"],
        ["rsi", "success"],
        ["macd", "failed"],
        ["atr", "success"]
      ]
    )
  })

  it("gives a sound opinion on any bars, the same each time, with the likeliest decision and its probability", () => {
    const bars = barsArbitrary({ minLength: 1, maxLength: 128, priceMax: 1e300 })
    fc.assert(
      fc.property(bars, fc.constantFrom(...PANEL), (written, type) => {
        const one = opinion(type, written)
        Schema.decodeUnknownSync(Opinion)(JSON.parse(JSON.stringify(one)))
        assert.deepStrictEqual(JSON.parse(JSON.stringify(one)), one)
        assert.deepStrictEqual(opinion(type, written), one)
        const { BUY, SELL, HOLD } = one.probabilities
        assert.strictEqual(one.confidence, Math.max(BUY, SELL, HOLD))
        assert.strictEqual(one.decision, HOLD >= SELL && HOLD >= BUY ? "HOLD" : SELL >= BUY ? "SELL" : "BUY")
        assert.notInclude(one.reasoning, "NaN")
      })
    )
  })

  it.effect("names each execution after the round, the agent and the tool, and measures its time", () =>
    Effect.gen(function* () {
      const request = { symbol: "ACME", bars: toWindow(rising), consensusId: ROUND }
      const { tool_calls, metadata } = yield* quantPolicy({ ...request, agentType: "risk_advisor" })
      assert.deepStrictEqual(
        tool_calls.map((call) => call.execution_id),
        ["realized_volatility", "drawdown", "atr"].map((tool) => `${ROUND}.risk_advisor.${tool}`)
      )
      assert.deepStrictEqual(metadata, { policy: "quant" })
      const error = yield* Effect.flip(quantPolicy({ ...request, agentType: "performance_coach" }))
      assert.strictEqual(error.message, "there are no quant rules for performance_coach")
    })
  )

  it("takes the time of a tool from the clock it is given", () => {
    let now = 0
    const { tool_calls } = quantOpinion("risk_advisor", toWindow(rising), {
      executionPrefix: "x",
      now: () => (now += 2)
    })
    assert.deepStrictEqual(
      tool_calls.map((call) => call.execution_time_ms),
      [2, 2, 2]
    )
  })
})

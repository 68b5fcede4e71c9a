import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import { quantOpinion } from "../../../actors/quant/opinion.ts"
import { quantPolicy } from "../../../actors/quant/policy.ts"
import { TOOLS, toolsOf } from "../../../actors/tools/registry.ts"
import {
  type Bar,
  HOUSE_TYPES,
  type HouseType,
  Opinion,
  type PastDecision,
  toWindow
} from "../../../protocols/index.ts"
import { barsArbitrary, dailyBars } from "../../support/bars.ts"

const ROUND = "01HNZX8JGFACFA36RBXDHEQN6E"
const TYPES = HOUSE_TYPES
const opinion = (
  type: HouseType,
  bars: ReadonlyArray<Bar>,
  { past = [], unavailable = [] }: { past?: ReadonlyArray<PastDecision>; unavailable?: ReadonlyArray<string> } = {}
) =>
  quantOpinion(
    type,
    { bars: toWindow(bars), past },
    { executionPrefix: `${ROUND}.${type}`, now: () => 0, unavailable: new Set(unavailable) }
  )

const closes = (count: number, price: (index: number) => number) =>
  dailyBars(Array.from({ length: count }, (_, i) => price(i)))
const rising = closes(100, (index) => 100 * 1.01 ** index)
const falling = closes(100, (index) => 300 * 0.985 ** index)
const range = (turn: number) => closes(100, (index) => 100 + 1.5 * (((index * 7 + turn) % 5) - 2))
const crash = closes(100, (index) => (index < 90 ? 100 + (index % 3) : 100 * 0.93 ** (index - 89)))

describe("the quant policy", () => {
  it("reads a steady rise as BUY and a steady fall as not", () => {
    for (const type of ["market_analyst", "strategy_optimizer", "performance_coach", "comprehensive"] as const) {
      assert.strictEqual(opinion(type, rising).decision, "BUY", type)
      assert.strictEqual(opinion(type, falling).decision, "SELL", type)
    }
  })

  it("has the risk advisor step back in a crash and not in a calm rise", () => {
    assert.strictEqual(opinion("risk_advisor", rising).decision, "BUY")
    assert.strictEqual(opinion("risk_advisor", crash).decision, "SELL")
    assert.include(opinion("risk_advisor", crash).reasoning, "under stress")
  })

  it("fades the edge of a range where price turns back, and does not trade its middle", () => {
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
    const still = closes(70, () => 0.1).map((bar) => ({ ...bar, high: 0.1, low: 0.1 }))
    for (const type of ["market_analyst", "strategy_optimizer", "performance_coach"] as const) {
      assert.strictEqual(opinion(type, still).decision, "HOLD", type)
    }
  })

  it("holds with no more strength than for the others, and says why, where bars are missing", () => {
    const { decision, strengths, reasoning, tool_calls } = opinion("market_analyst", rising.slice(0, 20))
    assert.strictEqual(decision, "HOLD")
    assert.closeTo(strengths!.HOLD, 1 / 3, 1e-12)
    assert.include(reasoning, "No view yet: sma needs 50 bars and has 20; macd needs 34 bars and has 20")
    assert.deepStrictEqual(
      tool_calls.map((call) => [call.tool_name, call.error_kind ?? call.status]),
      [
        ["sma", "insufficient_data"],
        ["rsi", "success"],
        ["macd", "insufficient_data"],
        ["atr", "success"],
        ["regime", "insufficient_data"]
      ]
    )
    const all = opinion("comprehensive", rising.slice(0, 20))
    assert.deepStrictEqual([all.decision, all.strengths!.HOLD.toFixed(3)], ["HOLD", "0.333"])
    assert.include(all.reasoning, "Nobody of the panel has a view")
  })

  it("has a view without the regime, whose warm-up is longer", () => {
    const { decision, tool_calls } = opinion("market_analyst", rising.slice(0, 55))
    assert.strictEqual(decision, "BUY")
    assert.strictEqual(tool_calls.at(-1)!.error_message, "regime needs 60 bars and has 55")
  })

  it("gives a sound opinion on any bars, the same each time, with the strongest decision and its probability", () => {
    const bars = barsArbitrary({ minLength: 1, maxLength: 128, priceMax: 1e300 })
    const names = fc.subarray(TOOLS.map(({ name }) => name))
    fc.assert(
      fc.property(bars, fc.constantFrom(...TYPES), names, (written, type, unavailable) => {
        const one = opinion(type, written, { unavailable })
        Schema.decodeUnknownSync(Opinion)(JSON.parse(JSON.stringify(one)))
        assert.deepStrictEqual(JSON.parse(JSON.stringify(one)), one)
        assert.deepStrictEqual(opinion(type, written, { unavailable }), one)
        const { BUY, SELL, HOLD } = one.strengths!
        assert.strictEqual(one.confidence, one.probabilities[one.decision])
        assert.strictEqual(one.decision, HOLD >= SELL && HOLD >= BUY ? "HOLD" : SELL >= BUY ? "SELL" : "BUY")
        assert.notMatch(one.reasoning, /NaN|undefined|Infinity/)
        const ids = one.tool_calls.map((call) => call.execution_id)
        assert.deepStrictEqual(ids, [...new Set(ids)])
        const known = toolsOf(type).map(({ name }) => name)
        for (const { tool_name, error_kind } of one.tool_calls) {
          assert.include(known, tool_name)
          assert.strictEqual(error_kind === "unavailable", unavailable.includes(tool_name), tool_name)
        }
      }),
      { numRuns: 200 }
    )
  })

  it.effect("names each execution after the round, the agent and the tool, and measures its time", () =>
    Effect.gen(function* () {
      const request = { symbol: "ACME", bars: toWindow(rising), consensusId: ROUND }
      const { tool_calls, metadata } = yield* quantPolicy({ ...request, agentType: "risk_advisor" })
      assert.deepStrictEqual(
        tool_calls.map((call) => call.execution_id),
        ["volatility", "drawdown", "atr", "regime", "risk_limits", "position_size"].map(
          (tool) => `${ROUND}.risk_advisor.${tool}`
        )
      )
      for (const { status, input } of tool_calls) assert.deepStrictEqual([status, input], ["success", {}])
      assert.deepStrictEqual(metadata, { policy: "quant" })
      const without = yield* quantPolicy({ ...request, agentType: "risk_advisor", unavailable: new Set(["atr"]) })
      assert.deepStrictEqual(without.metadata.routed_around, [{ tool: "atr", instead: "volatility" }])
    })
  )

  it("takes the time of a tool from the clock it is given", () => {
    let now = 0
    const request = { bars: toWindow(rising) }
    const { tool_calls } = quantOpinion("risk_advisor", request, { executionPrefix: "x", now: () => (now += 2) })
    assert.deepStrictEqual([...new Set(tool_calls.map((call) => call.execution_time_ms))], [2])
  })
})

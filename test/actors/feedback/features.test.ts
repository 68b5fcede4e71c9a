import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { usesOf } from "../../../actors/feedback/features.ts"
import { quantOpinion } from "../../../actors/quant/opinion.ts"
import { type ToolCall, ToolUse, toWindow } from "../../../protocols/index.ts"
import { takeBars } from "../../../sim/index.ts"

const call = (more: Partial<ToolCall> = {}): ToolCall => ({
  execution_id: "e1",
  tool_name: "rsi",
  status: "success",
  execution_time_ms: 2,
  result: { rsi: 40 },
  ...more
})

describe("what a tracker is told", () => {
  it("is each execution with what was given and what was the case", () => {
    const calls = [
      call({ input: { period: 14, of: { nested: true }, quick: false } }),
      call({ tool_name: "regime", result: { regime: "sideways", evidence: {} } }),
      call({ tool_name: "volatility", result: { relative: 1.5 } }),
      call({ tool_name: "macd", status: "failed", error_kind: "unavailable" })
    ]
    const [rsi, ...others] = usesOf("ACME", { tool_calls: calls, metadata: { policy: "quant" } })
    assert.deepStrictEqual(rsi!.use.features, {
      symbol: "ACME",
      policy: "quant",
      regime: "sideways",
      volatility: "high",
      "input.period": "14",
      "input.quick": "false"
    })
    assert.deepStrictEqual(
      others.map(({ tool }) => tool),
      ["regime", "volatility"],
      "what was not used is not told"
    )
  })

  it("is sound, whatever the tools were given and said", () => {
    const isUse = Schema.is(ToolUse)
    const anything = fc.record({
      input: fc.anything(),
      result: fc.anything(),
      tool_name: fc.constantFrom("rsi", "regime", "volatility"),
      error_message: fc.string(),
      execution_time_ms: fc.integer()
    })
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 4 }), fc.anything(), (drawn, policy) => {
        for (const { use } of usesOf("ACME", { tool_calls: drawn.map(call), metadata: { policy } })) {
          assert.isTrue(isUse(use), JSON.stringify(use))
        }
      })
    )
    const bars = toWindow(takeBars({ seed: 1, symbol: "ACME", startTime: 0 }, 128))
    const opinion = quantOpinion("comprehensive", { bars }, { executionPrefix: "x", now: () => 0 })
    const uses = usesOf("ACME", opinion)
    assert.isAbove(uses.length, 8)
    for (const { use } of uses) assert.isTrue(isUse(use))
    assert.isTrue(uses.every(({ use }) => use.features.regime !== undefined))
  })
})

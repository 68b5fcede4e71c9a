import { assert, describe, it } from "@effect/vitest"
import { quantOpinion } from "../../../actors/quant/opinion.ts"
import { analysisText } from "../../../cli/print.ts"
import { HOUSE_TYPES, lacksViews, toWindow } from "../../../protocols/index.ts"

const options = { executionPrefix: "x", now: () => 0 }
const barsOf = (count: number) =>
  toWindow(
    Array.from({ length: count }, (_, index) => {
      const close = 100 + Math.sin(index)
      return { time: index * 3_600_000, open: close, high: close + 1, low: close - 1, close, volume: 1 }
    })
  )

describe("a view for which there are too few bars", () => {
  it("is called warm-up by every agent, and not where there are enough or a tool is gone", () => {
    for (const type of HOUSE_TYPES.filter((each) => each !== "performance_coach")) {
      assert.isTrue(quantOpinion(type, { bars: barsOf(10) }, options).metadata.warm_up, type)
      assert.notProperty(quantOpinion(type, { bars: barsOf(128) }, options).metadata, "warm_up", type)
    }
    const without = { ...options, unavailable: new Set(["sma", "ema", "macd", "rsi", "stochastic", "williams_r"]) }
    assert.notProperty(quantOpinion("market_analyst", { bars: barsOf(128) }, without).metadata, "warm_up")
  })

  it("is no decision where nobody has one", () => {
    assert.isTrue(lacksViews([{ warm_up: true }, { warm_up: true }]))
    assert.isFalse(lacksViews([{ warm_up: true }, {}]))
    assert.isFalse(lacksViews([]))
    const vote = {
      agent_id: "a",
      agent_type: "market_analyst",
      decision: "HOLD",
      confidence: 1 / 3,
      reasoning: "No view yet.",
      warm_up: true
    } as const
    const text = analysisText({
      ...{ symbol: "ACME", final_recommendation: "HOLD", confidence: 1 / 3, consensus_achieved: true },
      ...{ consensus_id: "01HNZX8JGFACFA36RBXDHEQN6E", votes: [vote], missing_agents: [], correlation_id: "c" }
    })
    assert.match(text, /^ACME: .*HOLD 0\.33.* in warm-up: no agent has enough bars for a view$/m)
  })
})

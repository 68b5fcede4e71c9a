import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { allActors, quantPolicy } from "../../actors/index.ts"
import {
  AgentDecision,
  agentProtocol,
  FeedbackProtocol,
  feedbackId,
  ToolReport,
  toWindow
} from "../../protocols/index.ts"
import { takeBars } from "../../sim/index.ts"
import { Decider } from "../support/decider.ts"
import { FAILED, useOf } from "../support/uses.ts"

const agent = agentProtocol("market_analyst")
const bars = toWindow(takeBars({ seed: 1, symbol: "ACME", startTime: 0 }, 128))
const idOf = (index: number) => `01HNZX8JGFACFA36RBXDH${String(index).padStart(5, "0")}`

const open = () => {
  const world = new Decider(allActors({ policy: quantPolicy }))
  let rounds = 0
  return {
    world,
    analyze: (given = bars) => {
      const consensus_id = idOf(++rounds)
      world.ask(agent, "ACME", "Analyze", { consensus_id, correlation_id: "c1", symbol: "ACME", bars: given })
      world.runActivities()
      return Schema.decodeUnknownSync(AgentDecision)(world.seen("decision.ACME.market_analyst").at(-1))
    },
    report: (tool: string) =>
      Schema.decodeUnknownSync(ToolReport)(
        world.ask(FeedbackProtocol, feedbackId("market_analyst", tool), "GetReport", {})?.body
      ),
    fail: (tool: string) =>
      world.ask(FeedbackProtocol, feedbackId("market_analyst", tool), "Used", { use: useOf(FAILED) })
  }
}

describe("an agent and the records of its tools", () => {
  it("has every use tracked, with what was the case", () => {
    const { analyze, report } = open()
    analyze()
    const decided = analyze()
    for (const { tool_name } of decided.tool_calls) assert.strictEqual(report(tool_name).total.executions, 2)
    assert.strictEqual(report("rsi").success_rate, 1)
    const few = analyze(toWindow(takeBars({ seed: 1, symbol: "ACME", startTime: 0 }, 10)))
    assert.isTrue(few.tool_calls.some(({ error_kind }) => error_kind === "insufficient_data"))
    assert.deepStrictEqual([report("macd").total.failed, report("macd").warm_up], [0, 1])
    assert.strictEqual(report("macd").breaker.state, "closed", "too few bars is not its fault")
  })

  it("does without a tool whose breaker is open, and takes it again when it has rested", () => {
    const { analyze, report, fail, world } = open()
    analyze()
    for (let count = 0; count < 5; count++) fail("rsi")
    assert.strictEqual(report("rsi").breaker.state, "open")
    assert.deepInclude(world.ask(agent, "ACME", "GetStatus", {})?.body, { unavailable_tools: ["rsi"] })
    const without = analyze()
    const call = without.tool_calls.find(({ tool_name }) => tool_name === "rsi")
    assert.strictEqual(call?.error_kind, "unavailable")
    assert.deepInclude(without.metadata, { routed_around: [{ tool: "rsi", instead: "stochastic" }] })
    assert.strictEqual(report("rsi").total.executions, 6, "what was not used is not counted")
    world.advance(60_000)
    assert.strictEqual(report("rsi").breaker.state, "half_open")
    const again = analyze()
    assert.strictEqual(again.tool_calls.find(({ tool_name }) => tool_name === "rsi")?.status, "success")
    assert.strictEqual(report("rsi").breaker.state, "closed")
    assert.deepInclude(world.ask(agent, "ACME", "GetStatus", {})?.body, { unavailable_tools: [] })
  })
})

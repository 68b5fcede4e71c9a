// The whole system as an object: one of them for all cases, with a NATS server of its own and a gateway.

import { inspect } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { takeBars } from "../../sim/index.ts"
import {
  AgentSystem,
  type DecisionEvent,
  InvalidOption,
  OperationFailed,
  type RunningSystem,
  type Subscription,
  SubscriptionOverflow
} from "../../system/index.ts"

let system: RunningSystem
beforeAll(async () => {
  system = await AgentSystem.initialize({ temporary: true, gateway: { port: 0 } })
})
afterAll(() => system?.shutdown())

const bars = takeBars({ seed: 3, symbol: "WAYNE", startTime: Date.UTC(2025, 0, 1), regime: "trending_bullish" }, 100)

/** What it is rejected with. */
const rejection = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  return assert.fail("it was not rejected")
}

const take = async <E>(subscription: Subscription<E>, count: number): Promise<ReadonlyArray<E>> => {
  const found: Array<E> = []
  for await (const event of subscription) if (found.push(event) >= count) break
  return found
}

describe("an analysis", () => {
  it("gives one decision of the panel, and says how far it has come", async () => {
    const stages: Array<string> = []
    const result = await system.runRealTimeAnalysis(
      { symbol: "WAYNE", bars },
      { onProgress: ({ stage }) => stages.push(stage) }
    )
    assert.strictEqual(result.symbol, "WAYNE")
    assert.include(["BUY", "HOLD", "SELL"], result.final_recommendation)
    assert.lengthOf(result.votes, 3)
    assert.deepStrictEqual(stages, ["accepted", "round_opened", "vote", "vote", "vote"])
  })

  it("is refused with a typed error and a sentence", async () => {
    const none = await rejection(system.runRealTimeAnalysis({ symbol: "NOBODY" }))
    assert.instanceOf(none, OperationFailed)
    assert.strictEqual(none.code, "no-market-data")
    const bad = await rejection(system.runRealTimeAnalysis({ symbol: "two words" }))
    assert.instanceOf(bad, OperationFailed)
    assert.deepStrictEqual([bad.code, bad.field], ["invalid-request", "symbol"])
    assert.match(bad.message, /a symbol is 1 to 32 of/)
    const printed = inspect(bad)
    assert.isTrue(printed.startsWith(`OperationFailed: ${bad.message}`))
    for (const part of ["    at ", "code: 'invalid-request'", "field: 'symbol'"]) assert.include(printed, part)
  })

  it("goes on whatever comes of what is told on the way", async () => {
    const ways = [
      () => {
        throw new Error("mine")
      },
      () => Promise.reject(new Error("mine, later"))
    ]
    for (const onProgress of ways) {
      const { symbol } = await system.runRealTimeAnalysis({ symbol: "WAYNE", bars }, { onProgress })
      assert.strictEqual(symbol, "WAYNE")
    }
    const wrong: object = { onProgress: 5 }
    for (const call of [system.runRealTimeAnalysis({ symbol: "WAYNE", bars }, wrong), system.runAgentTests({}, wrong)])
      assert.strictEqual(((await rejection(call)) as InvalidOption).option, "onProgress")
  })

  it("need not be waited for", async () => {
    const reason = new Error("enough")
    const waiting = system.runRealTimeAnalysis({ symbol: "WAYNE", bars }, { signal: AbortSignal.abort(reason) })
    assert.strictEqual(await rejection(waiting), reason)
  })
})

describe("a simulated market", () => {
  it("is decided on, live, in the order of the log, and by what was subscribed to", async () => {
    const heard: Array<DecisionEvent> = []
    const unsubscribe = await system.onDecision((event) => void heard.push(event), { symbol: "OSCORP" })
    const coordination = await system.coordination({ symbol: "OSCORP", message_type: "final_decision" })
    const simulation = await system.simulateMarketStream({ symbols: ["OSCORP"], speed: 1_000, past_bars: 3, bars: 4 })
    const again = await rejection(system.simulateMarketStream({ symbols: ["ACME", "OSCORP"] }))
    assert.strictEqual((again as OperationFailed).code, "simulation-running")
    const [first, second] = await take(coordination, 2)
    assert.isBelow(first?.seq ?? 0, second?.seq ?? 0)
    const report = await simulation.finished()
    assert.deepStrictEqual([report.state, report.symbols[0]?.bars], ["ended", 7])
    await unsubscribe()
    const { length } = heard
    assert.isAbove(length, 3)
    assert.isTrue(heard.every(({ type, data }) => type === "agent_decision" && data.symbol === "OSCORP"))
    await system.runRealTimeAnalysis({ symbol: "OSCORP" })
    assert.lengthOf(heard, length)
  })

  it("of a symbol that is known brings as many bars as are wanted, after the last one", async () => {
    const simulated = async (symbols: ReadonlyArray<string>) => {
      const market = await system.simulateMarketStream({ symbols, speed: 1_000, past_bars: 2, bars: 3 })
      return market.finished()
    }
    const first = await simulated(["STARK"])
    const again = await simulated(["STARK", "TYRELL"])
    const bars = [first, again].map(({ state, symbols }) => [state, ...symbols.map(({ bars }) => bars)])
    assert.deepStrictEqual(bars, [
      ["ended", 5],
      ["ended", 3, 5]
    ])
    assert.isAbove(again.symbols[0]?.last_bar_time ?? 0, first.symbols[0]?.last_bar_time ?? 0)
  })

  it("stops, and its symbol is free again", async () => {
    const simulation = await system.simulateMarketStream({ symbols: ["HOOLI"], past_bars: 0 })
    const { state } = await simulation.stop()
    assert.strictEqual(state, "stopped")
    assert.strictEqual((await simulation.finished()).state, "stopped")
    const next = await system.simulateMarketStream({ symbols: ["HOOLI"] })
    await next.stop()
    const wrong = await rejection(system.simulateMarketStream({ symbols: ["HOOLI"], speed: 0 }))
    assert.strictEqual((wrong as OperationFailed).field, "speed")
  })
})

describe("a consensus", () => {
  it("on what is known takes the dissent of a voter from outside, who has a secret", async () => {
    const critic = { agent_id: "critic", agent_type: "critic", external: true }
    const { consensus_id, tokens } = await system.requestConsensus({
      symbol: "OSCORP",
      agents: ["market_analyst", "risk_advisor"],
      invited: [critic]
    })
    assert.isNull(await system.getConsensusResult(consensus_id))
    const vote = { agent_id: "critic", agent_type: "critic", confidence: 0.9, reasoning: "I see it otherwise" }
    const forged = system.castVote(consensus_id, { ...vote, decision: "SELL", token: "made up" })
    assert.strictEqual(((await rejection(forged)) as OperationFailed).code, "not-invited")
    await system.castVote(consensus_id, { ...vote, decision: "SELL", token: tokens.critic ?? "" })
    const result = await system.getConsensusResult(consensus_id, { waitMs: 10_000 })
    assert.deepStrictEqual(result?.participating_agents.toSorted(), [
      "critic",
      "market_analyst_OSCORP",
      "risk_advisor_OSCORP"
    ])
    assert.strictEqual(result?.votes.find(({ agent_id }) => agent_id === "critic")?.decision, "SELL")
  })

  it("of an unknown round there is no result", async () => {
    const unknown = await rejection(system.getConsensusResult("01HNZX8JGFACFA36RBXDHEQN6E", { waitMs: 5_000 }))
    assert.strictEqual((unknown as OperationFailed).code, "unknown-round")
  })
})

describe("a subscription", () => {
  it("holds as many events as it may: it forgets the oldest and counts them, or ends", async () => {
    const newest = await system.tools({ queue: 2 })
    const strict = await system.tools({ queue: 2, overflow: "fail" })
    await system.runRealTimeAnalysis({ symbol: "WAYNE", bars })
    while (newest.dropped === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    const overflow = await rejection(take(strict, 100))
    assert.instanceOf(overflow, SubscriptionOverflow)
    assert.match(overflow.message, /2 events of tool\.\*\.\* waited/)
    await newest.unsubscribe()
    assert.isAtMost((await take(newest, 100)).length, 2)
  })

  it("goes on after a callback that throws, which is told", async () => {
    const errors: Array<unknown> = []
    let calls = 0
    const unsubscribe = await system.onCoordination(
      () => {
        calls++
        throw new Error("mine")
      },
      { symbol: "WAYNE", onError: (error) => errors.push(error) }
    )
    await system.runRealTimeAnalysis({ symbol: "WAYNE", bars })
    while (calls < 2) await new Promise((resolve) => setTimeout(resolve, 10))
    await unsubscribe()
    assert.isAtLeast(errors.length, 2)
  })

  it("goes on after an onError that throws, and tells how many events were forgotten", async () => {
    let [calls, open] = [0, () => {}]
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const onError = async () => {
      calls++
      await gate
      throw new Error("mine as well")
    }
    const unsubscribe = await system.onTool(() => Promise.reject(new Error("mine")), { queue: 2, onError })
    assert.strictEqual(unsubscribe.dropped, 0)
    await system.runRealTimeAnalysis({ symbol: "WAYNE", bars })
    while (unsubscribe.dropped === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    assert.strictEqual(calls, 1)
    open()
    while (calls < 2) await new Promise((resolve) => setTimeout(resolve, 10))
    await unsubscribe()
    const wrong: object = { onError: "log" }
    assert.strictEqual(((await rejection(system.onTool(() => undefined, wrong))) as InvalidOption).option, "onError")
  })

  it("to what there is not is refused", async () => {
    const wrong = (given: unknown) => given as never
    const refused: ReadonlyArray<readonly [Promise<unknown>, option: string]> = [
      [system.decisions({ agent_type: "Oracle" }), "agent_type"],
      [system.tools({ queue: 0 }), "queue"],
      [system.tools({ queue: Number.NaN }), "queue"],
      [system.events("a..b"), "pattern"],
      [system.events(wrong(5)), "pattern"],
      [system.events("a.b", wrong({ symbol: "ACME" })), "symbol"],
      [system.decisions({ symbol: "!" }), "symbol"],
      [system.decisions(wrong({ symbl: "ACME" })), "symbl"],
      [system.decisions(wrong("ACME")), "options"],
      [system.decisions(wrong(null)), "options"],
      [system.tools(wrong({ tool: 5 })), "tool"],
      [system.tools(wrong({ overflow: "block" })), "overflow"],
      [system.coordination(wrong({ message_type: "shout" })), "message_type"],
      [system.onDecision(() => undefined, wrong({ onError: "x" })), "onError"]
    ]
    for (const [promise, option] of refused) {
      const error = await rejection(promise)
      assert.instanceOf(error, InvalidOption, option)
      assert.strictEqual(error.option, option)
    }
  })

  it("is waited for as long as can be said", async () => {
    for (const waitMs of ["abc", -5, Number.NaN] as ReadonlyArray<unknown>) {
      const error = await rejection(
        system.getConsensusResult("01HNZX8JGFACFA36RBXDHEQN6E", { waitMs: waitMs as number })
      )
      assert.instanceOf(error, InvalidOption)
      assert.match(error.message, /^waitMs must be a whole number from 0/)
    }
  })
})

describe("the agent tests and the status", () => {
  it("tests agents, says how far it is, and can be stopped", async () => {
    const seen: Array<number> = []
    const report = await system.runAgentTests(
      { regimes: ["trending_bullish"], agents: ["joint"], runs: 1 },
      { onProgress: ({ done, total }) => seen.push(done / (total ?? 0)) }
    )
    assert.strictEqual(report.executive_summary.scenarios, 3)
    assert.strictEqual(seen.at(-1), 1)
    const control = new AbortController()
    const long = system.runAgentTests({ runs: 1_000 }, { signal: control.signal, onProgress: () => control.abort() })
    assert.strictEqual(await rejection(long), control.signal.reason)
    const bad = await rejection(system.runAgentTests({ runs: 0 }))
    assert.strictEqual((bad as OperationFailed).field, "runs")
  })

  it("tells of every part, in figures that are those of the gateway", async () => {
    const status = await system.getSystemStatus()
    const { gateway, log, agents, tools } = status.component_health
    assert.deepStrictEqual(
      [gateway, log, agents, tools].map((part) => part.status),
      ["healthy", "healthy", "healthy", "healthy"]
    )
    const answer = await fetch(`${system.gateway}/api/v1/agents/system/status`)
    const { performance_summary: told } = (await answer.json()) as typeof status
    const own = status.performance_summary
    assert.isAbove(own.total_decisions, 2)
    for (const name of ["active_agents", "symbols"] as const) assert.strictEqual(own[name], told[name])
    assert.isAtLeast(told.tool_executions, own.tool_executions)
    assert.isAbove(own.tool_executions, 10)
  })
})

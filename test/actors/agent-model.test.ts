import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { agentActor } from "../../actors/agent/agent.ts"
import type { ModelErrorKind } from "../../protocols/index.ts"
import { opinionOf } from "../support/bars.ts"
import { AGENT, MODEL, OTHER, protocol, ROUND, RSI, receipt, turnOf, usage, world } from "../support/conversing.ts"
import { decisionText } from "../support/model-servers/decisions.ts"

describe("an agent with a model", () => {
  it("goes on turn by turn: tools, their results, a decision", () => {
    const { decider, analyze, say, input, decisions, words, open } = world()
    analyze()
    assert.deepStrictEqual(open(), [".m1"])
    say(1, "Let me see.", [RSI, { name: "moon_phase", input: null }])
    assert.deepStrictEqual(open(), [".t1"])
    decider.runOne()
    const published = decider.published.filter(({ type }) => type === "tool_execution")
    assert.deepStrictEqual(
      published.map(({ subject }) => subject),
      ["tool.market_analyst.rsi", "tool.market_analyst.moon_phase"]
    )
    const { turns, model, symbol } = input(2).conversation
    assert.deepStrictEqual([model, symbol], [MODEL, "ACME"])
    assert.deepStrictEqual(
      turns[0]?.calls?.map(({ execution_id, status }) => [execution_id, status]),
      [
        [`${ROUND}.market_analyst.1.1`, "success"],
        [`${ROUND}.market_analyst.1.2`, "failed"]
      ]
    )
    say(2, decisionText("BUY", 0.7))
    assert.deepStrictEqual(open(), [])
    const [decision] = decisions()
    assert.deepStrictEqual([decision?.decision, decision?.tool_calls.length], ["BUY", 2])
    assert.deepStrictEqual(decision?.metadata, {
      ...{ policy: MODEL, model: MODEL, turns: 2, usage: usage(2), consensus_id: ROUND }
    })
    assert.lengthOf(Array.from(Object(words())), 1)
    assert.lengthOf(
      decider.published.filter(({ type }) => type === "tool_execution"),
      2,
      "not told a second time"
    )
    assert.strictEqual(decider.timers.size, 0)
    assert.include(JSON.stringify(words()), '"confidence":0.7')
  })

  it("tells a model once what is wrong with its answer, and takes the next one", () => {
    const { analyze, say, input, decisions } = world()
    analyze()
    say(1, decisionText("BUY").replace("0.7", '"high"'))
    assert.strictEqual(input(2).conversation.fault, "`confidence` must be a number from 0 to 1")
    say(2, decisionText("SELL"))
    assert.deepStrictEqual(
      decisions().map(({ decision }) => decision),
      ["SELL"]
    )
  })

  it("tells it once that it contradicts itself, and then takes it for what it believes of its decision", () => {
    const { analyze, say, input, decisions, words } = world()
    analyze()
    const contradiction = decisionText("SELL", 0.7).replace('"confidence":0.7', '"confidence":0')
    say(1, contradiction)
    assert.strictEqual(input(2).conversation.fault, "`confidence` must be the probability of the decision")
    say(2, contradiction)
    const [{ decision, metadata } = assert.fail()] = decisions()
    assert.strictEqual(decision, "SELL")
    assert.deepInclude(metadata.resolved, { field: "confidence", said: 0 })
    assert.match(JSON.stringify(words()), /"confidence":0\.7/)
  })

  it("says nothing of a contradiction that it has put right", () => {
    const { analyze, say, decisions } = world()
    analyze()
    say(1, decisionText("SELL", 0.7).replace('"confidence":0.7', '"confidence":0'))
    say(2, decisionText("SELL", 0.7))
    assert.strictEqual(decisions()[0]?.metadata.resolved, undefined)
  })

  it.each(["fails", "runs out of time", "says nothing of use"])(
    "that contradicted itself and then %s is taken for what it said",
    (how) => {
      const { decider, analyze, say, fail, decisions, open } = world()
      analyze()
      say(1, decisionText("SELL", 0.7).replace('"confidence":0.7', '"confidence":0.99'))
      if (how === "fails") fail(2, "server_error")
      else if (how === "says nothing of use") say(2, "I am sorry")
      else decider.advance(12_000)
      assert.deepStrictEqual(open(), [], "its own rules are not asked")
      const [{ decision, metadata } = assert.fail()] = decisions()
      assert.deepStrictEqual([decision, metadata.policy], ["SELL", MODEL])
      assert.deepInclude(metadata.resolved, { field: "confidence", said: 0.99 })
      decider.advance(60_000)
      assert.lengthOf(decisions(), 1)
    }
  )

  it("is asked without tools once it has refused them, with what they say", () => {
    const { decider, analyze, refuseTools, decide, input, open, decisions } = world()
    analyze()
    refuseTools(1)
    assert.deepStrictEqual(open(), [".t0"])
    decider.runOne()
    assert.deepStrictEqual(open(), [".m1n"])
    const { measured = [], toolless } = input("1n").conversation
    assert.isAbove(measured.length, 5)
    assert.isTrue(toolless)
    decide("m1n", decisionText("SELL"))
    const [{ decision, metadata, tool_calls } = assert.fail()] = decisions()
    assert.deepStrictEqual([decision, metadata.policy, tool_calls.length], ["SELL", MODEL, measured.length])
    assert.deepStrictEqual(metadata.usage, usage(1, { input_tokens: 0, output_tokens: 0, cost_usd: 0 }))
  })

  it("that is known to take none is asked without them at once", () => {
    const { decider, analyze, open } = world(MODEL, { refusesTools: (model) => model === MODEL })
    analyze()
    assert.deepStrictEqual(open(), [".t0"])
    decider.runOne()
    assert.deepStrictEqual(open(), [".m1n"])
  })

  it("reads what it asks of a tool with patience, and tells it what the tool does not know", () => {
    const { decider, analyze, say, input } = world()
    analyze()
    say(1, "", [
      { name: "rsi", input: { period: "14", symbol: "XYZ" } },
      { name: "sma", input: '{"period": "20", "slow_period": null}' },
      { name: "macd", input: { period: "soon" } }
    ])
    decider.runOne()
    const calls = input(2).conversation.turns[0]?.calls ?? []
    assert.deepStrictEqual(
      calls.map(({ status, input: used, ignored }) => [status, used, ignored]),
      [
        ["success", { period: 14 }, ["symbol"]],
        ["success", { period: 20 }, undefined],
        ["failed", { period: "soon" }, undefined]
      ]
    )
  })

  it("falls back on its own rules after two answers that are none, and says so", () => {
    const { decider, analyze, say, decisions, open, report } = world()
    analyze()
    say(1, "BUY, I guess")
    say(2, "I said BUY", [RSI])
    assert.deepStrictEqual(open(), [""], "tools are not given any more")
    decider.runOne()
    const [{ decision, reasoning, metadata } = assert.fail()] = decisions()
    assert.strictEqual(decision, "HOLD")
    assert.match(reasoning, /^By the agent's own rules, because ollama:a gave no answer \(.*one JSON object/)
    assert.strictEqual(metadata.policy, "scripted")
    assert.deepStrictEqual(metadata.fallback, {
      ...{ model: MODEL, kind: "invalid_answer", reason: "the answer must be one JSON object and nothing else" }
    })
    assert.deepStrictEqual(metadata.usage, usage(2))
    assert.deepStrictEqual(report().models[0]?.usage, usage(2))
  })

  it.each<ModelErrorKind>(["refused", "rate_limited", "circuit_open", "timeout", "not_configured"])(
    "falls back at once when the model is %s, and votes",
    (kind) => {
      const { decider, analyze, fail, decisions, words, open } = world()
      analyze()
      fail(1, kind)
      assert.deepStrictEqual(open(), [""])
      assert.strictEqual(decider.timers.size, 0)
      decider.runOne()
      assert.deepStrictEqual(decisions()[0]?.metadata.fallback, { model: MODEL, kind, reason: `it is ${kind}` })
      assert.include(JSON.stringify(words()), "HOLD")
    }
  )

  it("has no more than six turns with tools, and then one without", () => {
    const { decider, analyze, say, input, decisions } = world()
    analyze()
    for (let turn = 1; turn <= 6; turn++) {
      say(turn, "", [RSI])
      decider.runOne()
    }
    assert.lengthOf(input(7).conversation.turns, 6)
    say(7, decisionText("SELL"))
    assert.strictEqual(decisions()[0]?.metadata.turns, 7)
  })

  it("measures beforehand for a model that cannot ask for tools", () => {
    const { decider, analyze, say, input, open, decisions } = world("perplexity:sonar")
    analyze()
    assert.deepStrictEqual(open(), [".t0"])
    decider.runOne()
    const { measured = [] } = input(1).conversation
    assert.isAbove(measured.length, 0)
    assert.strictEqual(measured[0]?.execution_id, `${ROUND}.market_analyst.0.1`)
    say(1, decisionText("SELL"))
    assert.lengthOf(decisions()[0]?.tool_calls ?? [], measured.length)
  })

  it("leaves a model whose time is over, and takes nothing that comes later", () => {
    const { decider, analyze, begin, open, decisions, report } = world()
    analyze()
    begin(1, "a")
    decider.advance(11_999)
    assert.deepStrictEqual(open(), [".m1"])
    decider.advance(1)
    assert.deepStrictEqual(open(), [""])
    begin(1, "b")
    decider.runOne()
    const lost = { ...usage(0), calls: 2, lost_calls: 2, estimated_lost_cost_usd: 0.002 }
    assert.deepStrictEqual(decisions()[0]?.metadata.usage, lost)
    begin(1, "c")
    assert.deepStrictEqual(report().models[0]?.usage, {
      ...lost,
      calls: 3,
      lost_calls: 3,
      estimated_lost_cost_usd: 0.003
    })
    decider.advance(60_000)
    assert.lengthOf(decisions(), 1)
  })

  it("says that its round ended before the time it may have, where it did", () => {
    const { decider, analyze, decisions } = world()
    analyze({ deadline: decider.now + 5_000 })
    decider.advance(3_500)
    decider.runOne()
    assert.deepInclude(decisions()[0]?.metadata.fallback, {
      reason: "the time for the analysis is over; its round takes no votes later"
    })
  })

  it("keeps time for its own rules where the round is short", () => {
    const { decider, analyze, input } = world()
    analyze({ deadline: decider.now + 5_000 })
    assert.strictEqual(input(1).deadline, decider.now + 3_500)
    analyze({ consensus_id: OTHER, deadline: decider.now + 500 })
    decider.advance(0)
    assert.isTrue(decider.activities.has(`${AGENT}#${OTHER}`), "no time at all: its own rules")
  })

  it("counts a call whose node died, and the one that took its place; each once", () => {
    const { analyze, begin, answer, decisions, report } = world()
    analyze()
    begin(1, "died")
    begin(1, "died")
    begin(1, "second")
    answer(1, { turn: turnOf(decisionText("BUY")), receipts: [receipt("second")] })
    const both = usage(1, { calls: 2, lost_calls: 1, estimated_lost_cost_usd: 0.001 })
    assert.deepStrictEqual(decisions()[0]?.metadata.usage, both)
    assert.deepStrictEqual(report(), {
      agent_id: "market_analyst_ACME",
      policy: MODEL,
      unavailable_tools: [],
      open_requests: 0,
      models: [{ model: MODEL, usage: both, breaker: "closed", breaker_seen: "2024-01-02T00:00:00.000Z" }]
    })
  })

  it("adds up failures: what was refused costs nothing, what was cut off is lost, and an unknown price stays unknown", () => {
    const { analyze, begin, answer, decisions } = world()
    analyze()
    for (const id of ["refused", "slow", "good"]) begin(1, id)
    answer(1, {
      turn: turnOf(decisionText("BUY")),
      breaker: "open",
      receipts: [
        receipt("refused", { input_tokens: null, output_tokens: null, cost_usd: 0 }),
        receipt("slow", { input_tokens: null, output_tokens: null, cost_usd: 0, lost: true }),
        receipt("good", { cost_usd: null })
      ]
    })
    assert.deepStrictEqual(
      decisions()[0]?.metadata.usage,
      usage(1, { calls: 3, lost_calls: 1, cost_usd: null, estimated_lost_cost_usd: 0.001 })
    )
  })

  it("that is cancelled leaves the model; what it was asked is lost", () => {
    const { decider, analyze, begin, open, decisions, report } = world()
    analyze()
    begin(1, "a")
    decider.ask(protocol, "ACME", "Cancel", { consensus_id: ROUND })
    assert.deepStrictEqual([open(), decider.timers.size, decisions().length], [[], 0, 0])
    assert.strictEqual(report().models[0]?.usage.lost_calls, 1)
  })

  it("finishes by its own rules what another node began with a model", () => {
    const { decider, analyze, decisions } = world()
    analyze()
    const without = agentActor("market_analyst", () => Effect.succeed(opinionOf("SELL", 0.6)))
    decider.replace(without)
    decider.runOne()
    decider.runOne()
    assert.deepStrictEqual(decisions()[0]?.metadata.fallback, {
      ...{ model: MODEL, kind: "not_configured", reason: "this node has no ollama:a" }
    })
    assert.strictEqual(decisions()[0]?.decision, "SELL")
  })
})

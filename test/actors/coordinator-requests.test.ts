import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  ConsensusProtocol,
  type ConsensusRequest,
  ConsensusResult,
  CoordinatorProtocol
} from "../../protocols/index.ts"
import { opinionOf } from "../support/bars.ts"
import type { Answer } from "../support/decider.ts"
import { OPTIONS, openPanel, prices } from "../support/panel.ts"

const Opened = Schema.Struct({ consensus_id: Schema.String })
const Requested = Schema.Struct({ payload: Schema.Record(Schema.String, Schema.Unknown) })

const panel = () => {
  const opened = openPanel()
  const { world } = opened
  const request = (more: Partial<ConsensusRequest> = {}) =>
    world.ask(CoordinatorProtocol, "ACME", "RequestConsensus", { request: { correlation_id: "r", ...more } })
  const cancel = (correlation_id: string) =>
    world.ask(CoordinatorProtocol, "ACME", "CancelAnalysis", { correlation_id, reason: "not needed" })
  const resultOf = (id: string) =>
    Schema.decodeUnknownSync(ConsensusResult)(world.ask(ConsensusProtocol, id, "GetResult", {})?.body)
  const requests = () =>
    world.seen("coordination.consensus_request.ACME").map((seen) => Schema.decodeUnknownSync(Requested)(seen).payload)
  const ask = (name: string, timeout_ms: number) =>
    world.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: name, timeout_ms }, name)
  return { ...opened, request, cancel, resultOf, requests, ask }
}

describe("a round that is requested", () => {
  it("is opened at once beside the analysis that runs, with the panel, and decides nothing for the symbol", () => {
    const { world, bar, request, resultOf, status, decisions } = panel()
    bar(0)
    const running = status().analyzing
    const answer = request({ method: "unanimous", question: "now?" })
    const { consensus_id } = Schema.decodeUnknownSync(Opened)(answer?.body)
    assert.notStrictEqual(consensus_id, running)
    assert.strictEqual(status().analyzing, running)
    world.runActivities()
    assert.deepInclude(resultOf(consensus_id), { method: "unanimous", final_decision: "BUY", closed_by: "all_votes" })
    assert.lengthOf(decisions(), 1)
    assert.deepInclude(status(), { analyzing: null, decisions: 1 })
  })

  it("asks of the panel only who is invited, and waits for voters outside", () => {
    const { world, bar, request, resultOf } = panel()
    bar(0)
    world.runActivities()
    const outside = { agent_id: "ada", agent_type: "human" }
    const invited = [{ agent_id: "risk_advisor_ACME", agent_type: "risk_advisor" }, outside]
    const { consensus_id } = Schema.decodeUnknownSync(Opened)(request({ invited })?.body)
    assert.deepStrictEqual(
      [...world.activities.values()].map(({ owner }) => owner.type),
      ["risk_advisor"]
    )
    world.runActivities()
    const vote = { ...outside, decision: "BUY", confidence: 0.9, reasoning: "" } as const
    world.ask(ConsensusProtocol, consensus_id, "CastVote", { vote })
    assert.deepInclude(resultOf(consensus_id), {
      final_decision: "BUY",
      participating_agents: ["risk_advisor_ACME", "ada"]
    })
  })

  it("is refused where what it leaves open makes it break a rule, or its agents have nothing to look at", () => {
    const { bar, request } = panel()
    assert.deepStrictEqual(request()?.body, { _tag: "NoMarketData", symbol: "ACME" })
    const outside = [{ agent_id: "ada", agent_type: "human" }]
    assert.strictEqual(request({ invited: outside })?.outcome, "ok")
    bar(0)
    assert.deepStrictEqual(request({ quorum: 4 })?.body, {
      _tag: "InvalidRound",
      symbol: "ACME",
      field: "quorum",
      rule: "the quorum is more than the 3 who are invited"
    })
    assert.deepInclude(request({ invited: [] })?.body, { _tag: "InvalidRound", field: "invited" })
  })

  it("lets nobody outside speak under the name of an agent of the panel", () => {
    const { request } = panel()
    const outside = { agent_id: "ada", agent_type: "oracle", external: true }
    const named = { agent_id: "risk_advisor_ACME", agent_type: "oracle", external: true }
    const refused = { _tag: "InvalidRound", rule: "this is the name of an agent inside" }
    assert.deepInclude(request({ invited: [outside, named] })?.body, { ...refused, field: "invited.1.agent_id" })
    const humans = [{ agent_id: "risk_advisor_ACME", agent_type: "human", external: true }]
    assert.deepInclude(request({ invited: [outside], humans })?.body, { ...refused, field: "humans.0.agent_id" })
    const hashed = { ...named, external: false, token_hash: "0".repeat(64) }
    assert.deepInclude(request({ invited: [hashed] })?.body, { ...refused, field: "invited.0.agent_id" })
  })
})

describe("the weights that a coordinator is given", () => {
  it("go into every round from then on, unless the request has its own", () => {
    const { world, bar, request, requests } = panel()
    bar(0)
    assert.notProperty(requests()[0], "weights")
    const weights = { risk_advisor_ACME: 3 }
    world.ask(CoordinatorProtocol, "ACME", "SetWeights", { weights })
    world.runActivities()
    bar(1)
    assert.deepStrictEqual(requests()[1]?.weights, weights)
    request({ weights: { market_analyst_ACME: 0 } })
    assert.deepStrictEqual(requests()[2]?.weights, { market_analyst_ACME: 0 })
  })
})

describe("an analysis with a deadline", () => {
  it("is given up when its turn has not come by then, and who asked is told at that time", () => {
    const { world, bar, ask, status, panelAnswers } = panel()
    bar(0)
    ask("late", 1_000)
    ask("later", 3_000)
    ask("patient", 60_000)
    assert.strictEqual(status().waiting, 3)
    world.advance(999)
    assert.isUndefined(world.answers.get("late"))
    world.advance(1)
    assert.deepStrictEqual(world.answers.get("late"), {
      outcome: "error",
      body: { _tag: "DeadlinePassed", symbol: "ACME" }
    })
    assert.isUndefined(world.answers.get("later"))
    world.advance(2_000)
    assert.deepInclude(world.answers.get("later")?.body, { _tag: "DeadlinePassed" })
    panelAnswers()
    panelAnswers()
    assert.strictEqual(world.answers.get("patient")?.outcome, "ok")
    assert.deepInclude(status(), { analyzing: null, waiting: 0, decisions: 2 })
  })

  it("takes votes no longer than until then", () => {
    const { world, bar, ask, panelAnswers, requests } = panel()
    bar(0)
    ask("short", 1_500)
    world.advance(500)
    panelAnswers()
    assert.strictEqual(requests()[1]?.timeout_ms, 1_000)
    world.advance(1_000)
    assert.strictEqual(world.answers.get("short")?.outcome, "ok")
  })
})

describe("an analysis that is cancelled", () => {
  it("is forgotten while it waits, and its round closed and its panel stopped while it runs", () => {
    const { world, bar, analyze, cancel, status, decisions, panelAnswers } = panel()
    bar(0, "bar-0")
    analyze("waiting")
    assert.deepStrictEqual(cancel("waiting")?.body, { cancelled: "waiting" })
    const cancelled: Answer = { outcome: "error", body: { _tag: "AnalysisCancelled", symbol: "ACME" } }
    assert.deepStrictEqual(world.answers.get("waiting"), cancelled)
    assert.deepInclude(cancel("waiting")?.body, { _tag: "UnknownAnalysis", correlation_id: "waiting" })

    analyze("running", prices.slice(0, 3))
    panelAnswers()
    assert.lengthOf([...world.activities.values()], 3)
    assert.deepStrictEqual(cancel("running")?.body, { cancelled: "running" })
    assert.deepStrictEqual(world.answers.get("running"), cancelled)
    assert.lengthOf([...world.activities.values()], 0)
    assert.lengthOf(decisions(), 1)
    assert.deepInclude(status(), { analyzing: null, waiting: 0 })
    assert.deepStrictEqual(
      [...world.timers.values()].filter(({ owner }) => owner.type !== "performance"),
      []
    )
    analyze("next", prices.slice(0, 3))
    panelAnswers()
    assert.strictEqual(world.answers.get("next")?.outcome, "ok")
  })
})

describe("performance feedback", () => {
  it("tells after each analysis who was heard, and who said what was decided", () => {
    const { world, bar, status } = panel()
    bar(0)
    const id = status().analyzing!
    world.succeed("market_analyst/ACME", id, opinionOf("BUY", 0.9))
    world.succeed("risk_advisor/ACME", id, opinionOf("SELL", 0.7))
    world.advance(OPTIONS.roundTimeoutMillis)
    const [seen, ...more] = world.seen("coordination.performance_feedback.ACME")
    assert.lengthOf(more, 0)
    const { payload } = Schema.decodeUnknownSync(Requested)(seen)
    assert.deepInclude(payload, { consensus_id: id, final_decision: "SELL", consensus_achieved: false })
    assert.deepStrictEqual(payload.agents, [
      { agent_id: "market_analyst_ACME", voted: true, decision: "BUY", confidence: 0.9, agreed: false },
      { agent_id: "risk_advisor_ACME", voted: true, decision: "SELL", confidence: 0.7, agreed: true },
      { agent_id: "strategy_optimizer_ACME", voted: false, reason: "no answer by the deadline" }
    ])
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { decodeTime } from "ulid"
import { coordinatorActor, WAITING_MAX } from "../../actors/coordinator/actor.ts"
import { allActors } from "../../actors/index.ts"
import { PolicyError } from "../../actors/policy.ts"
import { quantPolicy } from "../../actors/quant/policy.ts"
import {
  AnalysisResult,
  agentProtocol,
  ConsensusProtocol,
  CoordinatorProtocol,
  toWindow
} from "../../protocols/index.ts"
import type { Actor, Protocol } from "../../runtime/index.ts"
import { opinionOf, PANEL } from "../support/bars.ts"
import { Decider } from "../support/decider.ts"
import { OPTIONS, openPanel, prices } from "../support/panel.ts"

/** An actor that takes every message and does nothing. */
const silentActor = (protocol: Protocol): Actor => ({
  type: protocol.type,
  definition: {
    protocol,
    state: Schema.Null,
    initial: () => null,
    events: {},
    decide: Object.fromEntries(Object.keys(protocol.messages).map((name) => [name, () => []])),
    evolve: {}
  }
})

describe("the coordinator", () => {
  it("turns a bar into an analysis, three votes and one final decision", () => {
    const { world, bar, status, decisions } = openPanel()
    assert.deepStrictEqual(bar(0, "bar-0")?.body, { accepted: true })
    assert.lengthOf(world.seen("market.ACME"), 1)
    assert.isNotNull(status().analyzing)
    assert.lengthOf(decisions(), 0)
    world.runActivities()

    const [decision, ...more] = decisions()
    assert.lengthOf(more, 0)
    assert.deepInclude(decision, {
      final_decision: "BUY",
      consensus_achieved: true,
      correlation_id: "bar-0",
      bar_time: "2024-01-01T00:00:00.000Z",
      price: 100
    })
    assert.deepStrictEqual(
      decision!.votes.map((vote) => vote.agent_type),
      [...PANEL]
    )
    assert.deepInclude(status(), { analyzing: null, decisions: 1, bars: 1, last_bar_time: prices[0]!.time })
    const order = world.published.map((event) => event.subject.split(".").slice(0, 2).join("."))
    assert.deepStrictEqual(order.slice(0, 2), ["market.ACME", "coordination.consensus_request"])
    assert.strictEqual(order.at(-1), "coordination.final_decision")
  })

  it("gives up an analysis whose round is never heard of, tells who asked, and goes on", () => {
    const silent = [ConsensusProtocol, ...PANEL.map(agentProtocol)].map(silentActor)
    const world = new Decider([coordinatorActor(OPTIONS), ...silent])
    const ask = (name: string) =>
      world.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: name, bars: toWindow(prices) }, name)
    assert.isUndefined(ask("first"))
    assert.isUndefined(ask("second"))
    world.advance(OPTIONS.roundTimeoutMillis + 30_000)
    assert.deepInclude(world.answers.get("first"), { outcome: "error" })
    assert.deepInclude(world.answers.get("first")?.body, { _tag: "AnalysisLost", symbol: "ACME" })
    assert.isUndefined(world.answers.get("second"), "it is under way now")
    world.advance(OPTIONS.roundTimeoutMillis + 30_000)
    assert.deepInclude(world.answers.get("second")?.body, { _tag: "AnalysisLost" })
    const status = world.ask(CoordinatorProtocol, "ACME", "GetStatus", {})?.body
    assert.deepInclude(status, { decisions: 0 }, "nothing was decided")
  })

  it("decides without an agent that fails, and without one that never answers", () => {
    const { world, bar, decisions, status } = openPanel()
    bar(0)
    const id = status().analyzing!
    world.fail("risk_advisor/ACME", id, "failure", "no model")
    world.succeed("market_analyst/ACME", id, opinionOf("SELL", 0.9))
    assert.lengthOf(decisions(), 0)
    world.advance(5000)
    assert.deepInclude(decisions()[0], {
      closed_by: "deadline",
      // One of three is no quorum.
      consensus_achieved: false,
      final_decision: "SELL",
      missing_agents: ["risk_advisor_ACME", "strategy_optimizer_ACME"]
    })
    world.succeed("strategy_optimizer/ACME", id, opinionOf("BUY", 1))
    assert.lengthOf(decisions(), 1)
    assert.lengthOf(world.seen("coordination.vote.ACME"), 1)
  })

  it("conflates the bars that come while it analyses into one more analysis of the newest", () => {
    const { world, bar, decisions, status } = openPanel()
    bar(0)
    const first = status().analyzing
    for (const index of [1, 2, 3]) assert.strictEqual(bar(index, `bar-${index}`)?.outcome, "ok")
    assert.strictEqual(status().analyzing, first)
    world.runActivities()
    assert.deepStrictEqual(
      decisions().map(({ price, correlation_id }) => [price, correlation_id]),
      [
        [100, decisions()[0]!.correlation_id],
        [103, "bar-3"]
      ]
    )
    assert.deepInclude(status(), { analyzing: null, bars: 4, decisions: 2 })
  })

  it("refuses a bar that is not newer than the last, and publishes nothing of it", () => {
    const { world, bar } = openPanel()
    bar(1)
    const before = world.published.length
    for (const index of [1, 0]) {
      assert.deepStrictEqual(bar(index), {
        outcome: "error",
        body: { _tag: "StaleBar", symbol: "ACME", time: prices[index]!.time, last_time: prices[1]!.time }
      })
    }
    assert.lengthOf(world.published, before)
  })

  it("answers a request when its round closes, from the bars it came with, and leaves its own window alone", () => {
    const { world, analyze, status, answer, decisions } = openPanel()
    assert.isUndefined(analyze("r1", prices.slice(0, 60)))
    assert.deepInclude(status(), { bars: 0, last_bar_time: null })
    world.runActivities()
    assert.deepInclude(answer("r1"), { final_recommendation: "BUY", correlation_id: "r1", missing_agents: [] })
    assert.strictEqual(answer("r1").consensus_id, decisions()[0]!.consensus_id)
    assert.strictEqual(decisions()[0]!.price, 159)
    assert.deepInclude(status(), { bars: 0, decisions: 1 })
  })

  it("refuses to analyse nothing, and more than may wait", () => {
    const { world, bar, analyze } = openPanel()
    const nothing = { outcome: "error", body: { _tag: "NoMarketData", symbol: "ACME" } } as const
    assert.deepStrictEqual(analyze("r"), nothing)
    assert.deepStrictEqual(analyze("empty", []), nothing)
    bar(0)
    for (let index = 0; index < WAITING_MAX; index++) assert.isUndefined(analyze(`r${index}`))
    assert.deepStrictEqual(analyze("late"), {
      outcome: "error",
      body: { _tag: "CoordinatorBusy", symbol: "ACME", waiting: WAITING_MAX }
    })
    world.runActivities()
    for (let index = 0; index < WAITING_MAX; index++) assert.strictEqual(world.answers.get(`r${index}`)?.outcome, "ok")
  })

  it("takes turns between requests and bars, so that neither keeps the other out", () => {
    const { bar, analyze, decisions, panelAnswers } = openPanel()
    bar(0, "bar-0")
    const old = prices.slice(0, 1)
    for (const name of ["r1", "r2", "r3"]) analyze(name, old)
    bar(1, "bar-1")
    panelAnswers()
    bar(2, "bar-2")
    for (let round = 0; round < 4; round++) panelAnswers()
    assert.deepStrictEqual(
      decisions().map(({ correlation_id }) => correlation_id),
      ["bar-0", "r1", "bar-2", "r2", "r3"]
    )
  })

  it("lets a request for the newest bars stand for the analysis of those bars", () => {
    const { world, bar, analyze, decisions } = openPanel()
    bar(0, "bar-0")
    bar(1, "bar-1")
    analyze("r1")
    world.runActivities()
    assert.deepStrictEqual(
      decisions().map(({ correlation_id, price }) => [correlation_id, price]),
      [
        ["bar-0", 100],
        ["r1", 101]
      ]
    )
  })

  it("ignores the end of a round that it does not wait for", () => {
    const { world, bar, decisions, status } = openPanel()
    bar(0)
    world.runActivities()
    const { bar_time: _, price: __, ...result } = decisions()[0]!
    world.ask(CoordinatorProtocol, "ACME", "RoundClosed", { result })
    bar(1)
    world.ask(CoordinatorProtocol, "ACME", "RoundClosed", { result })
    assert.lengthOf(decisions(), 1)
    assert.isNotNull(status().analyzing)
  })

  it("gives each analysis an id that tells its time and is the same for the same messages", () => {
    const ids = () => {
      const { world, bar, decisions } = openPanel()
      for (const index of [0, 1, 2]) {
        bar(index)
        world.runActivities()
      }
      return decisions().map((decision) => decision.consensus_id)
    }
    assert.deepStrictEqual(ids(), ids())
    assert.lengthOf(new Set(ids()), 3)
    for (const id of ids()) assert.strictEqual(decodeTime(id), Date.UTC(2024, 0, 2))
  })

  it("names a correlation itself where the sender's is none", () => {
    const { world, bar, decisions } = openPanel()
    bar(0, "feed-BTC/USDT-0")
    world.runActivities()
    assert.match(decisions()[0]!.correlation_id, /^[0-9A-Z]{26}$/)
  })

  it("keeps the newest bars only, and looks at no more of a request's", () => {
    const { world, bar, status } = openPanel()
    for (const index of prices.keys()) bar(index)
    assert.strictEqual(status().bars, 128)
    world.runActivities()
    const column = (field: "time" | "open" | "high" | "low" | "close" | "volume") => prices.map((each) => each[field])
    const whole = {
      time: column("time"),
      open: column("open"),
      high: column("high"),
      low: column("low"),
      close: column("close"),
      volume: column("volume")
    }
    world.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: "r1", bars: whole })
    const [open1] = world.activities.values()
    const { bars } = Schema.decodeUnknownSync(
      Schema.Struct({ bars: Schema.Struct({ time: Schema.Array(Schema.Int) }) })
    )(open1?.input)
    assert.lengthOf(bars.time, 128)
    assert.strictEqual(bars.time.at(-1), prices.at(-1)!.time)
  })

  it("refuses a request whose bars are not sound and in order of time, before it is sent", () => {
    const { analyze } = openPanel()
    assert.throws(() => analyze("r1", prices.toReversed()), /the time of bar 1 is not after that of the bar before it/)
    assert.throws(() => analyze("r2", [prices[0]!, prices[0]!]), /the time of bar 1 is not after/)
    assert.throws(() => analyze("r3", [{ ...prices[0]!, high: 1 }]), /bar 0: high is below low/)
  })

  it("refuses options with which no round could be opened", () => {
    assert.throws(() => coordinatorActor({ ...OPTIONS, roundTimeoutMillis: 0 }), /timeout must be above 0/)
    assert.throws(() => coordinatorActor({ ...OPTIONS, panel: ["risk_advisor", "risk_advisor"] }), /invited twice/)
  })

  it("comes to the same decision twice with the quant policy, though one agent is down", () => {
    const decide = () => {
      const world = new Decider(
        allActors({
          ...OPTIONS,
          policy: (request) =>
            request.agentType === "risk_advisor"
              ? Effect.fail(new PolicyError({ detail: "down" }))
              : quantPolicy(request)
        })
      )
      world.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: "r1", bars: toWindow(prices) }, "r1")
      world.runActivities()
      return world.answers.get("r1")
    }
    const first = Schema.decodeUnknownSync(AnalysisResult)(decide()?.body)
    assert.deepStrictEqual(Schema.decodeUnknownSync(AnalysisResult)(decide()?.body), first)
    assert.deepStrictEqual(first.missing_agents, ["risk_advisor_ACME"])
    assert.strictEqual(first.final_recommendation, "BUY")
  })
})

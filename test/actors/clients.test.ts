import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { allActors } from "../../actors/index.ts"
import {
  type Client,
  ConsensusProtocol,
  CoordinatorProtocol,
  CoordinatorStatus,
  PortfolioProtocol,
  PortfolioView
} from "../../protocols/index.ts"
import { opinionOf } from "../support/bars.ts"
import { Decider } from "../support/decider.ts"
import { openRound, ROUND } from "../support/open-round.ts"
import { OPTIONS, openPanel, prices } from "../support/panel.ts"

const DAY = 86_400_000
const Opened = Schema.Struct({ consensus_id: Schema.String })
const Payload = Schema.Struct({ payload: Schema.Record(Schema.String, Schema.Unknown) })
const NEWS = [{ kind: "news" as const, source: "wire", time: prices[0]!.time, text: "pumped" }]
const MALLORY: Client = { subject: "mallory", trades: false }

/** A symbol whose agents say BUY only where they were told news, and an account that follows it. */
const market = () => {
  const world = new Decider(
    allActors({ policy: () => Effect.succeed(opinionOf("HOLD", 0.9)), ...OPTIONS, accounts: ["main"] })
  )
  const bar = (index: number) => world.ask(CoordinatorProtocol, "ACME", "Bar", { bar: prices[index]! })
  const analyze = (client: Client | undefined, name: string) =>
    world.ask(
      CoordinatorProtocol,
      "ACME",
      "Analyze",
      { correlation_id: name, context: NEWS, ...(client === undefined ? {} : { client }) },
      name
    )
  /** Answers what is open. */
  const say = (decision: "BUY" | "HOLD") => {
    for (const { owner, key, name } of [...world.activities.values()]) {
      if (name === "analyze") world.succeed(`${owner.type}/${owner.id}`, key, opinionOf(decision, 0.9))
    }
  }
  const orders = () => {
    const found = world.ask(PortfolioProtocol, "main", "GetPortfolio", {})
    return found?.outcome === "ok" ? Schema.decodeUnknownSync(PortfolioView)(found.body).counts.orders : 0
  }
  const status = () =>
    Schema.decodeUnknownSync(CoordinatorStatus)(world.ask(CoordinatorProtocol, "ACME", "GetStatus", {})?.body)
  const decisions = () =>
    world
      .seen("coordination.final_decision.ACME")
      .map((seen) => Schema.decodeUnknownSync(Payload)(seen).payload)
      .map(({ final_decision, advice }) => [final_decision, advice === true])
  return { world, bar, analyze, say, orders, status, decisions }
}

describe("what a client's analysis led to", () => {
  it("is its own where it may not trade: not traded on, not learnt from, and not in place of the market's", () => {
    const { world, bar, analyze, say, orders, decisions, status } = market()
    bar(0)
    say("HOLD")
    analyze(MALLORY, "m")
    // A bar that comes meanwhile is analysed for itself.
    bar(1)
    say("BUY")
    assert.deepInclude(world.answers.get("m")?.body, { final_recommendation: "BUY" })
    assert.strictEqual(orders(), 0)
    assert.isNotNull(status().analyzing, "the bar is not forgotten")
    const heard = world.journal("performance/ACME").filter(({ _tag }) => _tag === "Decided" || _tag === "Heard")
    say("HOLD")
    assert.deepStrictEqual(decisions(), [
      ["HOLD", false],
      ["BUY", true],
      ["HOLD", false]
    ])
    assert.isAtMost(heard.length, 1)
    assert.notInclude(JSON.stringify(world.state("coordinator/ACME")), '"decision":"BUY"')
  })

  it("leaves the newest bar to the market where it was asked for before that was looked at", () => {
    const { bar, analyze, say, decisions, world } = market()
    bar(0)
    analyze(MALLORY, "m")
    bar(1)
    say("HOLD")
    say("BUY")
    say("HOLD")
    assert.lengthOf(decisions(), 3)
    assert.strictEqual(world.answers.get("m")?.outcome, "ok")
  })

  it("is traded on where it may trade, and where it is the house's own", () => {
    for (const client of [undefined, { ...MALLORY, trades: true }]) {
      const { bar, analyze, say, orders } = market()
      bar(0)
      say("HOLD")
      analyze(client, "a")
      say("BUY")
      bar(1)
      assert.strictEqual(orders(), 1)
    }
  })
})

describe("a round that a client opened", () => {
  const request = { correlation_id: "c", invited: [{ agent_id: "desk", agent_type: "outsider" }] }

  it("is its own: others neither cancel it nor see it, and are not told whose it is", () => {
    const { world } = openPanel()
    const client: Client = { subject: "ada", trades: true, follow_id: "f" }
    const opened = world.ask(CoordinatorProtocol, "ACME", "RequestConsensus", { request, client, sealed: "s" })
    assert.deepInclude(opened?.body, { correlation_id: "c", sealed: "s" })
    const { consensus_id } = Schema.decodeUnknownSync(Opened)(opened?.body)
    const cancel = (by?: string) =>
      world.ask(ConsensusProtocol, consensus_id, "Cancel", { reason: "x", ...(by === undefined ? {} : { by }) })
    const seenBy = (by?: string) =>
      world.ask(ConsensusProtocol, consensus_id, "GetStatus", by === undefined ? {} : { by })?.outcome
    assert.deepInclude(cancel("mallory")?.body, { _tag: "NotOwner" })
    assert.deepStrictEqual([seenBy("mallory"), seenBy("ada"), seenBy()], ["error", "ok", "ok"])
    const [seen] = world.seen("coordination.consensus_request.ACME")
    assert.notInclude(JSON.stringify(seen), "ada")
    assert.include(JSON.stringify(seen), '"follow_id":"f"')
    const reopening = { ...request, correlation_id: "d", reopens: consensus_id }
    const other = { client: { ...client, subject: "mallory" } }
    world.ask(CoordinatorProtocol, "ACME", "RequestConsensus", { request: reopening, ...other })
    assert.notInclude(JSON.stringify(world.ask(ConsensusProtocol, consensus_id, "GetStatus", {})), '"reopened_by":["')
    assert.strictEqual(cancel("ada")?.outcome, "ok")
  })

  it("is verified with its owner; one of before, which has none, is read as it was", () => {
    for (const [owner, mallory] of [
      [{ owner: "ada", follow_id: "f" }, "error"],
      [{}, "ok"]
    ] as const) {
      const { vote, verify, world } = openRound(owner)
      for (const type of ["market_analyst", "risk_advisor", "oracle"]) vote(type, "BUY", 0.9)
      assert.deepInclude(verify(), { equal: true, differences: [] })
      assert.strictEqual(world.ask(ConsensusProtocol, ROUND, "GetStatus", { by: "mallory" })?.outcome, mallory)
    }
  })

  it("of the house is nobody's to cancel", () => {
    const { world, bar, status } = openPanel()
    bar(0)
    const id = status().analyzing!
    const cancelled = world.ask(ConsensusProtocol, id, "Cancel", { reason: "x", by: "mallory" })
    assert.deepInclude(cancelled?.body, { _tag: "NotOwner" })
  })

  it("has voters of one alphabet, none of whom is taken for one of ours", () => {
    const { world } = openPanel()
    const ask = (agent_id: string, agent_type = "outsider") =>
      world.ask(CoordinatorProtocol, "ACME", "RequestConsensus", {
        request: { correlation_id: "n", invited: [{ agent_id, agent_type, external: true }] }
      })?.outcome
    const taken = ["desk", "oracle_ACME", "__proto__", "a.b@c", "clientele", "analyst", "riskless"]
    const refused = [
      ...["risk_advisor_ACME", "risk_advisor_ACME ", "risk_advisor_ACME\u200b", "Risk_Advisor_ACME"],
      ...["risk_advisor_GLOBEX", "risk-advisor", "riskadvisor", "r1sk_advisor_ACME", "rіsk_advisor_ACME"],
      ...["consensus_ACME", "Consensus.ACME", "coordinator_ACME", "client:ada", "human_ACME", "\u001b[31mx", "é"]
    ]
    for (const name of taken) assert.strictEqual(ask(name), "ok", name)
    for (const name of refused) assert.strictEqual(ask(name), "error", JSON.stringify(name))
    assert.strictEqual(ask("human_ACME", "human"), "ok")
  })
})

describe("an analysis with somebody else's correlation id", () => {
  it("is not theirs to cancel", () => {
    const { world, bar } = openPanel()
    bar(0)
    const ask = (subject: string) =>
      world.ask(
        CoordinatorProtocol,
        "ACME",
        "Analyze",
        { correlation_id: "same", client: { subject, trades: true } },
        subject
      )
    ask("ada")
    ask("bob")
    const cancel = (by: string) =>
      world.ask(CoordinatorProtocol, "ACME", "CancelAnalysis", { correlation_id: "same", reason: "x", by })
    assert.deepInclude(cancel("mallory")?.body, { _tag: "UnknownAnalysis" })
    assert.deepInclude(cancel("bob")?.body, { cancelled: "waiting" })
    assert.deepInclude(world.answers.get("bob")?.body, { _tag: "AnalysisCancelled" })
    assert.isUndefined(world.answers.get("ada"))
  })
})

describe("times that cannot be", () => {
  it("are refused by name, and make no bar of the present stale", () => {
    const { world } = openPanel()
    const far = { ...prices[0]!, time: Number.MAX_SAFE_INTEGER }
    assert.deepInclude(world.ask(CoordinatorProtocol, "ACME", "Bar", { bar: far })?.body, { _tag: "FutureTime" })
    const window = {
      ...{ time: [far.time], open: [1], high: [1], low: [1], close: [1], volume: [1] }
    }
    const asked = world.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: "c", bars: window })
    assert.deepInclude(asked?.body, { _tag: "FutureTime" })
  })

  it("are those far ahead of the clock and of the bar before", () => {
    const world = new Decider(
      allActors({ policy: () => Effect.succeed(opinionOf("BUY", 0.8)), ...OPTIONS, aheadMillis: 7 * DAY })
    )
    const give = (time: number) =>
      world.ask(CoordinatorProtocol, "ACME", "Bar", { bar: { ...prices[0]!, time } })?.outcome
    const { now } = world
    assert.strictEqual(give(now + 8 * DAY), "error")
    // A simulated market runs ahead of the clock, a bar at a time.
    for (const days of [6, 12, 18]) assert.strictEqual(give(now + days * DAY), "ok")
    assert.strictEqual(give(now + 26 * DAY), "error")
  })
})

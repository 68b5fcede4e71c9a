import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { agentActor, OPEN_REQUESTS_MAX } from "../../actors/agent/agent.ts"
import { ANSWERED_KEPT } from "../../actors/agent/state.ts"
import { type Policy, PolicyError } from "../../actors/policy.ts"
import { agentProtocol, ConsensusProtocol, toWindow } from "../../protocols/index.ts"
import { define } from "../../runtime/actor.ts"
import { persist } from "../../runtime/step.ts"
import { dailyBars, opinionOf } from "../support/bars.ts"
import { Decider } from "../support/decider.ts"

const protocol = agentProtocol("market_analyst")
const AGENT = "market_analyst/ACME"
const bars = toWindow(dailyBars([100, 101]))
const round = (number: number) => `01HNZX8JGFACFA36RBXDHE${String(number).padStart(4, "0")}`

/** Stands where the round would, and keeps what it is told. */
const ballotBox = define({
  protocol: {
    ...ConsensusProtocol,
    messages: { CastVote: { payload: Schema.Unknown }, Abstain: { payload: Schema.Unknown } }
  },
  state: Schema.Array(Schema.Unknown),
  initial: () => [],
  events: { Heard: { word: Schema.Unknown } },
  decide: {
    CastVote: (_, word) => [persist({ _tag: "Heard", word } as const)],
    Abstain: (_, word) => [persist({ _tag: "Heard", word } as const)]
  },
  evolve: { Heard: (words, { word }) => [...words, word] }
})

const world = (policy: Policy = () => Effect.succeed(opinionOf("BUY", 0.8))) => {
  const decider = new Decider([agentActor("market_analyst", policy), ballotBox])
  const analyze = (number: number) =>
    decider.ask(protocol, "ACME", "Analyze", {
      consensus_id: round(number),
      correlation_id: "c1",
      symbol: "ACME",
      bars
    })
  const words = (number: number) => decider.state(`consensus/${round(number)}`) ?? []
  const statuses = () =>
    decider.seen("status.market_analyst.ACME").map((data) => Schema.decodeUnknownSync(Status)(data).status)
  return { decider, analyze, words, statuses }
}
const Status = Schema.Struct({ status: Schema.String })

const vote = {
  vote: {
    agent_id: "market_analyst_ACME",
    agent_type: "market_analyst",
    decision: "BUY",
    confidence: 0.8,
    probabilities: opinionOf("BUY", 0.8).probabilities,
    reasoning: "because of BUY"
  }
}
const abstention = (reason: string) => ({
  abstention: { agent_id: "market_analyst_ACME", agent_type: "market_analyst", reason }
})

describe("an agent", () => {
  it("analyses, publishes its tools and its decision, and votes", () => {
    const { decider, analyze, words, statuses } = world()
    analyze(1)
    assert.deepStrictEqual(statuses(), ["analyzing"])
    const call = {
      execution_id: "e1",
      tool_name: "get quote.v2",
      status: "success",
      execution_time_ms: 1.5,
      result: { price: 1 }
    }
    decider.succeed(AGENT, round(1), { ...opinionOf("BUY", 0.8), tool_calls: [call] })
    assert.deepStrictEqual(statuses(), ["analyzing", "idle"])
    assert.deepStrictEqual(words(1), [vote])
    const timestamp = new Date(decider.now).toISOString()
    assert.deepStrictEqual(decider.seen("tool.market_analyst.get_quote_v2"), [
      { ...call, agent_id: "market_analyst_ACME", timestamp }
    ])
    const { vote: said } = vote
    assert.deepStrictEqual(decider.seen("decision.ACME.market_analyst"), [
      {
        ...said,
        symbol: "ACME",
        timestamp,
        tool_calls: [call],
        metadata: { policy: "scripted", consensus_id: round(1) }
      }
    ])
  })

  it("ignores a request it is working on or has answered", () => {
    const { decider, analyze, words } = world()
    analyze(1)
    analyze(1)
    assert.strictEqual(decider.activities.size, 1)
    decider.runActivities()
    analyze(1)
    assert.strictEqual(decider.activities.size, 0)
    assert.deepStrictEqual(words(1), [vote])
    assert.deepStrictEqual(
      decider.journal(AGENT).map((event) => event._tag),
      ["Requested", "Answered"]
    )
  })

  it("abstains with the reason when the policy fails, throws or takes too long, and goes on", () => {
    const policies = [
      () => Effect.fail(new PolicyError({ detail: "no model" })),
      (): never => {
        throw new Error("no model")
      }
    ]
    for (const policy of policies) {
      const { decider, analyze, words, statuses } = world(policy)
      analyze(1)
      decider.runActivities()
      assert.deepStrictEqual(statuses(), ["analyzing", "failed"])
      assert.include(JSON.stringify(words(1)), "no model")
      assert.include(JSON.stringify(words(1)), "abstention")
    }
    const { decider, analyze, words } = world()
    analyze(1)
    decider.fail(AGENT, round(1), "timeout", "")
    assert.deepStrictEqual(words(1), [abstention("the analysis took too long")])
    analyze(2)
    decider.runActivities()
    assert.deepStrictEqual(words(2), [vote])
  })

  it("answers others while a policy hangs, and abstains from what is too much", () => {
    const { decider, analyze, words, statuses } = world()
    for (let number = 1; number <= OPEN_REQUESTS_MAX + 1; number++) analyze(number)
    assert.deepStrictEqual(words(OPEN_REQUESTS_MAX + 1), [abstention("8 analyses are running already")])
    decider.succeed(AGENT, round(2), opinionOf("BUY", 0.8))
    assert.deepStrictEqual(words(2), [vote])
    assert.deepStrictEqual(words(1), [])
    assert.notInclude(statuses(), "idle")
    analyze(99)
    assert.isTrue(decider.activities.has(`${AGENT}#${round(99)}`))
  })

  it("remembers a bounded number of answers", () => {
    const { decider, analyze } = world()
    for (let number = 1; number <= ANSWERED_KEPT + 20; number++) {
      analyze(number)
      decider.runActivities()
    }
    const state = Schema.decodeUnknownSync(
      Schema.Struct({ requests: Schema.Array(Schema.Unknown), answered: Schema.Array(Schema.String) })
    )(decider.state(AGENT))
    assert.lengthOf(state.requests, 0)
    assert.lengthOf(state.answered, ANSWERED_KEPT)
    assert.strictEqual(state.answered.at(-1), round(ANSWERED_KEPT + 20))
  })

  it("publishes a bounded number of tool calls, so that a step fits its batch", () => {
    const { decider, analyze } = world()
    analyze(1)
    const calls = Array.from({ length: 2000 }, (_, index) => ({
      execution_id: `e${index}`,
      tool_name: "loop",
      status: "success",
      execution_time_ms: 0,
      result: null
    }))
    decider.succeed(AGENT, round(1), { ...opinionOf("BUY", 0.8), tool_calls: calls })
    assert.lengthOf(decider.seen("tool.market_analyst.loop"), 64)
  })
})

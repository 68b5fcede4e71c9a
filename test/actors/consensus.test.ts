import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import { consensusActor } from "../../actors/consensus/actor.ts"
import { ConsensusProtocol, ConsensusResult, CoordinatorProtocol, type RoundRequest } from "../../protocols/index.ts"
import { define } from "../../runtime/actor.ts"
import { persist } from "../../runtime/step.ts"
import { PANEL, voteOf } from "../support/bars.ts"
import { type Answer, Decider } from "../support/decider.ts"

const ROUND = "01HNZX8JGFACFA36RBXDHEQN6E"
const REQUEST: RoundRequest = {
  symbol: "ACME",
  correlation_id: "c1",
  invited: [
    { agent_id: "market_analyst_ACME", agent_type: "market_analyst" },
    { agent_id: "risk_advisor_ACME", agent_type: "risk_advisor" },
    { agent_id: "strategy_optimizer_ACME", agent_type: "strategy_optimizer" }
  ],
  method: "weighted_confidence",
  timeout_ms: 5000,
  min_confidence: 0.6
}

/** Stands where the coordinator would, and keeps the results it is told. */
const listener = define({
  protocol: { type: "coordinator", messages: { RoundClosed: CoordinatorProtocol.messages.RoundClosed } },
  state: Schema.Array(ConsensusResult),
  initial: () => [],
  events: { Heard: { result: ConsensusResult } },
  decide: { RoundClosed: (_, { result }) => [persist({ _tag: "Heard", result } as const)] },
  evolve: { Heard: (results, { result }) => [...results, result] }
})

const open = () => {
  const world = new Decider([consensusActor, listener])
  world.ask(ConsensusProtocol, ROUND, "Open", { request: REQUEST, coordinator: "ACME" })
  return {
    world,
    vote: (type: (typeof PANEL)[number], decision: "BUY" | "SELL" | "HOLD", confidence: number) =>
      world.ask(ConsensusProtocol, ROUND, "CastVote", { vote: voteOf(type, decision, confidence) }),
    abstain: (type: (typeof PANEL)[number]) =>
      world.ask(ConsensusProtocol, ROUND, "Abstain", {
        abstention: { agent_id: `${type}_ACME`, agent_type: type, reason: "no model" }
      }),
    results: () => Schema.decodeUnknownSync(Schema.Array(ConsensusResult))(world.state("coordinator/ACME") ?? []),
    tags: () => world.journal(`consensus/${ROUND}`).map((event) => event._tag)
  }
}

const accepted: Answer = { outcome: "ok", body: { accepted: true } }
const refused = (body: object): Answer => ({ outcome: "error", body: { consensus_id: ROUND, ...body } })

describe("a consensus round", () => {
  it("is not opened under an id that its result could not name", () => {
    const world = new Decider([consensusActor])
    const { outcome, body } = world.ask(ConsensusProtocol, "r1", "Open", { request: REQUEST }) ?? {}
    assert.strictEqual(outcome, "error")
    assert.deepInclude(body, { _tag: "InvalidConsensusId", consensus_id: "r1" })
    assert.deepStrictEqual(world.journal("consensus/r1"), [])
  })

  it("takes the votes of all, closes, cancels its deadline, and tells the world and the coordinator", () => {
    const { world, vote, results } = open()
    assert.lengthOf([...world.timers.values()], 1)
    assert.deepInclude(world.seen("coordination.consensus_request.ACME")[0], { message_type: "consensus_request" })
    assert.deepStrictEqual(vote("market_analyst", "BUY", 0.9), accepted)
    vote("strategy_optimizer", "HOLD", 0.6)
    assert.lengthOf(results(), 0)
    vote("risk_advisor", "BUY", 0.7)

    const [result, ...more] = results()
    assert.lengthOf(more, 0)
    assert.deepInclude(result, {
      consensus_id: ROUND,
      symbol: "ACME",
      final_decision: "BUY",
      consensus_achieved: true,
      closed_by: "all_votes",
      participating_agents: ["market_analyst_ACME", "risk_advisor_ACME", "strategy_optimizer_ACME"],
      missing_agents: []
    })
    assert.closeTo(result!.confidence, 0.8, 1e-12)
    assert.notProperty(result, "resolution")
    assert.lengthOf(world.seen("coordination.vote.ACME"), 3)
    const [announced] = world.seen("coordination.consensus_result.ACME")
    assert.deepStrictEqual(announced, {
      sender_agent_id: "consensus_ACME",
      recipient_agent_id: null,
      message_type: "consensus_result",
      payload: result,
      timestamp: new Date(world.now).toISOString()
    })
    assert.strictEqual(world.timers.size, 0)
  })

  it("closes at its deadline with the votes that are there, and names who was missing", () => {
    const { world, vote, results } = open()
    vote("market_analyst", "SELL", 0.7)
    vote("risk_advisor", "SELL", 0.9)
    world.advance(4999)
    assert.lengthOf(results(), 0)
    world.advance(1)
    assert.deepInclude(results()[0], {
      final_decision: "SELL",
      consensus_achieved: true,
      closed_by: "deadline",
      missing_agents: ["strategy_optimizer_ACME"]
    })
  })

  it("holds without confidence where nobody votes", () => {
    const { world, results } = open()
    world.advance(5000)
    assert.deepInclude(results()[0], { final_decision: "HOLD", confidence: 0, consensus_achieved: false })
  })

  it("does not wait for those who abstain, and keeps why they did", () => {
    const { vote, abstain, results } = open()
    vote("market_analyst", "BUY", 0.9)
    assert.deepStrictEqual(abstain("strategy_optimizer"), accepted)
    vote("risk_advisor", "BUY", 0.7)
    assert.deepInclude(results()[0], { closed_by: "all_votes", missing_agents: ["strategy_optimizer_ACME"] })
    assert.deepStrictEqual(results()[0]!.abstentions, [
      { agent_id: "strategy_optimizer_ACME", agent_type: "strategy_optimizer", reason: "no model" }
    ])
  })

  it("refuses who is not invited, who has spoken, and who comes too late", () => {
    const { world, vote, abstain, tags, results } = open()
    const agent_id = "market_analyst_ACME"
    vote("market_analyst", "BUY", 0.9)
    assert.deepStrictEqual(vote("market_analyst", "SELL", 1), refused({ _tag: "DuplicateVote", agent_id }))
    assert.deepStrictEqual(abstain("market_analyst"), refused({ _tag: "DuplicateVote", agent_id }))
    const stranger = { ...voteOf("risk_advisor", "SELL", 1), agent_id: "risk_advisor_EVIL" }
    assert.deepStrictEqual(
      world.ask(ConsensusProtocol, ROUND, "CastVote", { vote: stranger }),
      refused({ _tag: "NotInvited", agent_id: "risk_advisor_EVIL" })
    )
    const disguised = { ...voteOf("risk_advisor", "SELL", 1), agent_id: "strategy_optimizer_ACME" }
    assert.deepInclude(world.ask(ConsensusProtocol, ROUND, "CastVote", { vote: disguised })?.body, {
      _tag: "NotInvited"
    })
    abstain("risk_advisor")
    assert.deepInclude(vote("risk_advisor", "SELL", 1)?.body, { _tag: "DuplicateVote" })
    vote("strategy_optimizer", "BUY", 0.8)
    assert.deepStrictEqual(
      tags().filter((tag) => tag !== "Refused"),
      ["Opened", "VoteCast", "Abstained", "VoteCast", "Closed"]
    )
    assert.deepStrictEqual(vote("risk_advisor", "SELL", 1), refused({ _tag: "RoundClosed" }))
    assert.deepStrictEqual(abstain("risk_advisor"), refused({ _tag: "RoundClosed" }))
    assert.strictEqual(tags().filter((tag) => tag === "Refused").length, 7)
    assert.deepStrictEqual(results()[0]!.refusals, { UnknownRound: 0, RoundClosed: 0, NotInvited: 2, DuplicateVote: 3 })
  })

  it("knows nothing of a round that was not opened", () => {
    const world = new Decider([consensusActor])
    const unknown = refused({ _tag: "UnknownRound" })
    assert.deepStrictEqual(
      world.ask(ConsensusProtocol, ROUND, "CastVote", { vote: voteOf("risk_advisor", "SELL", 1) }),
      unknown
    )
    assert.deepStrictEqual(world.ask(ConsensusProtocol, ROUND, "GetResult", {}), unknown)
    world.ask(ConsensusProtocol, ROUND, "RoundDeadline", {})
    assert.deepStrictEqual(world.journal(`consensus/${ROUND}`), [])
  })

  it("ignores a second opening, and a deadline after the close", () => {
    const { world, vote, tags, results } = open()
    vote("market_analyst", "BUY", 0.9)
    world.ask(ConsensusProtocol, ROUND, "Open", { request: { ...REQUEST, timeout_ms: 1 }, coordinator: "EVIL" })
    assert.deepStrictEqual(world.ask(ConsensusProtocol, ROUND, "GetResult", {}), { outcome: "ok", body: null })
    world.advance(5000)
    world.ask(ConsensusProtocol, ROUND, "RoundDeadline", {})
    assert.deepStrictEqual(tags(), ["Opened", "VoteCast", "Closed"])
    assert.deepStrictEqual(world.ask(ConsensusProtocol, ROUND, "GetResult", {}), {
      outcome: "ok",
      body: results()[0]
    })
  })

  it("closes exactly once, with one result for the same words in any order", () => {
    const word = fc.record({
      type: fc.constantFrom(...PANEL),
      says: fc.constantFrom("BUY", "SELL", "HOLD", "nothing"),
      confidence: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10)
    })
    const words = fc.array(word, { maxLength: 6 })
    fc.assert(
      fc.property(words, fc.infiniteStream(fc.nat({ max: 99 })), (said, chance) => {
        const play = (order: typeof said) => {
          const { world, vote, abstain, results } = open()
          for (const { type, says, confidence } of order) {
            if (says === "nothing") abstain(type)
            else vote(type, says, confidence)
          }
          world.advance(5000)
          assert.lengthOf(results(), 1)
          assert.lengthOf(world.seen("coordination.consensus_result.ACME"), 1)
          return results()[0]
        }
        const first = said.filter((each, at) => said.findIndex(({ type }) => type === each.type) === at)
        const shuffled = first
          .map((each) => ({ each, key: chance.next().value }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ each }) => each)
        // Only the chain knows who came first, and only the counts what was refused.
        const apart = { chain_hash: "", refusals: { UnknownRound: 0, RoundClosed: 0, NotInvited: 0, DuplicateVote: 0 } }
        assert.deepStrictEqual({ ...play(shuffled)!, ...apart }, { ...play(said)!, ...apart })
      })
    )
  })

  it.effect("gives results that the Schema of the wire takes", () =>
    Effect.gen(function* () {
      const { world } = open()
      world.advance(5000)
      const [announced] = world.seen("coordination.consensus_result.ACME")
      const { payload } = yield* Schema.decodeUnknownEffect(Schema.Struct({ payload: ConsensusResult }))(announced)
      assert.strictEqual(payload.consensus_id, ROUND)
    })
  )
})

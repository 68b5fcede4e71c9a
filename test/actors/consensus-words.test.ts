import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { sha256 } from "../../actors/consensus/chain.ts"
import { REFUSALS_MAX } from "../../actors/consensus/state.ts"
import { ConsensusProtocol, RoundRequest } from "../../protocols/index.ts"
import { openRound, REQUEST, ROUND } from "../support/open-round.ts"

const OTHER = "01HNZX8JGFACFA36RBXDHEQN7A"
const UNOPENED = "01HNZX8JGFACFA36RBXDHEQN8B"

describe("voters outside", () => {
  const secret = "a secret that is given once"
  const [analyst, risk, oracle] = REQUEST.invited
  const invited = [analyst!, risk!, { ...oracle!, external: true, token_hash: sha256(secret) }]

  it("prove themselves by the hash of their secret, and nobody else has one", () => {
    const { vote, world, result } = openRound({ invited })
    const refused = { _tag: "NotInvited", consensus_id: ROUND }
    assert.deepInclude(vote("oracle", "BUY", 1)?.body, refused)
    assert.deepInclude(vote("oracle", "BUY", 1, sha256("guessed"))?.body, refused)
    // An agent inside has no secret: nobody outside can speak for it, whatever it shows.
    assert.deepInclude(vote("market_analyst", "BUY", 1, sha256(secret))?.body, refused)
    assert.strictEqual(vote("oracle", "BUY", 0.8, sha256(secret))?.outcome, "ok")
    vote("market_analyst", "BUY", 0.9)
    vote("risk_advisor", "BUY", 0.9)
    assert.deepInclude(result(), { final_decision: "BUY", consensus_achieved: true })
    const published = JSON.stringify(world.published)
    assert.notInclude(published, sha256(secret))
    assert.notInclude(JSON.stringify(result()), sha256(secret))
  })
})

describe("what is refused", () => {
  it("is recorded, with who and why, and counted, but not without end", () => {
    const { vote, status, tags, verify } = openRound()
    vote("market_analyst", "BUY", 0.9)
    for (let index = 0; index < REFUSALS_MAX + 50; index++) {
      assert.deepInclude(vote("market_analyst", "SELL", 1)?.body, { _tag: "DuplicateVote" })
    }
    assert.strictEqual(tags().filter((tag) => tag === "Refused").length, REFUSALS_MAX)
    assert.strictEqual(status().refusals.DuplicateVote, REFUSALS_MAX)
    assert.lengthOf(status().last_refused, 32)
    assert.deepInclude(status().last_refused[0], { refusal: "DuplicateVote", agent_id: "market_analyst_ACME" })
    assert.isTrue(verify().equal)
  })

  it("before the opening is only answered: nobody can fill the log with rounds that do not exist", () => {
    const { world } = openRound()
    const vote = { agent_id: "a", agent_type: "a", decision: "BUY", confidence: 1, reasoning: "" } as const
    const abstention = { agent_id: "a", agent_type: "a", reason: "" }
    const unknown = { outcome: "error", body: { _tag: "UnknownRound", consensus_id: UNOPENED } } as const
    for (let index = 0; index < 3; index++) {
      assert.deepStrictEqual(world.ask(ConsensusProtocol, UNOPENED, "CastVote", { vote }), unknown)
      assert.deepStrictEqual(world.ask(ConsensusProtocol, UNOPENED, "Abstain", { abstention }), unknown)
    }
    assert.deepStrictEqual(world.journal(`consensus/${UNOPENED}`), [])
    world.ask(ConsensusProtocol, UNOPENED, "Open", { request: REQUEST })
    assert.deepStrictEqual(
      world.journal(`consensus/${UNOPENED}`).map((event) => event._tag),
      ["Opened"]
    )
  })

  it("is a second opening with another request, while the same one again is accepted again", () => {
    const { opened, open, tags } = openRound()
    assert.deepStrictEqual(opened, { outcome: "ok", body: { accepted: true } })
    assert.deepStrictEqual(open(), opened)
    assert.deepInclude(open({ ...REQUEST, timeout_ms: 1 })?.body, { _tag: "RoundExists" })
    assert.deepStrictEqual(tags(), ["Opened"])
  })
})

describe("a round that is cancelled", () => {
  it("closes without a decision, once, and can be asked again by a round that names it", () => {
    const { world, vote, result, status, timers, verify } = openRound({
      agent_timeout_ms: 1_000,
      quorum_grace_ms: 1_000
    })
    vote("market_analyst", "BUY", 0.9)
    vote("risk_advisor", "BUY", 0.9)
    const cancel = () => world.ask(ConsensusProtocol, ROUND, "Cancel", { reason: "the market is closed" })
    assert.strictEqual(cancel()?.outcome, "ok")
    assert.deepInclude(result(), {
      closed_by: "cancelled",
      cancel_reason: "the market is closed",
      final_decision: "HOLD",
      confidence: 0,
      consensus_achieved: false,
      participating_agents: ["market_analyst_ACME", "risk_advisor_ACME"]
    })
    assert.notProperty(result(), "resolution")
    assert.deepStrictEqual(timers(), [])
    assert.deepStrictEqual(cancel()?.body, { _tag: "RoundClosed", consensus_id: ROUND })
    assert.isTrue(verify().equal)

    world.ask(ConsensusProtocol, OTHER, "Open", { request: { ...REQUEST, reopens: ROUND } })
    assert.deepStrictEqual(status().reopened_by, [OTHER])
    world.advance(5_000)
    assert.deepInclude(world.seen("coordination.consensus_result.ACME")[1], { message_type: "consensus_result" })
    const other = world.ask(ConsensusProtocol, OTHER, "GetResult", {})
    assert.deepInclude(other?.body, { reopens: ROUND, closed_by: "deadline" })
    assert.isTrue(verify().equal)
  })

  it("is not known before it is opened", () => {
    const { world } = openRound()
    const answer = world.ask(ConsensusProtocol, OTHER, "Cancel", { reason: "" })
    assert.deepStrictEqual(answer?.body, { _tag: "UnknownRound", consensus_id: OTHER })
  })
})

describe("disagreement", () => {
  it("is told to each agent that said something else, and to nobody where all agree", () => {
    const { world, vote } = openRound({ method: "simple_majority" })
    vote("market_analyst", "BUY", 0.9)
    vote("risk_advisor", "SELL", 0.8)
    vote("oracle", "BUY", 0.7)
    const [told, ...more] = world.seen("coordination.disagreement.ACME")
    assert.lengthOf(more, 0)
    assert.deepInclude(told, { recipient_agent_id: "risk_advisor_ACME", message_type: "disagreement" })
    assert.deepInclude(Schema.decodeUnknownSync(Schema.Struct({ payload: Schema.Unknown }))(told).payload, {
      decision: "SELL",
      final_decision: "BUY",
      consensus_achieved: true,
      otherwise: ["market_analyst_ACME", "oracle_ACME"]
    })
    const agreed = openRound()
    for (const type of ["market_analyst", "risk_advisor", "oracle"]) agreed.vote(type, "BUY", 0.9)
    assert.lengthOf(agreed.world.seen("coordination.disagreement.ACME"), 0)
  })
})

describe("a request", () => {
  const decode = Schema.decodeUnknownResult(RoundRequest)
  const [analyst] = REQUEST.invited

  it("is refused by the field that breaks a rule, and the rule", () => {
    const bad: ReadonlyArray<readonly [change: object, field: string, rule: RegExp]> = [
      [{ invited: [] }, "invited", /no agent is invited/],
      [{ invited: [analyst, analyst] }, '["invited"][1]["agent_id"]', /invited twice/],
      [{ invited: [analyst], humans: [analyst] }, '["humans"][0]["agent_id"]', /invited twice/],
      [{ humans: [{ agent_id: "ada", agent_type: "robot" }] }, '["humans"][0]["agent_type"]', /must be human/],
      [{ invited: Array.from({ length: 101 }, (_, i) => ({ agent_id: `a${i}`, agent_type: "a" })) }, "invited", /100/],
      [{ method: "dictatorship" }, "method", /simple_majority/],
      [{ conflict_resolution: "duel" }, "conflict_resolution", /highest_confidence/],
      [{ quorum: 4 }, "quorum", /more than the 3/],
      [{ quorum: 0 }, "quorum", /at least 1/],
      [{ min_confidence: 1.1 }, "min_confidence", /between 0 and 1/],
      [{ timeout_ms: 0 }, "timeout_ms", /above 0 and at most an hour/],
      [{ timeout_ms: 3_600_001 }, "timeout_ms", /at most an hour/],
      [{ agent_timeout_ms: 0 }, "agent_timeout_ms", /above 0/],
      [{ quorum_grace_ms: 0 }, "quorum_grace_ms", /above 0/],
      [{ escalation_timeout_ms: 4e6 }, "escalation_timeout_ms", /an hour/],
      [{ weights: { market_analyst_ACME: -1 } }, "market_analyst_ACME", /must not be negative/],
      [{ weights: { market_analyst_ACME: Number.NaN } }, "market_analyst_ACME", /finite/i],
      [{ pool_exponent: 0 }, "pool_exponent", /above 0/],
      [{ expert_agent_type: "No Type" }, "expert_agent_type", /a-z/],
      [{ reopens: "that one" }, "reopens", /ULID/],
      [{ context: { text: "x".repeat(20_000) } }, "context", /16384 characters/]
    ]
    for (const [change, field, rule] of bad) {
      const decoded = decode({ ...REQUEST, ...change })
      if (Result.isSuccess(decoded)) assert.fail(`accepted: ${JSON.stringify(change).slice(0, 200)}`)
      assert.include(decoded.failure.message, field)
      assert.match(decoded.failure.message, rule)
    }
    assert.isTrue(Result.isSuccess(decode(REQUEST)))
  })

  it("takes no vote whose confidence or probabilities are none", () => {
    const vote = { agent_id: "a", agent_type: "a", decision: "BUY", confidence: 0.5, reasoning: "" } as const
    const cast = (change: object) => () =>
      Schema.decodeUnknownSync(ConsensusProtocol.messages.CastVote.payload)({ vote: { ...vote, ...change } })
    assert.throws(cast({ confidence: 1.5 }), /between 0 and 1[\s\S]*confidence/)
    assert.throws(cast({ probabilities: { BUY: 0.5, SELL: 0.5, HOLD: 0.5 } }), /add up to 1[\s\S]*probabilities/)
    assert.doesNotThrow(cast({ probabilities: { BUY: 0.5, SELL: 0.25, HOLD: 0.25 } }))
  })
})

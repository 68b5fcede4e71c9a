import { assert, describe, it } from "@effect/vitest"
import { ConsensusProtocol } from "../../protocols/index.ts"
import { openRound, REQUEST, ROUND } from "../support/open-round.ts"

const SECOND = 1_000

describe("the timers of a round", () => {
  it("let an agent that says nothing abstain, each at its own time, and close when all have spoken or abstained", () => {
    const [analyst, risk, oracle] = REQUEST.invited
    const invited = [analyst!, { ...risk!, agent_timeout_ms: 2 * SECOND }, oracle!]
    const { world, vote, result, status, timers, verify } = openRound({ invited, agent_timeout_ms: SECOND })
    assert.deepStrictEqual(
      timers().map(([name]) => name),
      ["round_deadline", "agent_timeout"]
    )
    vote("market_analyst", "BUY", 0.9)
    world.advance(SECOND)
    assert.deepStrictEqual(status().abstentions, [{ ...oracle!, reason: "timeout" }])
    assert.deepStrictEqual(vote("oracle", "SELL", 1)?.body, {
      _tag: "DuplicateVote",
      consensus_id: status().consensus_id,
      agent_id: "oracle_ACME"
    })
    assert.deepStrictEqual(status().waiting_for, ["risk_advisor_ACME"])
    world.advance(SECOND)
    assert.deepInclude(result(), { closed_by: "all_votes", final_decision: "BUY", processing_time_ms: 2 * SECOND })
    assert.deepStrictEqual(timers(), [])
    assert.lengthOf(world.seen("coordination.abstention.ACME"), 2)
    assert.isTrue(verify().equal)
  })

  it("close after the grace that begins with the quorum", () => {
    const { world, vote, abstain, result, timers, verify } = openRound({ quorum_grace_ms: SECOND })
    vote("market_analyst", "BUY", 0.9)
    assert.lengthOf(timers(), 1)
    world.advance(500)
    vote("risk_advisor", "BUY", 0.7)
    assert.deepStrictEqual(timers()[1], ["quorum_timeout", world.now + SECOND])
    world.advance(SECOND - 1)
    assert.isNull(result())
    world.advance(1)
    assert.deepInclude(result(), { closed_by: "quorum", consensus_achieved: true })
    assert.deepInclude(result()!.abstentions[0], { reason: "no answer within the grace after the quorum" })
    assert.deepStrictEqual(timers(), [])
    assert.isTrue(verify().equal)
    assert.strictEqual(abstain("oracle")?.outcome, "error")
  })

  it("close at the deadline where the grace would end later, and leave no timer when all have voted in the grace", () => {
    const late = openRound({ quorum_grace_ms: 4 * SECOND })
    late.world.advance(2 * SECOND)
    late.vote("market_analyst", "BUY", 0.9)
    late.vote("risk_advisor", "BUY", 0.9)
    late.world.advance(3 * SECOND)
    assert.deepInclude(late.result(), { closed_by: "deadline" })
    assert.deepStrictEqual(late.timers(), [])
    const all = openRound({ quorum_grace_ms: SECOND, agent_timeout_ms: 3 * SECOND })
    for (const type of ["market_analyst", "risk_advisor", "oracle"]) all.vote(type, "HOLD", 0.5)
    assert.deepInclude(all.result(), { closed_by: "all_votes", final_decision: "HOLD", confidence: 0.5 })
    assert.deepStrictEqual(all.timers(), [])
  })

  it("close early where the request allows it and nothing can change any more", () => {
    const allowed = openRound({ early_close: true, method: "simple_majority", min_confidence: 0.5 })
    allowed.vote("market_analyst", "BUY", 0.9)
    allowed.vote("risk_advisor", "BUY", 0.9)
    assert.deepInclude(allowed.result(), { closed_by: "quorum", closed_early: true, consensus_achieved: true })
    assert.match(allowed.result()!.abstentions[0]!.reason, /could not have changed/)
    assert.isTrue(allowed.verify().equal)
    const patient = openRound({ method: "simple_majority", min_confidence: 0.5 })
    patient.vote("market_analyst", "BUY", 0.9)
    patient.vote("risk_advisor", "BUY", 0.9)
    assert.isNull(patient.result())
    // Two who disagree are not unanimous, and somebody said HOLD: that is what it will be.
    const failed = openRound({ early_close: true, method: "unanimous" })
    failed.vote("market_analyst", "BUY", 0.9)
    failed.vote("risk_advisor", "HOLD", 0.5)
    assert.deepInclude(failed.result(), { closed_early: true, final_decision: "HOLD", consensus_achieved: false })
  })
})

describe("a timer that comes when its time is over", () => {
  const fire = ({ world }: ReturnType<typeof openRound>) => {
    world.ask(ConsensusProtocol, ROUND, "AgentTimeout", { due: world.now + 60 * SECOND })
    for (const name of ["QuorumTimeout", "RoundDeadline", "EscalationTimeout"] as const) {
      world.ask(ConsensusProtocol, ROUND, name, {})
    }
  }

  it("does nothing to a round that is closed", () => {
    const more = { agent_timeout_ms: SECOND, conflict_resolution: "escalate_to_human" } as const
    const closed = openRound(more)
    for (const type of ["market_analyst", "risk_advisor", "oracle"]) closed.vote(type, "BUY", 0.9)
    const escalated = openRound(more)
    escalated.vote("market_analyst", "BUY", 0.9)
    escalated.world.advance(5 * SECOND)
    escalated.vote("human", "SELL", 1)
    for (const round of [closed, escalated]) {
      assert.isNotNull(round.result())
      const before = round.tags()
      fire(round)
      assert.deepStrictEqual(round.tags(), before)
    }
  })

  it("ends no voting where it is the person's, and asks nobody a second time", () => {
    const voting = openRound({ conflict_resolution: "escalate_to_human" })
    voting.world.ask(ConsensusProtocol, ROUND, "EscalationTimeout", {})
    assert.deepStrictEqual(voting.tags(), ["Opened"])
    voting.vote("market_analyst", "BUY", 0.9)
    voting.world.advance(5 * SECOND)
    const before = voting.tags()
    assert.strictEqual(before.at(-1), "Escalated")
    voting.world.ask(ConsensusProtocol, ROUND, "RoundDeadline", {})
    voting.world.ask(ConsensusProtocol, ROUND, "AgentTimeout", { due: voting.world.now })
    assert.deepStrictEqual(voting.tags(), before)
  })
})

const HUMAN = { agent_id: "human_ACME", agent_type: "human" }

describe("a round that is escalated", () => {
  const split = (more: Parameters<typeof openRound>[0] = {}) => {
    const round = openRound({ conflict_resolution: "escalate_to_human", escalation_timeout_ms: 10 * SECOND, ...more })
    round.vote("market_analyst", "BUY", 0.9)
    round.vote("risk_advisor", "SELL", 0.9)
    round.vote("oracle", "HOLD", 0.9)
    return round
  }

  it("asks the person, takes nobody else's vote, and decides as the person does", () => {
    const { world, vote, result, status, timers, tags, verify } = split({ humans: [HUMAN] })
    assert.deepInclude(status(), { phase: "escalated", waiting_for: ["human_ACME"], result: null })
    assert.deepStrictEqual(timers(), [["escalation_timeout", world.now + 10 * SECOND]])
    assert.lengthOf(world.seen("coordination.escalation.ACME"), 1)
    assert.deepInclude(vote("oracle", "BUY", 1)?.body, { _tag: "DuplicateVote" })
    assert.deepInclude(vote("passer_by", "BUY", 1)?.body, { _tag: "NotInvited" })
    assert.strictEqual(vote("human", "SELL", 0.3)?.outcome, "ok")
    assert.deepInclude(result(), {
      final_decision: "SELL",
      confidence: 0.3,
      consensus_achieved: false,
      resolution: "escalate_to_human",
      closed_by: "human"
    })
    assert.deepStrictEqual(result()!.participating_agents.at(-1), "human_ACME")
    assert.deepStrictEqual(timers(), [])
    assert.strictEqual(tags().filter((tag) => tag === "Closed").length, 1)
    assert.deepInclude(vote("human", "BUY", 1)?.body, { _tag: "RoundClosed" })
    assert.isTrue(verify().equal)
  })

  it("holds when the person does not answer, or abstains", () => {
    const silent = split()
    silent.world.advance(10 * SECOND)
    const hold = {
      final_decision: "HOLD",
      confidence: 0,
      consensus_achieved: false,
      resolution: "escalate_to_human"
    } as const
    assert.deepInclude(silent.result()!, { ...hold, closed_by: "escalation_timeout" })
    assert.isTrue(silent.verify().equal)
    const other = { agent_id: "other_ACME", agent_type: "human" }
    const two = split({ humans: [HUMAN, other] })
    two.abstain("human")
    assert.isNull(two.result())
    two.world.advance(10 * SECOND)
    assert.deepInclude(two.result()!, hold)
    const one = split({ humans: [HUMAN] })
    one.abstain("human")
    assert.deepInclude(one.result()!, { ...hold, closed_by: "human" })
    assert.isTrue(one.verify().equal)
  })

  it("does not ask a person before agents have voted, where they agree, or where nobody voted", () => {
    const { vote } = openRound({ conflict_resolution: "escalate_to_human" })
    assert.deepInclude(vote("human", "BUY", 1)?.body, { _tag: "NotInvited" })
    const agreed = openRound({ conflict_resolution: "escalate_to_human" })
    for (const type of ["market_analyst", "risk_advisor", "oracle"]) agreed.vote(type, "BUY", 0.9)
    assert.deepInclude(agreed.result(), { closed_by: "all_votes", final_decision: "BUY" })
    const empty = openRound({ conflict_resolution: "escalate_to_human" })
    empty.world.advance(5 * SECOND)
    assert.deepInclude(empty.result(), { closed_by: "deadline", final_decision: "HOLD", confidence: 0 })
    assert.notProperty(empty.result(), "resolution")
  })
})

describe("what comes after the time of a round, and before the timer has fired", () => {
  /** The clock goes on, and no timer fires yet. */
  const late = (round: ReturnType<typeof openRound>, millis: number) => {
    round.world.now += millis
  }
  const closed = { _tag: "RoundClosed", consensus_id: ROUND }

  it("is refused from the deadline on: votes, abstentions, and a cancellation", () => {
    const round = openRound()
    late(round, 5 * SECOND)
    assert.strictEqual(round.vote("market_analyst", "BUY", 0.9)?.outcome, "ok", "at the deadline itself it is in time")
    late(round, 1)
    assert.deepStrictEqual(round.vote("risk_advisor", "BUY", 0.9)?.body, closed)
    assert.deepStrictEqual(round.abstain("oracle")?.body, closed)
    const cancelled = round.world.ask(ConsensusProtocol, ROUND, "Cancel", { reason: "too late" })
    assert.deepStrictEqual(cancelled?.body, closed)
    round.world.advance(250)
    assert.deepInclude(round.result(), { closed_by: "deadline", participating_agents: ["market_analyst_ACME"] })
    assert.deepInclude(round.result()!.refusals, { RoundClosed: 2 })
    assert.deepStrictEqual(round.verify().differences, [])
  })

  it("is refused from the end of the grace on", () => {
    const round = openRound({ quorum_grace_ms: SECOND })
    round.vote("market_analyst", "BUY", 0.9)
    round.vote("risk_advisor", "BUY", 0.9)
    late(round, SECOND + 1)
    assert.deepStrictEqual(round.vote("oracle", "SELL", 1)?.body, closed)
    round.world.advance(0)
    assert.deepInclude(round.result(), { closed_by: "quorum", missing_agents: ["oracle_ACME"] })
    assert.deepStrictEqual(round.verify().differences, [])
  })

  it("is refused to an agent whose own time is over, and counts as its abstention", () => {
    const round = openRound({ agent_timeout_ms: SECOND })
    round.vote("market_analyst", "BUY", 0.9)
    round.vote("risk_advisor", "BUY", 0.9)
    late(round, SECOND + 1)
    assert.deepInclude(round.vote("oracle", "SELL", 1)?.body, { _tag: "DuplicateVote", agent_id: "oracle_ACME" })
    round.world.advance(0)
    assert.deepInclude(round.result()!.abstentions[0], { agent_id: "oracle_ACME", reason: "timeout" })
    assert.deepStrictEqual(round.verify().differences, [])
  })

  it("is refused to a person whose time is over", () => {
    const round = openRound({ conflict_resolution: "escalate_to_human", escalation_timeout_ms: SECOND })
    round.vote("market_analyst", "BUY", 0.9)
    round.vote("risk_advisor", "SELL", 0.9)
    round.vote("oracle", "HOLD", 0.9)
    late(round, SECOND + 1)
    assert.deepStrictEqual(round.vote("human", "BUY", 1)?.body, closed)
    round.world.advance(0)
    assert.deepInclude(round.result(), { closed_by: "escalation_timeout", final_decision: "HOLD" })
    assert.deepStrictEqual(round.verify().differences, [])
  })

  it("lets no agent abstain after the deadline, where the timers fire in one", () => {
    const round = openRound({ agent_timeout_ms: 4 * SECOND })
    late(round, 5 * SECOND + 1)
    round.world.advance(0)
    assert.deepInclude(round.result(), { closed_by: "deadline" })
    assert.deepStrictEqual(round.verify().differences, [])
  })
})

// Rounds at the ends of what a request may hold: what decides and what is told must stay finite, and fit in a message.
import { assert, describe, it } from "@effect/vitest"
import { closesEarly } from "../../actors/consensus/early-close.ts"
import { judge } from "../../actors/consensus/judge.ts"
import { voteStatisticsOf } from "../../actors/consensus/vote-statistics.ts"
import { ConsensusProtocol, Method, type RoundRequest, roundFaults, type Vote } from "../../protocols/index.ts"
import { seeded } from "../support/chaos-faults.ts"
import { openRound, ROUND } from "../support/open-round.ts"
import { DECISIONS, voteBy, voterOf } from "../support/rounds.ts"

const WEIGHTS = [0, Number.MIN_VALUE, 1e-308, 1, 1 + 1e-10, 1e308, Number.MAX_VALUE]
const CONFIDENCES = [0, Number.MIN_VALUE, 0.5 - 1e-10, 0.5, 0.6, 1 - 1e-10, 1]
const EXPONENTS = [Number.MIN_VALUE, 1e-300, 0.1, 1, 100]

describe("with the greatest and the smallest numbers", () => {
  it("a round is decided, with a confidence in [0, 1], whatever the order, and told how it lies", () => {
    const random = seeded(5)
    const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(random() * from.length)]!
    for (let round = 0; round < 20_000; round++) {
      const invited = Array.from({ length: pick([1, 2, 3, 7, 40]) }, (_, index) => voterOf(index))
      const rules = {
        invited,
        method: pick(Method.literals),
        pool_exponent: pick(EXPONENTS),
        weights: Object.fromEntries(invited.map(({ agent_id }) => [agent_id, pick(WEIGHTS)]))
      }
      const votes = invited
        .map((_, index): Vote => voteBy(index, pick(DECISIONS), pick(CONFIDENCES)))
        .filter(() => random() < 0.8)
      const verdict = judge(rules, votes)
      assert.isTrue(verdict.strength >= 0 && verdict.strength <= 1, JSON.stringify({ rules, votes, verdict }))
      assert.deepStrictEqual(judge(rules, votes.toReversed()), verdict)
      const { distribution, entropy, effective_voters } = voteStatisticsOf(rules, votes)
      for (const number of [...Object.values(distribution), entropy, effective_voters]) {
        assert.isTrue(Number.isFinite(number) && number >= 0)
      }
      closesEarly(
        rules,
        votes,
        invited.filter(({ agent_id }) => votes.every((vote) => vote.agent_id !== agent_id))
      )
    }
  })
})

describe("with as many voters as may be invited, who say as much as they may", () => {
  const invited = Array.from({ length: 100 }, (_, index) => voterOf(index))

  it("a round's events and its status fit in a message with room to spare, and it can be verified", () => {
    const request: Partial<RoundRequest> = { invited, method: "simple_majority" }
    const { world, result, status, verify } = openRound(request)
    // Each such character is six in JSON.
    const reasoning = "\u0001".repeat(10_000)
    for (const index of invited.keys()) {
      const vote = { ...voteBy(index, index % 2 === 0 ? "BUY" : "SELL", 0.7), reasoning }
      assert.strictEqual(world.ask(ConsensusProtocol, ROUND, "CastVote", { vote })?.outcome, "ok")
    }
    assert.lengthOf(result()?.votes ?? [], 100)
    assert.isBelow(Buffer.byteLength(JSON.stringify(status())), 700_000)
    const kept = result()?.votes[0]?.reasoning ?? ""
    assert.isAbove(kept.length, 100)
    assert.strictEqual(kept, `${reasoning.slice(0, kept.length - 1)}…`)
    assert.deepInclude(verify(), { equal: true, words: 100 })
  })

  it("what few say is kept whole", () => {
    const { world, result } = openRound({ invited: invited.slice(0, 3) })
    const reasoning = "because of €, 😀 and so on. ".repeat(350)
    for (const index of [0, 1, 2]) {
      world.ask(ConsensusProtocol, ROUND, "CastVote", { vote: { ...voteBy(index, "BUY", 0.7), reasoning } })
    }
    assert.deepStrictEqual(
      result()?.votes.map((vote) => vote.reasoning),
      [reasoning, reasoning, reasoning]
    )
  })
})

describe("with more who are invited than may be", () => {
  it("the field is named, and of very many as soon as of one too many", () => {
    const fieldsOf = (count: number) =>
      roundFaults({ invited: Array.from({ length: count }, (_, index) => voterOf(index)) }).map(({ path }) => path)
    assert.deepStrictEqual(fieldsOf(100), [])
    assert.deepStrictEqual(fieldsOf(101), [["invited"]])
    // A body of 1 MB holds 24,000. Comparing each with each takes this many most of a minute, on any machine.
    const before = performance.now()
    assert.deepStrictEqual(fieldsOf(200_000), [["invited"]])
    assert.isBelow(performance.now() - before, 5_000)
  })
})

import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { Rules } from "../../actors/consensus/ballot.ts"
import { judge, type Verdict } from "../../actors/consensus/judge.ts"
import { voteStatisticsOf } from "../../actors/consensus/vote-statistics.ts"
import type { Decision, Method } from "../../protocols/index.ts"
import { seeded } from "../support/chaos-faults.ts"
import { byTheTables } from "../support/round-table.ts"
import { type Case, DECISIONS, drawRound, rounds, voteBy, voterOf } from "../support/rounds.ts"

const ROUNDS = 100_000

const same = (found: Verdict, expected: ReturnType<typeof byTheTables>): boolean =>
  found.decision === expected.decision &&
  found.achieved === expected.achieved &&
  found.resolution === expected.resolution &&
  Math.abs(found.strength - expected.strength) < 1e-9

const alike = (one: Verdict, other: Verdict) => {
  assert.deepStrictEqual({ ...other, strength: 0 }, { ...one, strength: 0 })
  assert.closeTo(other.strength, one.strength, 1e-9)
}

describe("the judge", () => {
  it(`agrees with the tables, read a second time, on ${ROUNDS.toLocaleString("en-US")} random rounds`, () => {
    const seed = Math.floor(Math.random() * 1e9)
    const random = seeded(seed)
    const seen = new Map<string, number>()
    for (let round = 0; round < ROUNDS; round++) {
      const drawn = drawRound(random)
      const expected = byTheTables(drawn)
      const found = judge(drawn.rules, drawn.votes)
      if (!same(found, expected)) assert.deepStrictEqual({ drawn, found }, { drawn, found: expected }, `seed ${seed}`)
      const kind = `${drawn.rules.method} ${found.achieved ? "achieved" : (found.resolution ?? "nobody")}`
      seen.set(kind, (seen.get(kind) ?? 0) + 1)
    }
    // Each method, achieved, with each of six resolutions, and without votes: none of it is rare.
    assert.strictEqual(seen.size, 6 * 8)
    assert.isAbove(Math.min(...seen.values()), 20)
  })

  it("never depends on the order of the votes, to the last bit", () => {
    const shuffled = rounds().chain((round) =>
      fc.record({
        round: fc.constant(round),
        order: fc.shuffledSubarray([...round.votes], { minLength: round.votes.length })
      })
    )
    fc.assert(
      fc.property(shuffled, ({ round: { rules, votes }, order }) => {
        assert.deepStrictEqual(judge(rules, order), judge(rules, votes))
        assert.deepStrictEqual(voteStatisticsOf(rules, order), voteStatisticsOf(rules, votes))
      }),
      { numRuns: 1000 }
    )
  })

  it("does not change when all weights are scaled", () => {
    fc.assert(
      fc.property(rounds(), fc.double({ min: 1e-6, max: 1e6, noNaN: true }), ({ rules, votes }, scale) => {
        const weights = Object.fromEntries(
          rules.invited.map(({ agent_id }) => [agent_id, (rules.weights?.[agent_id] ?? 1) * scale])
        )
        alike(judge(rules, votes), judge({ ...rules, weights }, votes))
        const [one, other] = [voteStatisticsOf(rules, votes), voteStatisticsOf({ ...rules, weights }, votes)]
        assert.closeTo(other.entropy, one.entropy, 1e-9)
        assert.closeTo(other.effective_voters, one.effective_voters, 1e-9)
      }),
      { numRuns: 1000 }
    )
  })

  it("does not look at the weights of those who do not vote, nor at who they are", () => {
    fc.assert(
      fc.property(rounds(), fc.nat({ max: 9 }), ({ rules, votes }, weight) => {
        const silent = rules.invited.filter(({ agent_id }) => !votes.some((vote) => vote.agent_id === agent_id))
        const weights = {
          ...rules.weights,
          ...Object.fromEntries(silent.map(({ agent_id }) => [agent_id, weight]))
        }
        const invited = rules.invited.map((voter) =>
          silent.includes(voter) ? { ...voter, agent_id: `other_${voter.agent_id}`, agent_type: "risk_advisor" } : voter
        )
        assert.deepStrictEqual(judge({ ...rules, weights, invited }, votes), judge(rules, votes))
      }),
      { numRuns: 1000 }
    )
  })

  it("gives a strength between 0 and 1", () => {
    fc.assert(
      fc.property(rounds(), ({ rules, votes }) => {
        const { strength } = judge(rules, votes)
        assert.isTrue(strength >= 0 && strength <= 1)
      }),
      { numRuns: 1000 }
    )
  })
})

/** Rounds in which nobody has given probabilities of its own. */
const plain = (round: Case): Case => ({
  ...round,
  votes: round.votes.map(({ probabilities: _, strengths: __, ...vote }) => vote)
})

const rulesOf = (method: Method, count: number, more: Partial<Rules> = {}): Rules => ({
  method,
  invited: Array.from({ length: count }, (_, index) => voterOf(index)),
  ...more
})

describe("unanimity", () => {
  it("is respected by every method: what all say with confidence above one third is decided", () => {
    fc.assert(
      fc.property(rounds(), fc.constantFrom(...DECISIONS), (round, decision) => {
        const { rules, votes } = plain(round)
        fc.pre(votes.length > 0 && rules.conflict_resolution !== "escalate_to_human")
        const all = votes.map((vote) => ({ ...vote, decision, confidence: 0.34 + 0.66 * vote.confidence }))
        assert.strictEqual(judge(rules, all).decision, decision)
      }),
      { numRuns: 2000 }
    )
  })

  it("counts as achieved with a quorum whatever the confidence, but for the pool, which wants more than one half", () => {
    fc.assert(
      fc.property(rounds(), ({ rules, votes }) => {
        fc.pre(votes.length > 0 && rules.method !== "log_opinion_pool")
        // Weights that are all 0 are a majority of nothing.
        const { weights: _, ...heads } = rules
        const all = votes.map((vote) => ({ ...vote, decision: "SELL" as const }))
        const quorum = rules.quorum ?? Math.floor(rules.invited.length / 2) + 1
        const present = (rules.required ?? []).every((id) => all.some(({ agent_id }) => agent_id === id))
        assert.strictEqual(judge(heads, all).achieved, votes.length >= quorum && present)
      }),
      { numRuns: 1000 }
    )
  })

  it("is not respected, by example: a pool of the unsure, and an average of those who are sure of nothing", () => {
    const unsure = [0, 1, 2].map((index) => voteBy(index, "BUY", 0.2))
    const pooled = judge(rulesOf("log_opinion_pool", 3, { conflict_resolution: "weighted_average" }), unsure)
    assert.deepInclude(pooled, { decision: "BUY", achieved: false })
    const contradicting = [voteBy(0, "BUY", 0.9, { probabilities: { BUY: 0.1, SELL: 0.8, HOLD: 0.1 } })]
    assert.strictEqual(judge(rulesOf("log_opinion_pool", 1), contradicting).decision, "SELL")
    const nothing = [voteBy(0, "BUY", 0)]
    const rules = rulesOf("simple_majority", 3, { conflict_resolution: "weighted_average" })
    assert.deepInclude(judge(rules, nothing), { decision: "HOLD", strength: 0, achieved: false })
  })
})

describe("an agent that is surer of the winner", () => {
  const raised = (round: Case, step: number, of: (decision: Decision) => boolean) => {
    const at = round.votes.findIndex((vote) => of(vote.decision) && vote.confidence < 1)
    if (at < 0) return undefined
    const vote = round.votes[at]!
    const votes = round.votes.with(at, { ...vote, confidence: Math.min(1, vote.confidence + step) })
    return { ...round, votes }
  }

  it("never makes it lose, with any method and resolution, achieved or not", () => {
    fc.assert(
      fc.property(rounds(), fc.double({ min: 0.01, max: 1, noNaN: true }), (round, step) => {
        fc.pre(round.votes.length > 0)
        const before = judge(round.rules, round.votes)
        const more = raised(round, step, (decision) => decision === before.decision)
        fc.pre(more !== undefined && before.resolution !== "escalate_to_human")
        const after = judge(more!.rules, more!.votes)
        assert.strictEqual(after.decision, before.decision)
        if (before.achieved) assert.isTrue(after.achieved)
      }),
      { numRuns: 5000 }
    )
  })

  it("may lower the confidence of the result, by example: a mean takes the place of the surest vote", () => {
    const votes = (sure: number) => [voteBy(1, "SELL", 1), voteBy(2, "SELL", sure), voteBy(3, "HOLD", 0.2)]
    const rules = rulesOf("simple_majority", 3, { conflict_resolution: "highest_confidence" })
    assert.deepInclude(judge(rules, votes(0.1)), { decision: "SELL", strength: 1, achieved: false })
    assert.deepInclude(judge(rules, votes(0.3)), { decision: "SELL", strength: 0.65, achieved: true })
  })

  it("makes it lose, by example: in the pool, where what it takes from one rival goes to the other", () => {
    const pool = rulesOf("log_opinion_pool", 2, { min_confidence: 0.5 })
    const other = voteBy(1, "SELL", 0.5, { probabilities: { BUY: 0.45, SELL: 0.5, HOLD: 0.05 } })
    const before = voteBy(0, "BUY", 0.4, { probabilities: { BUY: 0.4, SELL: 0, HOLD: 0.6 } })
    const after = voteBy(0, "BUY", 0.41, { probabilities: { BUY: 0.41, SELL: 0.59, HOLD: 0 } })
    assert.deepInclude(judge(pool, [before, other]), { decision: "BUY", achieved: true })
    assert.deepInclude(judge(pool, [after, other]), { decision: "SELL", achieved: true })
  })
})

describe("the spread of votes", () => {
  it("is even among three, nothing among one, and counts by weight", () => {
    const rules = rulesOf("simple_majority", 3)
    const three = voteStatisticsOf(rules, [voteBy(0, "BUY", 1), voteBy(1, "SELL", 1), voteBy(2, "HOLD", 1)])
    assert.closeTo(three.entropy, Math.log2(3), 1e-12)
    assert.closeTo(three.effective_voters, 3, 1e-12)
    const none = { distribution: { BUY: 0, SELL: 0, HOLD: 0 }, entropy: 0, effective_voters: 0 }
    assert.deepStrictEqual(voteStatisticsOf(rules, []), none)
    const heavy = { weights: { agent_0: 3, agent_1: 1 } }
    const two = voteStatisticsOf(heavy, [voteBy(0, "BUY", 1), voteBy(1, "SELL", 1)])
    assert.deepStrictEqual(two.distribution, { BUY: 0.75, SELL: 0.25, HOLD: 0 })
    assert.closeTo(two.effective_voters, 16 / 10, 1e-12)
    const weightless = { weights: { agent_0: 0, agent_1: 0 } }
    const nothing = voteStatisticsOf(weightless, [voteBy(0, "BUY", 1), voteBy(1, "SELL", 1)])
    assert.deepStrictEqual([nothing.distribution.BUY, nothing.effective_voters], [0.5, 0])
  })

  it("lies between one and all for the voters, and between 0 and the logarithm of three for the entropy", () => {
    fc.assert(
      fc.property(rounds(), ({ rules, votes }) => {
        const { distribution, entropy, effective_voters } = voteStatisticsOf(rules, votes)
        fc.pre(votes.length > 0 && effective_voters > 0)
        assert.closeTo(distribution.BUY + distribution.SELL + distribution.HOLD, 1, 1e-9)
        assert.isTrue(entropy >= 0 && entropy <= Math.log2(3) + 1e-9)
        assert.isTrue(effective_voters >= 1 - 1e-9 && effective_voters <= votes.length + 1e-9)
      }),
      { numRuns: 500 }
    )
  })
})

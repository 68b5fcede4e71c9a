import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { decideRound, type Verdict } from "../../actors/voting.ts"
import type { Decision, Vote } from "../../protocols/index.ts"

const DECISIONS = ["BUY", "SELL", "HOLD"] as const
/** Few values, so that ties and bounds met exactly are common. */
const grid = fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20)
const confidence = fc.oneof(grid, fc.double({ min: 0, max: 1, noNaN: true }))

const vote = (agent: number, decision: Decision, sure: number): Vote => ({
  agent_id: `agent_${agent}`,
  agent_type: "market_analyst",
  decision,
  confidence: sure,
  reasoning: ""
})

const ballots = (sure: fc.Arbitrary<number>, lengths: { minLength?: number; maxLength: number } = { maxLength: 7 }) =>
  fc.record({
    votes: fc
      .array(fc.tuple(fc.constantFrom(...DECISIONS), sure), lengths)
      .map((words) => words.map(([decision, how], index) => vote(index, decision, how))),
    absent: fc.nat({ max: 4 }),
    minConfidence: grid,
    weights: fc.array(fc.constantFrom(0.1, 0.3, 0.5, 1, 1, 1, 2, 3), { minLength: 7, maxLength: 7 })
  })

type Round = { votes: ReadonlyArray<Vote>; absent: number; minConfidence: number; weights: ReadonlyArray<number> }
const decide = ({ votes, absent, minConfidence, weights }: Round, scale = 1): Verdict =>
  decideRound({
    votes,
    invitedCount: votes.length + absent,
    minConfidence,
    weights: Object.fromEntries(weights.map((weight, index) => [`agent_${index}`, weight * scale]))
  })

/** The rules once more, read off the table line by line, for ballots whose weights are given per agent. */
const byTheTable = ({ votes, absent, minConfidence, weights }: Round) => {
  const weightOf = (each: Vote) => weights[Number(each.agent_id.slice("agent_".length))]!
  if (votes.length === 0) return { decision: "HOLD", confidence: 0, achieved: false }
  const allWeight = votes.reduce((sum, each) => sum + weightOf(each), 0)
  const supportOf = (d: Decision) =>
    votes.filter((each) => each.decision === d).reduce((sum, each) => sum + weightOf(each) * each.confidence, 0)
  const weightFor = (d: Decision) =>
    votes.filter((each) => each.decision === d).reduce((sum, each) => sum + weightOf(each), 0)
  const said = DECISIONS.filter((d) => votes.some((each) => each.decision === d))
  const greatest = Math.max(...said.map(supportOf))
  const winners = said.filter((d) => Math.abs(supportOf(d) - greatest) <= (1e-9 * allWeight) / votes.length)
  const winner = winners[0]!
  const sure = supportOf(winner) / weightFor(winner)
  const achieved =
    winners.length === 1 &&
    weightFor(winner) - allWeight / 2 > 1e-9 &&
    votes.length > (votes.length + absent) / 2 &&
    (said.length === 1 || sure - minConfidence > -1e-9)
  if (achieved) return { decision: winner, confidence: sure, achieved }
  const careful = said.includes("HOLD") ? "HOLD" : said.includes("SELL") ? "SELL" : "BUY"
  const highest = Math.max(...votes.filter((each) => each.decision === careful).map((each) => each.confidence))
  return { decision: careful, confidence: 0.8 * highest, achieved }
}

describe("decideRound", () => {
  it("does as the table of rules says", () => {
    fc.assert(
      fc.property(ballots(confidence), (round) => {
        const expected = byTheTable(round)
        const verdict = decide(round)
        assert.strictEqual(verdict.decision, expected.decision)
        assert.strictEqual(verdict.achieved, expected.achieved)
        assert.closeTo(verdict.confidence, expected.confidence, 1e-9)
        assert.strictEqual(verdict.resolution !== undefined, !verdict.achieved && round.votes.length > 0)
      }),
      { numRuns: 5000 }
    )
  })

  it("never depends on the order of the votes, to the last bit", () => {
    const shuffled = ballots(confidence).chain((round) =>
      fc.record({
        round: fc.constant(round),
        order: fc.shuffledSubarray([...round.votes], { minLength: round.votes.length })
      })
    )
    fc.assert(
      fc.property(shuffled, ({ round, order }) => {
        assert.deepStrictEqual(decide({ ...round, votes: order }), decide(round))
      }),
      { numRuns: 1000 }
    )
  })

  it("does not change when all weights are scaled", () => {
    fc.assert(
      fc.property(ballots(grid), fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (round, scale) => {
        const one = decide(round)
        const other = decide(round, scale)
        assert.strictEqual(other.decision, one.decision)
        assert.strictEqual(other.achieved, one.achieved)
        assert.closeTo(other.confidence, one.confidence, 1e-9)
      }),
      { numRuns: 1000 }
    )
  })

  it("respects unanimity: what all say is decided, and achieved with a quorum whatever the confidence", () => {
    fc.assert(
      fc.property(
        ballots(confidence, { minLength: 1, maxLength: 7 }),
        fc.constantFrom(...DECISIONS),
        (round, decision) => {
          const verdict = decide({ ...round, votes: round.votes.map((each) => ({ ...each, decision })) })
          assert.strictEqual(verdict.decision, decision)
          assert.strictEqual(verdict.achieved, round.votes.length > round.absent)
        }
      )
    )
  })

  it("gives a confidence between 0 and 1", () => {
    fc.assert(
      fc.property(ballots(confidence), (round) => {
        const verdict = decide(round)
        assert.isTrue(verdict.confidence >= 0 && verdict.confidence <= 1)
      })
    )
  })

  const round = (words: ReadonlyArray<readonly [Decision, number]>, invitedCount = words.length, minConfidence = 0.6) =>
    decideRound({
      votes: words.map(([decision, sure], index) => vote(index, decision, sure)),
      invitedCount,
      minConfidence
    })

  it("decides by example", () => {
    const resolution = "conservative_bias"
    const majority = round([
      ["BUY", 0.9],
      ["BUY", 0.7],
      ["HOLD", 0.6]
    ])
    assert.isTrue(majority.achieved)
    assert.strictEqual(majority.decision, "BUY")
    assert.closeTo(majority.confidence, 0.8, 1e-12)
    // A tie, with rounding: 0.1 + 0.2 against 0.3.
    const tie = round([
      ["BUY", 0.1],
      ["BUY", 0.2],
      ["SELL", 0.3]
    ])
    assert.deepStrictEqual(tie, { decision: "SELL", confidence: 0.8 * 0.3, achieved: false, resolution })
    // Most sums of confidence, but half of the weight.
    assert.isFalse(
      round([
        ["BUY", 0.9],
        ["HOLD", 0.5]
      ]).achieved
    )
    assert.isFalse(
      round([
        ["BUY", 0.5],
        ["BUY", 0.55],
        ["HOLD", 0.2]
      ]).achieved
    )
    // The mean of three times 0.7 is a little less than 0.7 in floating point, and must do.
    assert.isTrue(
      round(
        [
          ["BUY", 0.7],
          ["BUY", 0.7],
          ["BUY", 0.7],
          ["HOLD", 0.1]
        ],
        4,
        0.7
      ).achieved
    )
    assert.isFalse(
      round(
        [
          ["BUY", 0.7],
          ["BUY", 0.7],
          ["BUY", 0.7],
          ["HOLD", 0.1]
        ],
        4,
        0.71
      ).achieved
    )
    assert.isFalse(round([["BUY", 0.9]], 2).achieved)
    assert.isTrue(
      round(
        [
          ["BUY", 0.9],
          ["BUY", 0.1]
        ],
        3
      ).achieved
    )
    assert.deepStrictEqual(round([], 3), { decision: "HOLD", confidence: 0, achieved: false })
  })
})

import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import {
  AGENTS_MAX,
  type Cast,
  emptyLedger,
  type Ledger,
  recordOutcome,
  recordVotes,
  weightsOf
} from "../../../actors/learning/ledger.ts"
import { reportOf } from "../../../actors/learning/report.ts"
import { DECISIONS } from "../../../actors/learning/scoring.ts"
import type { Decision } from "../../../protocols/index.ts"
import { fraction } from "../../support/fractions.ts"

const OPTIONS = { learningRate: 0.3, share: 0.01 }

const cast = (agent: string, decision: Decision, confidence: number): Cast => ({
  agent_id: agent,
  agent_type: "market_analyst",
  decision,
  confidence
})

interface Round {
  readonly votes: ReadonlyArray<Cast>
  readonly decided: Decision
  readonly outcome: Decision
}

const decide = (ledger: Ledger, { votes, decided, outcome }: Round, options = OPTIONS): Ledger => {
  const known = weightsOf(ledger)
  const weights = votes.map((vote) => known.get(vote.agent_id) ?? 1)
  return recordOutcome(
    recordVotes(ledger, votes, decided),
    { final_decision: decided, votes, weights },
    outcome,
    options
  )
}

const decision = fc.constantFrom(...DECISIONS)
const round: fc.Arbitrary<Round> = fc.record({
  votes: fc
    .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 5 }), decision, fraction()), {
      selector: ([agent]) => agent,
      maxLength: 5
    })
    .map((all) => all.map(([agent, said, sure]) => cast(`agent_${agent}`, said, sure))),
  decided: decision,
  outcome: decision
})

describe("the ledger", () => {
  it("weighs agents by their strengths, which rounds weigh, and tells the Brier scores of what they believed", () => {
    const believed = { BUY: 0.4, SELL: 0.3, HOLD: 0.3 }
    const strong = {
      ...cast("strong", "BUY", 0.4),
      probabilities: believed,
      strengths: { BUY: 0.9, SELL: 0.1, HOLD: 0 }
    }
    const weak = { ...cast("weak", "BUY", 0.4), probabilities: believed, strengths: { BUY: 0.4, SELL: 0.3, HOLD: 0.3 } }
    const ledger = decide(emptyLedger, { votes: [strong, weak], decided: "BUY", outcome: "BUY" })
    const [first, second] = reportOf(ledger, OPTIONS).agents
    assert.closeTo(first!.brier_score!, 0.36 + 0.09 + 0.09, 1e-12)
    assert.strictEqual(first!.brier_score, second!.brier_score)
    assert.isAbove(first!.weight, second!.weight)
    assert.closeTo(ledger.agents[0]!.loss_sum, (0.01 + 0.01) / 2, 1e-12)
  })

  it("goes on with a record of when there were no strengths", () => {
    const votes = [cast("one", "BUY", 0.8)]
    const ledger = decide(emptyLedger, { votes, decided: "BUY", outcome: "BUY" })
    const old = { ...ledger, agents: ledger.agents.map(({ brier_sum: _, ...agent }) => agent) }
    const before = { votes, decided: "BUY", outcome: "SELL" } as const
    assert.deepStrictEqual(reportOf(decide(old, before), OPTIONS), reportOf(decide(ledger, before), OPTIONS))
  })

  it("counts votes, agreement, accuracy and Brier scores, by example", () => {
    const votes = [cast("right", "BUY", 0.8), cast("wrong", "SELL", 0.6)]
    const first = decide(emptyLedger, { votes, decided: "SELL", outcome: "BUY" })
    const report = reportOf(
      decide(first, { votes: [cast("right", "HOLD", 0.6)], decided: "HOLD", outcome: "HOLD" }),
      OPTIONS
    )
    const [right, wrong] = report.agents
    assert.deepInclude(right, { agent_id: "right", votes: 2, consensus_share: 0.5, scored: 2, accuracy: 1 })
    assert.closeTo(right!.mean_confidence!, 0.7, 1e-12)
    assert.closeTo(right!.brier_score!, (0.04 + 0.02 + 0.16 + 0.08) / 2, 1e-12)
    assert.deepInclude(wrong, { votes: 1, consensus_share: 1, scored: 1, accuracy: 0 })
    assert.closeTo(wrong!.brier_score!, 0.36 + 0.64 + 0.04, 1e-12)
    assert.isAbove(right!.weight, wrong!.weight)
    assert.deepInclude(report, {
      decisions: 2,
      scored: 2,
      consensus_accuracy: 0.5,
      outcomes: { BUY: 1, SELL: 0, HOLD: 1 }
    })
    assert.strictEqual(report.best_agent!.agent_id, "right")
  })

  it("keeps apart what following the weights loses now, and what it lost with those of the decision", () => {
    const votes = [cast("right", "BUY", 1), cast("wrong", "SELL", 1)]
    const ledger = recordOutcome(emptyLedger, { final_decision: "BUY", votes, weights: [3, 1] }, "BUY", OPTIONS)
    const report = reportOf(ledger, OPTIONS)
    assert.closeTo(report.followed_loss!, 1 / 2, 1e-12)
    assert.closeTo(report.followed_loss_in_use!, 1 / 4, 1e-12)
    assert.closeTo(report.best_agent!.regret, 1 / 2, 1e-12)
  })

  it("says nothing it does not know", () => {
    const report = reportOf(emptyLedger, OPTIONS)
    assert.deepInclude(report, { consensus_accuracy: null, followed_loss: null, best_agent: null, agents: [] })
    const [only] = reportOf(recordVotes(emptyLedger, [cast("new", "BUY", 0.5)], "BUY"), OPTIONS).agents
    assert.deepInclude(only, {
      votes: 1,
      scored: 0,
      accuracy: null,
      brier_score: null,
      calibration_error: null,
      weight: 1
    })
  })

  it("does not depend on the order of the votes, to the last bit", () => {
    const shuffled = fc.array(
      round.chain((each) =>
        fc.tuple(fc.constant(each), fc.shuffledSubarray([...each.votes], { minLength: each.votes.length }))
      ),
      { maxLength: 20 }
    )
    fc.assert(
      fc.property(shuffled, (rounds) => {
        const straight = rounds.reduce((ledger, [each]) => decide(ledger, each), emptyLedger)
        const turned = rounds.reduce((ledger, [each, votes]) => decide(ledger, { ...each, votes }), emptyLedger)
        assert.deepStrictEqual(turned, straight)
      })
    )
  })

  it("holds its own accounts: sums add up, weights have mean 1, and the regret is within its bound", () => {
    fc.assert(
      fc.property(fc.array(round, { maxLength: 60 }), (rounds) => {
        const ledger = rounds.reduce((before, each) => decide(before, each), emptyLedger)
        const report = reportOf(ledger, OPTIONS)
        const { BUY, SELL, HOLD } = report.outcomes
        assert.strictEqual(BUY + SELL + HOLD, rounds.length)
        const weights = [...weightsOf(ledger).values()]
        if (weights.length > 0) {
          assert.closeTo(
            weights.reduce((sum, each) => sum + each, 0),
            weights.length,
            1e-9
          )
          assert.closeTo(
            report.agents.reduce((sum, each) => sum + each.weight, 0),
            1,
            1e-9
          )
        }
        for (const agent of report.agents) {
          assert.isAtMost(agent.regret, agent.regret_bound + 1e-9)
          assert.strictEqual(
            agent.calibration.reduce((sum, bin) => sum + bin.count, 0),
            agent.scored
          )
          assert.isAtMost(agent.regret, report.best_agent!.regret)
        }
      })
    )
  })

  it("gives an agent that knows more, more weight, and one that comes later the mean to begin with", () => {
    let ledger = emptyLedger
    for (let index = 0; index < 200; index++) {
      const outcome = DECISIONS[index % 3]!
      const votes = [
        cast("good", index % 5 === 0 ? "HOLD" : outcome, 0.7),
        cast("poor", DECISIONS[(index * 7 + 1) % 3]!, 0.7)
      ]
      ledger = decide(ledger, { votes, decided: "HOLD", outcome })
    }
    const weights = weightsOf(ledger)
    assert.isAbove(weights.get("good")!, 1.7)
    assert.isBelow(weights.get("poor")!, 0.3)
    const later = recordVotes(ledger, [cast("late", "BUY", 0.5)], "BUY")
    assert.closeTo(weightsOf(later).get("late")!, 1, 1e-9)
    assert.closeTo(weightsOf(later).get("good")!, weights.get("good")!, 1e-9)
  })

  it("has room for so many agents, and says how many votes it could not take", () => {
    const votes = Array.from({ length: AGENTS_MAX + 3 }, (_, index) => cast(`agent_${100 + index}`, "BUY", 0.5))
    const ledger = recordVotes(emptyLedger, votes, "BUY")
    assert.lengthOf(ledger.agents, AGENTS_MAX)
    assert.strictEqual(ledger.ignored_votes, 3)
    const scored = recordOutcome(ledger, { final_decision: "BUY", votes, weights: votes.map(() => 1) }, "BUY", OPTIONS)
    assert.lengthOf(scored.agents, AGENTS_MAX)
    assert.strictEqual(
      reportOf(scored, OPTIONS).agents.every((agent) => agent.scored === 1),
      true
    )
  })

  it("is as large after a million decisions as after a thousand", () => {
    const votes = DECISIONS.map((each, index) => cast(`agent_${index}`, each, 0.5 + index / 10))
    let ledger = emptyLedger
    let early = 0
    for (let index = 1; index <= 1_000_000; index++) {
      const outcome = DECISIONS[(index * 7) % 3]!
      const open = { final_decision: "BUY", votes, weights: [1, 1, 1] } as const
      ledger = recordOutcome(recordVotes(ledger, votes, "BUY"), open, outcome, OPTIONS)
      if (index === 1_000) early = JSON.stringify(ledger).length
    }
    assert.strictEqual(ledger.scored, 1_000_000)
    assert.isBelow(JSON.stringify(ledger).length, early * 1.5)
    assert.closeTo(
      [...weightsOf(ledger).values()].reduce((sum, each) => sum + each, 0),
      3,
      1e-6
    )
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import { judge } from "../../actors/consensus/judge.ts"
import { jointOf } from "../../actors/consensus/opinion-pool.ts"
import { allActors } from "../../actors/index.ts"
import { ConsensusResult, CoordinatorProtocol, PerformanceProtocol, Probabilities } from "../../protocols/index.ts"
import { opinionOf } from "../support/bars.ts"
import { Decider } from "../support/decider.ts"
import { OPTIONS, openPanel, prices } from "../support/panel.ts"
import { rounds, voteBy } from "../support/rounds.ts"

const isProbabilities = Schema.is(Probabilities)
const decodeResult = Schema.decodeUnknownSync(Schema.Struct({ payload: ConsensusResult }))

/** What rules say with a strength of 0.8, and believe with 0.4. */
const ruled = { ...opinionOf("BUY", 0.4), strengths: { BUY: 0.8, SELL: 0.1, HOLD: 0.1 } }

describe("what votes say together", () => {
  it("are probabilities, whatever the order of the votes and the scale of their weights", () => {
    fc.assert(
      fc.property(rounds(), fc.infiniteStream(fc.nat()), ({ rules, votes }, shuffle) => {
        const joint = jointOf(rules, votes)
        assert.isTrue(isProbabilities(joint), JSON.stringify(joint))
        const order = votes.map((vote) => ({ vote, at: shuffle.next().value })).toSorted((a, b) => a.at - b.at)
        assert.deepStrictEqual(
          jointOf(
            rules,
            order.map(({ vote }) => vote)
          ),
          joint
        )
        const ids = rules.invited.map(({ agent_id }) => agent_id)
        const weights = Object.fromEntries(ids.map((id) => [id, 8 * (rules.weights?.[id] ?? 1)]))
        const scaled = jointOf({ ...rules, weights }, votes)
        for (const decision of ["BUY", "SELL", "HOLD"] as const) {
          assert.closeTo(scaled[decision], joint[decision], 1e-9)
        }
      })
    )
  })

  it("are the mean of what was believed by weight, or the pool where that decides, or a third each", () => {
    const votes = [voteBy(0, "BUY", 0.8), voteBy(1, "SELL", 0.6)]
    const weights = { agent_0: 3, agent_1: 1 }
    const mean = jointOf({ method: "simple_majority", weights }, votes)
    assert.closeTo(mean.BUY, 0.75 * 0.8 + 0.25 * 0.2, 1e-12)
    assert.closeTo(mean.SELL, 0.75 * 0.1 + 0.25 * 0.6, 1e-12)
    const rules = { method: "log_opinion_pool", invited: [], min_confidence: 0 } as const
    const pooled = jointOf(rules, votes)
    assert.closeTo(pooled.BUY, judge({ ...rules, quorum: 1 }, votes).strength, 1e-12)
    assert.deepStrictEqual(jointOf({ method: "unanimous" }, []), { BUY: 1 / 3, SELL: 1 / 3, HOLD: 1 / 3 })
  })

  it("are what the confidence of the result is taken from, where agents tell strengths apart from what they believe", () => {
    const world = new Decider(allActors({ ...OPTIONS, policy: () => Effect.succeed(ruled) }))
    const answer = world.ask(CoordinatorProtocol, "ACME", "Bar", { bar: prices[0]! })
    assert.strictEqual(answer?.outcome, "ok")
    world.runActivities()
    const [found] = world.seen("coordination.final_decision.ACME").map((data) => decodeResult(data).payload)
    // By their confidences of 0.4 the three could not even agree on what all say; by their strengths they do.
    assert.deepInclude(found, { final_decision: "BUY", consensus_achieved: true })
    assert.closeTo(found!.strength!, 0.8, 1e-12)
    assert.closeTo(found!.confidence, 0.4, 1e-12)
    assert.strictEqual(found!.confidence, found!.probabilities!.BUY)
    assert.deepStrictEqual(found!.votes[0]!.strengths, ruled.strengths)
  })

  it("are told with the decision to who waits for its outcome", () => {
    const { world, bar, decisions } = openPanel()
    bar(0)
    world.runActivities()
    const { probabilities } = decisions()[0]!
    assert.closeTo(probabilities!.BUY, 0.8, 1e-12)
    const Told = Schema.Struct({ waiting: Schema.Struct({ probabilities: Schema.Unknown }) })
    const told = world.journal(`${PerformanceProtocol.type}/ACME`).find(({ _tag }) => _tag === "DecisionTold")
    assert.deepStrictEqual(Schema.decodeUnknownSync(Told)(told).waiting.probabilities, probabilities)
  })
})

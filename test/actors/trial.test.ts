import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { coordinatorActor } from "../../actors/coordinator/actor.ts"
import { allActors, armOf, experimentOf } from "../../actors/index.ts"
import {
  AnalysisResult,
  ConsensusProtocol,
  CoordinatorProtocol,
  type Decision,
  type ExperimentPlan,
  ExperimentProtocol,
  ExperimentReport,
  RoundStatus,
  toWindow
} from "../../protocols/index.ts"
import { opinionOf } from "../support/bars.ts"
import { Decider } from "../support/decider.ts"
import { OPTIONS, prices } from "../support/panel.ts"

const PLAN: ExperimentPlan = {
  name: "alone-or-together",
  metric: "return",
  arms: {
    a: { label: "together" },
    b: { label: "alone", panel: ["performance_coach"], method: "unanimous", quorum: 1, learnt_weights: false }
  }
}
const DAY = 86_400_000

const aloneSells = (type: string) => (type === "performance_coach" ? "SELL" : "BUY")

const openTrial = (plan = PLAN, says: (type: string) => Decision = aloneSells) => {
  const policy = ({ agentType }: { readonly agentType: string }) => Effect.succeed(opinionOf(says(agentType), 0.9))
  const world = new Decider(
    allActors({ ...OPTIONS, policy, experiment: plan, performance: { horizonMillis: DAY, threshold: 0 } })
  )
  const bar = (index: number, correlation: string) =>
    world.ask(CoordinatorProtocol, "ACME", "Bar", { bar: prices[index]! }, correlation)
  const analyze = (correlation_id: string, more: object = {}) =>
    world.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id, ...more }, correlation_id)
  const answer = (name: string) => Schema.decodeUnknownSync(AnalysisResult)(world.answers.get(name)?.body)
  const round = (id: string) =>
    Schema.decodeUnknownSync(RoundStatus)(world.ask(ConsensusProtocol, id, "GetStatus", {})?.body)
  const report = (name = plan.name) =>
    Schema.decodeUnknownSync(ExperimentReport)(world.ask(ExperimentProtocol, name, "GetReport", {})?.body)
  return { world, bar, analyze, answer, round, report }
}

const armFor = (correlation: string) => armOf(PLAN.name, `ACME/${correlation}`)
/** A correlation id that falls to an arm. */
const drawn = (arm: "a" | "b", from = 0): string => {
  for (let index = from; ; index++) if (armFor(`r${index}`) === arm) return `r${index}`
}

describe("a coordinator with an experiment", () => {
  it("holds each analysis by the arm of its request, says so, and has it counted", () => {
    const { world, bar, analyze, answer, round, report } = openTrial()
    bar(0, drawn("a"))
    world.runActivities()
    for (const arm of ["a", "b"] as const) {
      const name = drawn(arm, 50)
      analyze(name)
      world.runActivities()
      const { experiment, consensus_id, votes, final_recommendation } = answer(name)
      const label = arm === "a" ? "together" : "alone"
      assert.deepStrictEqual(experiment, { name: PLAN.name, arm, label })
      assert.strictEqual(final_recommendation, arm === "a" ? "BUY" : "SELL")
      assert.lengthOf(votes, arm === "a" ? 3 : 1)
      assert.strictEqual(round(consensus_id).method, arm === "a" ? "weighted_confidence" : "unanimous")
    }
    assert.deepInclude(world.seen("coordination.final_decision.ACME")[2], { message_type: "final_decision" })
    const { arms, experiment } = report()
    assert.deepStrictEqual([arms.a.assigned, arms.b.assigned, arms.a.waiting + arms.b.waiting], [2, 1, 3])
    assert.deepStrictEqual(experiment, experimentOf(PLAN))
  })

  it("has the outcome of each decision counted for its arm, in one step each", () => {
    const { world, bar, report } = openTrial()
    const days = 20
    for (let day = 0; day < days; day++) {
      bar(day, `r${day}`)
      world.runActivities()
    }
    const { arms } = report()
    const scored = Array.from({ length: days - 1 }, (_, day) => armFor(`r${day}`))
    assert.strictEqual(arms.a.scored, scored.filter((arm) => arm === "a").length)
    assert.strictEqual(arms.b.scored, scored.filter((arm) => arm === "b").length)
    assert.isAbove(Math.min(arms.a.scored, arms.b.scored), 3)
    assert.strictEqual(arms.a.waiting + arms.b.waiting, 1)
    // Prices rise by 1 % and less: who sells loses as much as who buys wins.
    assert.isBelow(arms.a.mean_loss!, 0.5)
    assert.closeTo(arms.a.mean_loss! + arms.b.mean_loss!, 1, 0.02)
  })

  it("judges by `brier` what the votes said together, and not how sure of itself the decision was", () => {
    const dispute = new Map<string, Decision>([
      ["market_analyst", "BUY"],
      ["risk_advisor", "HOLD"]
    ])
    const arms = { ...PLAN.arms, a: { label: "equal", learnt_weights: false } }
    const { world, bar, report } = openTrial({ ...PLAN, metric: "brier", arms }, (type) => dispute.get(type) ?? "SELL")
    for (let day = 0; day < 10; day++) {
      bar(day, `r${day}`)
      world.runActivities()
    }
    // A third each: ((2/3)² + (1/3)² + (1/3)²) / 2. By the confidence of what was decided it would be 0.64.
    assert.closeTo(report().arms.a.mean_loss!, 1 / 3, 1e-9)
  })

  it("weighs votes by what was learnt in one arm and not in the other", () => {
    const { world, bar, analyze, answer, round } = openTrial()
    const weights = { market_analyst_ACME: 2 }
    world.ask(CoordinatorProtocol, "ACME", "SetWeights", { weights })
    bar(0, "first")
    world.runActivities()
    const weighed = (arm: "a" | "b") => {
      const name = drawn(arm)
      analyze(name)
      world.runActivities()
      const opened = world.journal(`consensus/${round(answer(name).consensus_id).consensus_id}`)[0]
      return Schema.decodeUnknownSync(Schema.Struct({ request: Schema.Record(Schema.String, Schema.Unknown) }))(opened)
        .request.weights
    }
    assert.deepStrictEqual([weighed("a"), weighed("b")], [weights, undefined])
  })

  it("counts no analysis of bars that came with the request, and none that was cancelled or lost", () => {
    const { world, bar, analyze, answer, report } = openTrial()
    analyze("foreign", { bars: toWindow(prices.slice(0, 60)) })
    world.runActivities()
    assert.strictEqual(answer("foreign").experiment?.arm, armFor("foreign"))
    bar(0, "first")
    world.runActivities()
    analyze(drawn("b"))
    // The agents of the arm are told to stop, and no others.
    world.ask(CoordinatorProtocol, "ACME", "CancelAnalysis", { correlation_id: drawn("b"), reason: "" })
    assert.strictEqual(world.activities.size, 0)
    assert.deepInclude(world.answers.get(drawn("b"))?.body, { _tag: "AnalysisCancelled" })
    const { arms } = report()
    assert.deepStrictEqual([arms.a.assigned + arms.b.assigned, arms.b.unscored], [2, 1])
  })

  it("does not count requests that other arms of the same name hold", () => {
    const { world, bar, report } = openTrial()
    const other = experimentOf({ ...PLAN, arms: { ...PLAN.arms, b: { label: "alone", method: "unanimous" } } })
    world.ask(ExperimentProtocol, PLAN.name, "Start", { experiment: other })
    bar(0, "first")
    world.runActivities()
    assert.strictEqual(report().arms.a.assigned + report().arms.b.assigned, 0)
    assert.strictEqual(report().experiment.configuration, other.configuration)
  })

  it("is refused where no round could be opened by one of its arms", () => {
    const b = { label: "few", quorum: 4 }
    assert.throws(() => coordinatorActor({ ...OPTIONS, experiment: { ...PLAN, arms: { ...PLAN.arms, b } } }), /quorum/)
  })
})

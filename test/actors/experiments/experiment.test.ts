import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { armOf, gainOf, lossOf } from "../../../actors/experiments/assignment.ts"
import { ExperimentState, experimentActor, WAITING_MAX } from "../../../actors/experiments/experiment.ts"
import { type Experiment, ExperimentProtocol, ExperimentReport, type RequestOutcome } from "../../../protocols/index.ts"
import { Decider } from "../../support/decider.ts"

const EXPERIMENT: Experiment = { a: "quant", b: "weighted", metric: "brier", alpha: 0.05, return_cap: 0.05 }

const outcomeFor = (request_id: string, decision: "BUY" | "SELL" | "HOLD", confidence: number): RequestOutcome => ({
  request_id,
  decision,
  confidence,
  outcome: "BUY",
  return: 0.02
})

const open = (experiment = EXPERIMENT) => {
  const world = new Decider([experimentActor])
  const ask = <K extends "Start" | "Assign" | "Stop" | "GetReport">(
    message: K,
    payload: (typeof ExperimentProtocol)["messages"][K]["payload"]["Type"]
  ) => world.ask(ExperimentProtocol, "trial", message, payload)
  const started = ask("Start", { experiment })
  return {
    world,
    ask,
    started,
    assign: (request_id: string) => ask("Assign", { request_id }),
    outcome: (outcome: RequestOutcome) => world.ask(ExperimentProtocol, "trial", "Outcome", outcome),
    report: () => Schema.decodeUnknownSync(ExperimentReport)(ask("GetReport", {})?.body)
  }
}

describe("the split by hash", () => {
  it("is stable: it is a function of the two names, the same in every version", () => {
    const arms = Array.from({ length: 16 }, (_, index) => armOf("trial", `request-${index}`)).join("")
    assert.strictEqual(arms, STABLE)
    fc.assert(fc.property(fc.string(), fc.string(), (name, id) => assert.strictEqual(armOf(name, id), armOf(name, id))))
  })

  it("gives each arm half of all ids, also of ids in a row, and splits two experiments independently", () => {
    const count = 20_000
    const both = { aa: 0, ab: 0, ba: 0, bb: 0 }
    for (let index = 0; index < count; index++) both[`${armOf("one", `r${index}`)}${armOf("two", `r${index}`)}`]++
    // Chi-squared with three degrees of freedom: 16.3 is exceeded once in a thousand times.
    const expected = count / 4
    const chiSquared = Object.values(both).reduce((sum, each) => sum + (each - expected) ** 2 / expected, 0)
    assert.isBelow(chiSquared, 16.3)
  })
})

// SHA-256 says so; an implementation in another language gave the same.
const STABLE = "ababaaabbababbab"

describe("a request's loss", () => {
  it("is half the Brier score, or what following the decision did not win", () => {
    assert.closeTo(lossOf(outcomeFor("r", "BUY", 1), EXPERIMENT), 0, 1e-12)
    assert.closeTo(lossOf(outcomeFor("r", "SELL", 1), EXPERIMENT), 1, 1e-12)
    const byReturn = { ...EXPERIMENT, metric: "return" } as const
    assert.closeTo(lossOf(outcomeFor("r", "BUY", 0.5), byReturn), 0.3, 1e-12)
    assert.closeTo(lossOf(outcomeFor("r", "SELL", 0.5), byReturn), 0.7, 1e-12)
    assert.closeTo(lossOf(outcomeFor("r", "HOLD", 0.5), byReturn), 0.5, 1e-12)
    assert.strictEqual(lossOf({ ...outcomeFor("r", "BUY", 0.5), return: 9 }, byReturn), 0)
    assert.strictEqual(lossOf({ ...outcomeFor("r", "SELL", 0.5), return: 9 }, byReturn), 1)
    assert.strictEqual(gainOf({ ...outcomeFor("r", "SELL", 0.5), return: -0.25 }), 0.25)
  })
})

describe("an experiment", () => {
  it("assigns requests, takes each outcome once, and reports both arms", () => {
    const { assign, outcome, report } = open()
    const ids = Array.from({ length: 400 }, (_, index) => `r${index}`)
    for (const id of ids) {
      const arm = armOf("trial", id)
      assert.deepStrictEqual(assign(id), { outcome: "ok", body: { arm, label: EXPERIMENT[arm] } })
      assign(id)
      for (const _ of [1, 2]) outcome(outcomeFor(id, arm === "b" ? "BUY" : "HOLD", 0.7))
    }
    const { arms, ...said } = report()
    assert.strictEqual(arms.a.assigned + arms.b.assigned, 400)
    assert.strictEqual(arms.a.scored + arms.b.scored, 400)
    assert.deepInclude(arms.b, { label: "weighted", waiting: 0, lost: 0, unscored: 0 })
    assert.closeTo(arms.b.mean_loss!, (0.09 + 2 * 0.15 ** 2) / 2, 1e-9)
    assert.deepInclude(said, { verdict: "b_better", running: true, name: "trial" })
    assert.isBelow(said.interval.upper, 0)
    assert.isAtMost(said.p_value, 0.05)
    assert.closeTo(said.difference!, arms.b.mean_loss! - arms.a.mean_loss!, 1e-12)
    assert.isTrue(said.interval.lower <= said.difference! && said.difference! <= said.interval.upper)
    assert.isAtMost(said.shown_after!, 400)
  })

  it("shows no difference before there is one", () => {
    const { assign, outcome, report } = open()
    assert.deepInclude(report(), { verdict: "no_difference_shown", difference: null, p_value: 1, shown_after: null })
    for (let index = 0; index < 100; index++) {
      assign(`r${index}`)
      outcome(outcomeFor(`r${index}`, "BUY", (index % 10) / 10))
    }
    assert.strictEqual(report().verdict, "no_difference_shown")
  })

  it("counts requests without an outcome per arm, and takes none of those it does not await", () => {
    const { world, assign, outcome, report } = open()
    outcome(outcomeFor("stranger", "BUY", 1))
    world.ask(ExperimentProtocol, "trial", "Unscored", { request_id: "stranger" })
    assign("r1")
    world.ask(ExperimentProtocol, "trial", "Unscored", { request_id: "r1" })
    outcome(outcomeFor("r1", "BUY", 1))
    const arm = armOf("trial", "r1")
    assert.deepInclude(report().arms[arm], { assigned: 1, scored: 0, unscored: 1, waiting: 0 })
    assert.deepInclude(report().arms[arm === "a" ? "b" : "a"], { assigned: 0, unscored: 0 })
  })

  it("is bounded: the oldest request that waits is lost, and said so", () => {
    const { world, assign } = open()
    for (let index = 0; index < WAITING_MAX + 5; index++) assign(`r${index}`)
    const state = world.state("experiment/trial")
    const known = Schema.decodeUnknownSync(ExperimentState)(state)!
    assert.lengthOf(known.waiting, WAITING_MAX)
    assert.strictEqual(known.waiting[0], "r5")
    assert.strictEqual(known.a.lost + known.b.lost, 5)
  })

  it("begins once, stops, and refuses what cannot be", () => {
    const { ask, assign, outcome, report, started } = open()
    assert.deepStrictEqual(started, { outcome: "ok", body: { accepted: true } })
    assert.deepStrictEqual(ask("Start", { experiment: EXPERIMENT }), started)
    const other = { ...EXPERIMENT, alpha: 0.2 }
    const exists = { outcome: "error", body: { _tag: "ExperimentExists", name: "trial" } } as const
    assert.deepStrictEqual(ask("Start", { experiment: other }), exists)
    assign("r1")
    ask("Stop", {})
    ask("Stop", {})
    assert.deepInclude(assign("r2")?.body, { _tag: "ExperimentStopped" })
    assert.strictEqual(assign("r1")?.outcome, "ok", "it was assigned before")
    outcome(outcomeFor("r1", "BUY", 0.5))
    assert.strictEqual(report().arms[armOf("trial", "r1")].scored, 1)
    assert.isFalse(report().running)

    const nobody = new Decider([experimentActor])
    for (const message of ["Stop", "GetReport"] as const) {
      assert.deepInclude(nobody.ask(ExperimentProtocol, "other", message, {})?.body, { _tag: "UnknownExperiment" })
    }
    nobody.ask(ExperimentProtocol, "other", "Outcome", outcomeFor("r", "BUY", 1))
    nobody.ask(ExperimentProtocol, "other", "Unscored", { request_id: "r" })
    assert.lengthOf(nobody.journal("experiment/other"), 0)
  })

  it("refuses arms that are the same, and an alpha that is none", () => {
    const { ask } = open()
    assert.throws(() => ask("Start", { experiment: { ...EXPERIMENT, b: "quant" } }), /the arms must differ/)
    assert.throws(() => ask("Start", { experiment: { ...EXPERIMENT, alpha: 0 } }), /alpha must be above 0/)
  })
})

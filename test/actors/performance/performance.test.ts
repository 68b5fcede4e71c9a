import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { armOf } from "../../../actors/experiments/assignment.ts"
import { experimentActor } from "../../../actors/experiments/experiment.ts"
import { judge, PRICES_MAX, pushPrice } from "../../../actors/performance/horizon.ts"
import { OPEN_MAX, performanceActor } from "../../../actors/performance/performance.ts"
import {
  type DecidedRound,
  ExperimentProtocol,
  ExperimentReport,
  PerformanceFeedback,
  PerformanceProtocol,
  PerformanceReport
} from "../../../protocols/index.ts"
import { type Actor, define, persist, send } from "../../../runtime/index.ts"
import { PANEL, voteOf } from "../../support/bars.ts"
import { Decider } from "../../support/decider.ts"

const HOUR = 3_600_000
const START = Date.UTC(2024, 0, 2)
const OPTIONS = { horizonMillis: 2 * HOUR, patienceMillis: 3 * HOUR, threshold: 0.01 }

const idOf = (index: number) => `01HNZX8JGFACFA36RBXDH${String(index).padStart(5, "0")}`

const roundAt = (index: number, hour: number, more: Partial<DecidedRound> = {}): DecidedRound => ({
  consensus_id: idOf(index),
  correlation_id: "c1",
  final_decision: "BUY",
  confidence: 0.7,
  bar_time: START + hour * HOUR,
  price: 100,
  votes: [
    voteOf("market_analyst", "BUY", 0.8),
    voteOf("risk_advisor", "HOLD", 0.6),
    voteOf("strategy_optimizer", "BUY", 0.7)
  ],
  ...more
})

const open = (options: Parameters<typeof performanceActor>[0] = OPTIONS, ...others: ReadonlyArray<Actor>) => {
  const world = new Decider([performanceActor(options), experimentActor, ...others])
  const tell = <K extends "Price" | "Decided">(
    message: K,
    payload: (typeof PerformanceProtocol)["messages"][K]["payload"]["Type"]
  ) => world.ask(PerformanceProtocol, "ACME", message, payload)
  const ask = (message: "GetWeights" | "GetPerformance") => world.ask(PerformanceProtocol, "ACME", message, {})?.body
  return {
    world,
    decided: (round: DecidedRound) => tell("Decided", { round }),
    price: (hour: number, price: number) => tell("Price", { time: START + hour * HOUR, price }),
    report: () => Schema.decodeUnknownSync(PerformanceReport)(ask("GetPerformance")),
    weights: () => Schema.decodeUnknownSync(PerformanceProtocol.messages.GetWeights.reply)(ask("GetWeights")),
    feedback: () =>
      world.seen("coordination.outcome.ACME").map((data) => Schema.decodeUnknownSync(PerformanceFeedback)(data).payload)
  }
}

describe("a decision's outcome", () => {
  it("is what the first price at its horizon says, and no earlier one", () => {
    const { world, decided, price, report, feedback } = open()
    price(0, 100)
    decided(roundAt(1, 0))
    assert.strictEqual(world.timers.size, 1)
    price(1, 150)
    assert.lengthOf(feedback(), 0)
    price(2, 98)
    price(3, 200)
    const [only, ...more] = feedback()
    assert.lengthOf(more, 0)
    assert.deepInclude(only, { outcome: "SELL", final_decision: "BUY", consensus_id: idOf(1), symbol: "ACME" })
    assert.closeTo(only!.return, -0.02, 1e-12)
    assert.deepInclude(only!.agents[1], { agent_id: "risk_advisor_ACME", decision: "HOLD", correct: false })
    assert.strictEqual(world.timers.size, 0, "its timer is cancelled")
    assert.deepInclude(report(), { decisions: 1, scored: 1, waiting: 0, consensus_accuracy: 0, symbol: "ACME" })
  })

  it("is not there where no price comes in time, and that is counted", () => {
    const { world, decided, price, report, feedback } = open()
    price(0, 100)
    decided(roundAt(1, 0))
    world.advance(5 * HOUR - 1)
    assert.strictEqual(report().waiting, 1)
    world.advance(1)
    assert.deepInclude(report(), { waiting: 0, scored: 0, decisions: 1 })
    assert.deepInclude(report().unscored, { no_price: 1 })
    price(2, 150)
    assert.lengthOf(feedback(), 0, "what was given up stays so")
    assert.deepInclude(report().agents[0], { votes: 1, scored: 0 })

    decided(roundAt(2, 2))
    price(9, 150)
    assert.deepInclude(report().unscored, { no_price: 2 })
    assert.strictEqual(world.timers.size, 0)
  })

  it("does not depend on whether prices or the decision were told first", () => {
    const late = open()
    for (const [hour, price] of [100, 150, 98, 200].entries()) late.price(hour, price)
    late.decided(roundAt(1, 0))
    assert.deepInclude(late.feedback()[0], { outcome: "SELL" })
    assert.strictEqual(late.world.timers.size, 0)

    const closes = fc.array(fc.integer({ min: 90, max: 110 }), { minLength: 1, maxLength: 20 })
    const story = closes.chain((prices) =>
      fc.record({
        prices: fc.constant(prices),
        // The hour of each decision, and how many prices later it is told.
        told: fc.array(fc.tuple(fc.nat({ max: prices.length - 1 }), fc.nat({ max: 12 })), { maxLength: 6 })
      })
    )
    fc.assert(
      fc.property(story, ({ prices, told }) => {
        const outcomes = (delay: (of: number) => number) => {
          const { decided, price, feedback, report } = open()
          for (const [hour, close] of [...prices, ...Array<number>(13).fill(0)].entries()) {
            if (close > 0) price(hour, close)
            for (const [index, [at, of]] of told.entries()) {
              if (at + delay(of) === hour) decided(roundAt(index, at, { price: prices[at]! }))
            }
          }
          assert.strictEqual(report().waiting + report().scored, told.length)
          return feedback()
            .map(({ consensus_id, outcome, outcome_time }) => [consensus_id, outcome, outcome_time])
            .toSorted()
        }
        const found = outcomes((of) => of)
        assert.deepStrictEqual(
          found,
          outcomes(() => 0)
        )
        // No look-ahead, and the right price: by hand.
        for (const [id, outcome, time] of found) {
          const [hour = 0] = told.find((_, index) => idOf(index) === id)!
          assert.strictEqual(time, new Date(START + (hour + 2) * HOUR).toISOString())
          const change = prices[hour + 2]! / prices[hour]! - 1
          assert.strictEqual(outcome, change > 0.01 ? "BUY" : change < -0.01 ? "SELL" : "HOLD")
        }
      }),
      { numRuns: 60 }
    )
  })

  it("is not guessed where the first price at the horizon may be forgotten", () => {
    const horizon = { horizonMillis: 2, patienceMillis: 1_000 }
    let prices: ReadonlyArray<{ time: number; price: number }> = []
    for (let time = 0; time < PRICES_MAX; time++) prices = pushPrice(prices, { time: time + 5, price: 1 })
    assert.deepStrictEqual(judge(prices, 0, horizon), { _tag: "Unscored", reason: "price_forgotten" })
    assert.deepStrictEqual(judge(prices, 4, horizon), { _tag: "Judge", at: { time: 6, price: 1 } })
    assert.deepStrictEqual(judge(prices, 1_000, horizon), { _tag: "Wait" })
    assert.strictEqual(pushPrice(prices, { time: 5, price: 9 }), prices, "an old price changes nothing")
    assert.lengthOf(pushPrice(prices, { time: 500, price: 1 }), PRICES_MAX)
  })
})

describe("the performance of a symbol's agents", () => {
  it("gives more weight to who was right, 1 in the mean, and tells how each has done", () => {
    const { decided, price, report, weights } = open()
    assert.deepStrictEqual(weights(), { weights: {}, scored: 0 })
    price(0, 100)
    for (let hour = 0; hour < 40; hour++) {
      decided(roundAt(hour, hour, { price: 100 * 1.02 ** hour }))
      price(hour + 1, 100 * 1.02 ** (hour + 1))
    }
    const { weights: known, scored } = weights()
    assert.strictEqual(scored, 39)
    const [analyst, risk, strategy] = PANEL.map((type) => known[`${type}_ACME`]!)
    assert.isTrue(analyst! > strategy! && strategy! > risk!)
    assert.closeTo(analyst! + risk! + strategy!, 3, 1e-9)
    const { agents, best_agent: best, outcomes } = report()
    assert.deepInclude(outcomes, { BUY: 39 })
    assert.deepInclude(agents[0], { accuracy: 1, votes: 40, scored: 39, consensus_share: 1 })
    assert.deepInclude(agents[1], { accuracy: 0, consensus_share: 0 })
    assert.strictEqual(best!.agent_id, "market_analyst_ACME")
    assert.isAtMost(best!.regret, best!.regret_bound)
  })

  it("takes a round once, a price once, and no more open decisions than there is room for", () => {
    const { world, decided, price, report } = open()
    price(0, 100)
    decided(roundAt(0, 0))
    decided(roundAt(0, 0))
    price(0, 200)
    assert.deepInclude(report(), { decisions: 1, waiting: 1 })
    for (let index = 1; index < OPEN_MAX + 3; index++) decided(roundAt(index, 0, { votes: [] }))
    assert.deepInclude(report(), { waiting: OPEN_MAX })
    assert.deepInclude(report().unscored, { too_many_open: 3 })
    assert.strictEqual(world.timers.size, OPEN_MAX)
    price(2, 100)
    assert.deepInclude(report(), { waiting: 0, scored: OPEN_MAX })
    assert.strictEqual(world.timers.size, 0)
  })

  it("tells the experiment that a request was part of", () => {
    const { world, decided, price } = open()
    const experiment = { a: "x", b: "y", metric: "return", alpha: 0.05, return_cap: 0.1 } as const
    world.ask(ExperimentProtocol, "trial", "Start", { experiment })
    for (const request_id of ["r1", "r2"]) world.ask(ExperimentProtocol, "trial", "Assign", { request_id })
    price(0, 100)
    decided(roundAt(1, 0, { experiment: { name: "trial", request_id: "r1" } }))
    decided(roundAt(2, 6, { experiment: { name: "trial", request_id: "r2" } }))
    price(2, 105)
    world.advance(5 * HOUR)
    const { body } = world.ask(ExperimentProtocol, "trial", "GetReport", {})!
    const { arms } = Schema.decodeUnknownSync(ExperimentReport)(body)
    assert.closeTo(arms[armOf("trial", "r1")].mean_loss!, 0.25, 1e-12)
    assert.strictEqual(arms.a.unscored + arms.b.unscored, 1)
    assert.strictEqual(arms.a.scored + arms.b.scored, 1)
  })

  it("tells the coordinator the new weights after each outcome, once a step, where it is told how", () => {
    const Desk = {
      type: "desk",
      messages: { SetWeights: { payload: Schema.Struct({ weights: Schema.Record(Schema.String, Schema.Finite) }) } }
    } as const
    const desk = define({
      protocol: Desk,
      state: Schema.Array(Schema.Record(Schema.String, Schema.Finite)),
      initial: () => [],
      events: { Set: { weights: Schema.Record(Schema.String, Schema.Finite) } },
      decide: { SetWeights: (_, { weights }) => [persist({ _tag: "Set", weights } as const)] },
      evolve: { Set: (all, { weights }) => [...all, weights] }
    })
    const { world, decided, price, weights } = open(
      {
        ...OPTIONS,
        tellWeights: (symbol, known) => send(Desk, symbol, "SetWeights", { weights: known })
      },
      desk
    )
    price(0, 100)
    decided(roundAt(1, 0))
    decided(roundAt(2, 0))
    price(1, 100)
    assert.isUndefined(world.state("desk/ACME"))
    price(2, 105)
    assert.deepStrictEqual(world.state("desk/ACME"), [weights().weights])
    decided(roundAt(3, 0))
    assert.lengthOf(world.journal("desk/ACME"), 2)
    price(3, 105)
    assert.lengthOf(world.journal("desk/ACME"), 2)
  })

  it("is not made with options that are none", () => {
    const refused = (options: object) => assert.throws(() => performanceActor({ ...OPTIONS, ...options }))
    refused({ share: 1 })
    refused({ learningRate: 0 })
    refused({ learningRate: 1e300 })
    refused({ horizonMillis: 0 })
    refused({ threshold: -0.01 })
  })

  it("keeps a state of bounded size: prices, decisions that wait, agents", () => {
    const { world, decided, price } = open()
    const sizes: Array<number> = []
    for (let hour = 0; hour < 500; hour++) {
      price(hour, 100 + (hour % 7))
      decided(roundAt(hour, hour))
      if (hour % 100 === 99) sizes.push(JSON.stringify(world.state("performance/ACME")).length)
    }
    assert.isBelow(Math.max(...sizes), sizes[1]! * 1.05)
  })
})

import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { clustersOf } from "../../../actors/feedback/clusters.ts"
import { errorPatterns, patternOf } from "../../../actors/feedback/errors.ts"
import { failurePredictors } from "../../../actors/feedback/predictors.ts"
import { successTrend, timeTrend } from "../../../actors/feedback/trend.ts"
import { Prng } from "../../../sim/world/prng.ts"
import { executionOf, FAILED, openTracker } from "../../support/uses.ts"

const many = <A>(count: number, make: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => make(index))

const failed = (error: string) => executionOf({ status: "failed", kind: "defect", error })

describe("what a feedback tracker says", () => {
  it("is little where there is little, and it says what is missing", () => {
    const { report, use } = openTracker()
    const nothing = report()
    assert.deepStrictEqual(
      [nothing.success_rate, nothing.execution_time_ms, nothing.trend.verdict, nothing.clusters],
      [null, null, "insufficient_data", null]
    )
    use()
    const one = report()
    assert.strictEqual(one.success_rate, 1)
    assert.isBelow(one.success_interval!.low, 0.3)
    assert.deepInclude(one.insufficient, { what: "trend", needed: 30, have: 1 })
    assert.deepStrictEqual(one.suggestions, [])
  })

  it("leaves a warm-up out of what it judges by, and counts it", () => {
    const { report, use } = openTracker()
    for (let count = 0; count < 6; count++)
      use({ status: "failed", error_kind: "insufficient_data", error_message: "has 3" })
    assert.deepStrictEqual([report().success_rate, report().warm_up], [null, 6])
    assert.match(report().suggestions[0]!.text, /6 of 6 uses had too few/)
    use()
    use(FAILED)
    const { success_rate, warm_up, suggestions, total } = report()
    assert.deepStrictEqual([success_rate, warm_up, total.failed, total.executions], [0.5, 6, 1, 8])
    assert.deepStrictEqual(suggestions, [], "it has bars enough by now")
  })

  it("groups failures that differ in numbers, names and ids only", () => {
    assert.strictEqual(patternOf('rsi needs 15 bars and has 3 of "ACME"'), "rsi needs # bars and has # of <text>")
    assert.strictEqual(
      patternOf("round 01HNZX8JGFACFA36RBXDHEQN6E: GET http://10.0.0.1:80/x gave 503"),
      "round <id>: GET <url> gave #"
    )
    assert.strictEqual(patternOf("can't read 'x', doesn't open"), "can't read <text>, doesn't open")
    const found = errorPatterns([
      ...many(7, (index) => failed(`it took ${index * 1.5} ms`)),
      executionOf(),
      failed("no such thing"),
      executionOf({ status: "timeout" })
    ])
    assert.deepStrictEqual(
      found.map(({ pattern, count, example }) => [pattern, count, example]),
      [
        ["it took # ms", 7, "it took 9 ms"],
        ["no such thing", 1, "no such thing"],
        ["timeout", 1, "timeout"]
      ]
    )
    assert.closeTo(found[0]!.share, 7 / 9, 1e-12)
  })

  it("says a trend that is there, in success and in time, and none where all is alike", () => {
    const falling = many(100, (index) => (index % 10 < index / 12 ? failed("x") : executionOf()))
    assert.strictEqual(successTrend(falling).verdict, "declining")
    assert.strictEqual(successTrend(falling.toReversed()).verdict, "improving")
    assert.strictEqual(successTrend(falling.slice(0, 29)).verdict, "insufficient_data")
    assert.deepStrictEqual(successTrend(many(50, () => executionOf())), {
      verdict: "stable",
      p_value: null,
      earlier: 1,
      later: 1
    })
    const slower = many(60, (index) => executionOf({ ms: 5 + (index % 7) + index }))
    assert.strictEqual(timeTrend(slower).verdict, "declining")
    assert.isAbove(timeTrend(slower).later!, timeTrend(slower).earlier!)
  })

  it("finds what predicts failure with its lift, and nothing by chance", () => {
    const prng = new Prng(5)
    const planted = many(200, () => {
      const regime = prng.next() < 0.3 ? "high_volatility" : "sideways"
      const features = { regime, "input.period": prng.next() < 0.5 ? "14" : "20" }
      const fails = prng.next() < (regime === "sideways" ? 0.05 : 0.5)
      return executionOf({ features, status: fails ? "failed" : "success" })
    })
    const [first, ...others] = failurePredictors(planted)
    assert.strictEqual(`${first?.feature}=${first?.value}`, "regime=high_volatility")
    assert.isAbove(first!.lift, 1.8)
    assert.isEmpty(others)
    let found = 0
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const chance = new Prng(seed)
        const blind = many(150, () =>
          executionOf({
            features: Object.fromEntries(many(8, (feature) => [`f${feature}`, String(Math.floor(chance.next() * 4))])),
            status: chance.next() < 0.2 ? "failed" : "success"
          })
        )
        found += failurePredictors(blind).length > 0 ? 1 : 0
      }),
      { numRuns: 200 }
    )
    assert.isAtMost(found, 8, "the level is 1 in 100 runs")
  })

  it("tells kinds of executions apart, and sees none where there is one", () => {
    const prng = new Prng(3)
    const random = () => prng.next()
    const slow = many(40, () =>
      executionOf({ ms: 900 + 50 * random(), status: "timeout", features: { policy: "model" } })
    )
    const quick = many(80, () => executionOf({ ms: 1 + 0.1 * random(), features: { policy: "quant" } }))
    const found = clustersOf([...slow, ...quick], random)
    assert.deepStrictEqual(
      found?.map(({ count, success_rate, typical }) => [count, success_rate, typical]),
      [
        [80, 1, ["policy=quant"]],
        [40, 0, ["policy=model"]]
      ]
    )
    assert.isNull(clustersOf(quick.slice(0, 59), random), "too few")
    assert.isNull(
      clustersOf(
        many(100, () => executionOf()),
        random
      ),
      "all alike"
    )
  })

  it("suggests what a person could do", () => {
    const { report, use, world } = openTracker({
      breaker: { latest: 10, failures: 10, pauseMillis: 1, pauseMillisMax: 1 }
    })
    for (let index = 0; index < 40; index++) {
      world.advance(1)
      const hot = index % 4 === 0
      use({
        ...(hot ? { ...FAILED, error_message: `timed out after ${index} s` } : {}),
        features: { regime: hot ? "breakout" : "calm" }
      })
    }
    const { suggestions } = report()
    assert.deepStrictEqual(
      suggestions.map(({ code }) => code),
      ["one_cause", "predictor"]
    )
    assert.match(suggestions[1]!.text, /With regime breakout, rsi fails 4\.0 times as often .*\(10 of 10\)/)
  })

  it("gives an alert when a tool degrades, once, and one when it has recovered", () => {
    const { use, world } = openTracker({
      executionsMax: 100,
      breaker: { latest: 10, failures: 10, pauseMillis: 1, pauseMillisMax: 1 }
    })
    const alerts = () => world.published.filter(({ type }) => type === "alert").map(({ data }) => Object(data).code)
    const run = (count: number, failsEvery: number) => {
      for (let index = 0; index < count; index++) {
        world.advance(10)
        use(index % failsEvery === failsEvery - 1 ? FAILED : {})
      }
    }
    run(100, 50)
    assert.deepStrictEqual(alerts(), [])
    run(50, 3)
    assert.deepStrictEqual(alerts(), ["tool_degraded"])
    run(200, 3)
    assert.deepStrictEqual(alerts(), ["tool_degraded"], "it has not recovered because one is used to it")
    run(100, 50)
    assert.deepStrictEqual(alerts(), ["tool_degraded", "tool_recovered"])
  })
})

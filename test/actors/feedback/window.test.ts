import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { EXECUTIONS_MAX, toExecution } from "../../../actors/feedback/execution.ts"
import { evolve, initial } from "../../../actors/feedback/state.ts"
import { TOOL_FEATURES_MAX, type ToolUse } from "../../../protocols/index.ts"
import { fraction } from "../../support/fractions.ts"
import { executionOf, openTracker, useOf } from "../../support/uses.ts"

const use: fc.Arbitrary<Partial<ToolUse>> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ execution_time_ms: fraction(0, 50) }) },
  { weight: 1, arbitrary: fc.constant({ status: "timeout", execution_time_ms: 100 } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      status: fc.constant("failed" as const),
      execution_time_ms: fraction(0, 5),
      error_kind: fc.constant("defect" as const),
      error_message: fc.integer({ min: 0, max: 3 }).map((n) => `code ${n}`)
    })
  }
)

/** By the definition, of all there ever was. */
const plainly = (all: ReadonlyArray<{ at: number; use: Partial<ToolUse> }>, now: number, max: number, age: number) => {
  const window = all.filter(({ at }) => at > now - age).slice(-max)
  const times = window.map((each) => each.use.execution_time_ms ?? 1).toSorted((a, b) => a - b)
  const successes = window.filter((each) => (each.use.status ?? "success") === "success").length
  const rank = (p: number) => times.find((time) => times.filter((other) => other <= time).length >= p * times.length)
  return {
    executions: window.length,
    success_rate: window.length === 0 ? null : successes / window.length,
    mean: times.reduce((sum, time) => sum + time, 0) / times.length,
    median: rank(0.5),
    p95: rank(0.95)
  }
}

describe("the window of a feedback tracker", () => {
  it("says exactly what the executions in it give, by count and by age", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(use, fc.oneof(fc.constant(0), fc.nat({ max: 3_000 }))), { maxLength: 60 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1_000, max: 30_000 }),
        (story, executionsMax, maxAgeMillis) => {
          const { world, report, use: told } = openTracker({ executionsMax, maxAgeMillis })
          const all: Array<{ at: number; use: Partial<ToolUse> }> = []
          for (const [each, wait] of story) {
            world.advance(wait)
            all.push({ at: world.now, use: each })
            told(each)
          }
          world.advance(500)
          const found = report()
          const expected = plainly(all, world.now, executionsMax, maxAgeMillis)
          assert.strictEqual(found.total.executions, all.length)
          assert.strictEqual(found.window.executions, expected.executions)
          assert.strictEqual(found.success_rate, expected.success_rate)
          if (found.execution_time_ms === null) return assert.strictEqual(expected.executions, 0)
          assert.closeTo(found.execution_time_ms.mean, expected.mean, 1e-9)
          assert.strictEqual(found.execution_time_ms.median, expected.median)
          assert.strictEqual(found.execution_time_ms.p95, expected.p95)
          const { low, high } = found.success_interval!
          assert.isTrue(low <= found.success_rate! + 1e-12 && found.success_rate! <= high + 1e-12)
        }
      )
    )
  })

  it("fits into a message of the log when it is full, whatever its executions were told with", () => {
    const worst = (character: string) => {
      const features = Object.fromEntries(
        Array.from({ length: TOOL_FEATURES_MAX }, (_, index) => [
          `${character.repeat(62)}${String(index).padStart(2, "0")}`,
          character.repeat(64)
        ])
      )
      const error_message = character.repeat(10_000)
      const use = { ...useOf({ status: "failed", error_kind: "insufficient_data", error_message, features }) }
      return new TextEncoder().encode(JSON.stringify(toExecution({ ...use, execution_time_ms: 1 / 3 }, Date.now())))
    }
    for (const character of ["a", "\u0001", '"', "字", "\ud800"]) {
      assert.isBelow(EXECUTIONS_MAX * worst(character).length, 900_000, JSON.stringify(character))
    }
  })

  it("keeps the features that agents give as they are", () => {
    const features = { symbol: "BTC/USDT", policy: "ollama:llama3.2", regime: "trending_bullish", "input.period": "14" }
    assert.deepStrictEqual(toExecution(useOf({ features }), 1).features, features)
  })

  it("stays bounded at a million executions", () => {
    let state = initial()
    for (let index = 0; index < 1_000_000; index++) {
      state = evolve.Executed(state, {
        execution: executionOf({ at: index, ...(index % 7 === 0 ? { status: "failed", error: "e".repeat(160) } : {}) }),
        symbol: `S${index % 1_000}`,
        executions_max: 500,
        max_age_ms: 86_400_000
      })
    }
    assert.strictEqual(state.total.executions, 1_000_000)
    assert.lengthOf(state.window, 500)
    assert.isBelow(JSON.stringify(state).length, 100_000)
  })
})

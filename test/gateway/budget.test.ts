import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { type BudgetLimits, Budgets } from "../../gateway/operations/budget.ts"

const LIMITS: BudgetLimits = {
  roundsPerMinute: 60,
  roundsPerSecond: 1_000,
  bytesPerMinute: 1024 * 1024,
  bytesPerDay: 2 * 1024 * 1024
}
const passed = (effect: Effect.Effect<void, { readonly message: string }>) =>
  Effect.map(Effect.result(effect), (result) => (Result.isSuccess(result) ? "" : result.failure.message))

describe("what a client may have stored", () => {
  it.effect("is so many rounds a minute, a fifth of them at once, whatever connection it has", () =>
    Effect.gen(function* () {
      let now = 0
      const budgets = new Budgets(LIMITS, () => now)
      const open = (subject = "ada") => passed(budgets.of(subject).begin({ symbol: "A" }))
      for (let count = 0; count < 12; count++) assert.strictEqual(yield* open(), "")
      assert.match(yield* open(), /60 rounds and analyses a minute \(GATEWAY_ROUNDS_PER_MINUTE\): try again in 1 s/)
      assert.strictEqual(yield* open("bob"), "", "others have their own")
      now += 1_000
      assert.deepStrictEqual([yield* open(), (yield* open()) === ""], ["", false])
    })
  )

  it.effect("is so many bytes a minute and a day", () =>
    Effect.gen(function* () {
      let now = 0
      const budgets = new Budgets(LIMITS, () => now)
      const say = (bytes: number) => passed(budgets.of("ada").store("x".repeat(bytes)))
      const half = 512 * 1024 - 2
      assert.deepStrictEqual([yield* say(half), yield* say(half)], ["", ""])
      assert.match(yield* say(1), /GATEWAY_BYTES_PER_MINUTE/)
      now += 60_000
      assert.deepStrictEqual([yield* say(half), yield* say(half)], ["", ""])
      now += 60_000
      assert.match(yield* say(half), /GATEWAY_BYTES_PER_DAY/)
      now += 24 * 60 * 60_000
      assert.strictEqual(yield* say(half), "")
      now += 24 * 60 * 60_000
      assert.strictEqual(yield* say(4 * 1024 * 1024), "", "what is larger than a minute's is taken where all is left")
      now += 120_000
      assert.match(yield* say(1), /GATEWAY_BYTES_PER_MINUTE/, "and paid for")
    })
  )

  it.effect("begins in its turn, at the rate that all clients have together, or not at all", () =>
    Effect.gen(function* () {
      let now = 0
      const budgets = new Budgets({ ...LIMITS, roundsPerMinute: 6_000, roundsPerSecond: 2 }, () => now)
      const begun: Array<string> = []
      const begin = (subject: string) =>
        Effect.andThen(
          budgets.of(subject).begin({}),
          Effect.sync(() => begun.push(subject))
        )
      const start = (subject: string) => Effect.forkChild(Effect.result(begin(subject)), { startImmediately: true })
      // Ten are saved up, and the eleventh goes as its turn is now.
      const greedy = yield* Effect.forEach(
        Array.from({ length: 18 }, () => "greedy"),
        start
      )
      assert.lengthOf(begun, 11)
      const modest = yield* start("modest")
      yield* TestClock.adjust("2500 millis")
      assert.lengthOf(begun, 16)
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(begun.slice(-2), ["greedy", "modest"], "there is room in the line for others")
      assert.isTrue(Result.isSuccess(yield* Fiber.join(modest)))
      const results = yield* Effect.forEach(greedy, (fiber) => Fiber.join(fiber))
      const refused = results.filter(Result.isFailure)
      assert.lengthOf(refused, 2)
      assert.match(refused[0]!.failure.message, /GATEWAY_ROUNDS_PER_SECOND/)
      now += 60_000
      assert.strictEqual(yield* passed(budgets.of("greedy").begin({})), "")
    })
  )
})

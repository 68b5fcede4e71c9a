import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Logger, References, Result } from "effect"
import { TestClock } from "effect/testing"
import { type Asking, type CallerOptions, makeCaller } from "../../../actors/model/caller.ts"
import { ModelError } from "../../../actors/model/errors.ts"
import type { LanguageModel, Question } from "../../../actors/model/language-model.ts"
import type { ModelCallBegun, ModelErrorKind } from "../../../protocols/index.ts"

const QUESTION: Question = {
  model: "ollama:a",
  instructions: "x".repeat(400),
  messages: [{ role: "user", text: "now?" }],
  tools: [],
  form: null
}
const TURN = { text: "yes", tools: [], input_tokens: 1_000, output_tokens: 100 }
const fails = (kind: ModelErrorKind, retry_after_ms?: number) =>
  Effect.fail(new ModelError({ kind, detail: kind, ...(retry_after_ms === undefined ? {} : { retry_after_ms }) }))

/** A caller over a port that does as it is told, and what it did. */
const world = Effect.fnUntraced(function* (
  answer: (number: number) => Effect.Effect<typeof TURN, ModelError>,
  options: Partial<CallerOptions> = {}
) {
  const sent: Array<number> = []
  const begun: Array<ModelCallBegun> = []
  const turned: Array<string> = []
  let underWay = 0
  let most = 0
  const port: LanguageModel = {
    ask: () =>
      Effect.gen(function* () {
        sent.push(yield* Clock.currentTimeMillis)
        assert.strictEqual(begun.length, sent.length, "told before it is sent")
        most = Math.max(most, ++underWay)
        return yield* answer(sent.length)
      }).pipe(Effect.ensuring(Effect.sync(() => underWay--)))
  }
  const caller = yield* makeCaller(port, { prices: { "ollama:a": { input: 1, output: 2 } }, ...options })
  const hooks: Omit<Asking, "deadline"> = {
    key: "k",
    begin: (call) => Effect.sync(() => begun.push(call)),
    ended: () => Effect.void,
    breakerTurned: (_, state) => Effect.sync(() => turned.push(state))
  }
  const ask = (within = 12_000, more: Partial<Asking> = {}) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      caller.ask(QUESTION, { ...hooks, deadline: now + within, ...more })
    ).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  /** Asks, and lets the time go by that it takes. */
  const asked = (within?: number, more?: Partial<Asking>) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(within, more))
      yield* TestClock.adjust("20 minutes")
      return yield* Fiber.join(fiber)
    })
  return { ask, asked, caller, hooks, sent, begun, turned, most: () => most }
})

const kindOf = (result: Result.Result<unknown, ModelError>) =>
  Result.isFailure(result) ? result.failure.kind : "success"

describe("asking a model", () => {
  it.effect("that fails warns of it once, with what to do about it, and again only after a while", () =>
    Effect.gen(function* () {
      const warnings: Array<string> = []
      const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
        if (logLevel === "Warn") warnings.push(String(message))
      })
      const { caller, hooks } = yield* world(() => fails("refused"), { attempts: 1 })
      const ask = Effect.flatMap(Clock.currentTimeMillis, (now) =>
        caller.ask(QUESTION, { ...hooks, deadline: now + 1_000 })
      ).pipe(Effect.provide(Logger.layer([logger])))
      for (let count = 0; count < 60; count++) {
        yield* ask
        yield* TestClock.adjust("5 seconds")
      }
      assert.lengthOf(warnings, 1)
      assert.include(warnings[0], "Start it with `ollama serve`, or say where it is with OLLAMA_BASE_URL.")
      yield* TestClock.adjust("10 minutes")
      yield* ask
      assert.lengthOf(warnings, 2)
    })
  )

  it.effect("tells of a request before it is sent, and what it came to", () =>
    Effect.gen(function* () {
      const { asked, begun } = yield* world(() => Effect.succeed(TURN))
      const { result, attempts, breaker } = yield* asked()
      assert.deepStrictEqual([Result.getOrThrow(result), breaker], [TURN, "closed"])
      assert.deepStrictEqual(
        attempts.map(({ cost, attempt }) => [cost, attempt]),
        [[0.0012, 1]]
      )
      assert.deepStrictEqual(attempts[0]?.call_id, begun[0]?.call_id)
      assert.match(begun[0]?.call_id ?? "", /^k\.1-[0-9a-z]{6}$/)
      assert.isAbove(begun[0]?.estimated_input_tokens ?? 0, 100)
      assert.closeTo(begun[0]?.estimated_cost_usd ?? 0, (begun[0]?.estimated_input_tokens ?? 0) / 1e6, 1e-12)
    })
  )

  it.effect("sends nothing that it could not tell of", () =>
    Effect.gen(function* () {
      const { asked, sent } = yield* world(() => Effect.succeed(TURN))
      const { result } = yield* asked(12_000, { begin: () => Effect.fail("no log") })
      assert.deepStrictEqual([kindOf(result), sent.length], ["defect", 0])
    })
  )

  it.effect.each<[ModelErrorKind, number]>([
    ["refused", 3],
    ["server_error", 3],
    ["truncated", 3],
    ["malformed", 3],
    ["rate_limited", 3],
    ["unauthorized", 1],
    ["rejected", 1],
    ["not_recorded", 1]
  ])("after %s is done %i times in all", ([kind, times]) =>
    Effect.gen(function* () {
      const { asked, sent } = yield* world(() => fails(kind))
      const { result, attempts } = yield* asked()
      assert.deepStrictEqual([kindOf(result), sent.length, attempts.length], [kind, times, times])
    })
  )

  it.effect("waits between tries for longer and longer, by chance, and as long as the server says", () =>
    Effect.gen(function* () {
      const first = yield* world((number) => (number < 3 ? fails("server_error") : Effect.succeed(TURN)))
      assert.strictEqual(kindOf((yield* first.asked()).result), "success")
      const [a, b, c] = first.sent.map((at) => at - first.sent[0]!)
      assert.strictEqual(a, 0)
      assert.isTrue(b! >= 150 && b! <= 450 && c! - b! >= 300 && c! - b! <= 900, `${b} ${c}`)
      const second = yield* world((number) => (number < 2 ? fails("rate_limited", 4_000) : Effect.succeed(TURN)))
      yield* second.asked()
      assert.isAtLeast(second.sent[1]! - second.sent[0]!, 4_000)
    })
  )

  it.effect("does not wait for what is after the deadline, and sends nothing then", () =>
    Effect.gen(function* () {
      const told = yield* world(() => fails("rate_limited", 60_000))
      const before = yield* Clock.currentTimeMillis
      assert.deepStrictEqual([kindOf((yield* told.ask()).result), told.sent.length], ["rate_limited", 1])
      assert.strictEqual(yield* Clock.currentTimeMillis, before)
      const late = yield* world(() => Effect.succeed(TURN))
      assert.deepStrictEqual([kindOf((yield* late.ask(0)).result), late.sent.length], ["out_of_time", 0])
    })
  )

  it.effect("is a timeout where one request takes too long, and at the deadline whatever goes on", () =>
    Effect.gen(function* () {
      const { ask, sent } = yield* world(() => Effect.never, { timeout: "5 seconds" })
      const startedAt = yield* Clock.currentTimeMillis
      const fiber = yield* Effect.forkChild(
        Effect.flatMap(ask(12_000), (called) => Effect.map(Clock.currentTimeMillis, (at) => ({ called, at })))
      )
      yield* TestClock.adjust("1 minute")
      const { called, at } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        called.attempts.map(({ result }) => kindOf(result)),
        ["timeout", "timeout", "out_of_time"]
      )
      assert.strictEqual(kindOf(called.result), "timeout", "what was wrong with the model, and not with the clock")
      assert.isAtMost(at - startedAt, 12_000)
      assert.lengthOf(sent, 3)
    })
  )

  it.effect("holds no more requests at once than it may; who waits keeps the deadline", () =>
    Effect.gen(function* () {
      const { ask, most, sent } = yield* world(() => Effect.delay(Effect.succeed(TURN), "4 seconds"), {
        concurrency: 2
      })
      const all = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 10 }, () => ask(9_000)),
          { concurrency: 10 }
        )
      )
      yield* TestClock.adjust("1 minute")
      const kinds = (yield* Fiber.join(all)).map(({ result }) => kindOf(result))
      assert.strictEqual(most(), 2)
      assert.deepStrictEqual(kinds.filter((kind) => kind === "success").length, 4)
      assert.deepStrictEqual(kinds.filter((kind) => kind === "out_of_time").length, 6)
      assert.isAtMost(sent.length, 6)
    })
  )

  it.effect("that is interrupted frees its place and is nobody's failure", () =>
    Effect.gen(function* () {
      const { ask, sent } = yield* world((number) => (number === 1 ? Effect.never : Effect.succeed(TURN)), {
        concurrency: 1,
        failures: 1
      })
      const fiber = yield* Effect.forkChild(ask())
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      const { result, breaker } = yield* ask()
      assert.deepStrictEqual([kindOf(result), breaker, sent.length], ["success", "closed", 2])
    })
  )
})

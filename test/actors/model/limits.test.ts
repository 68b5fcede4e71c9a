// The circuit breaker and the rate limit are Effect's; that they do here what we say of them is checked against models of our own.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, References, Result } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { type CallerOptions, makeCaller } from "../../../actors/model/caller.ts"
import { ModelError } from "../../../actors/model/errors.ts"
import type { BreakerState } from "../../../protocols/index.ts"

const QUESTION = { model: "ollama:a", instructions: "", messages: [], tools: [], form: null }
const TURN = { text: "yes", tools: [], input_tokens: 1, output_tokens: 1 }
const FAILURES = 3
const PAUSE_MILLIS = 10_000
const OPEN_MAX_MILLIS = 300_000

/** The breaker as docs/MODELS.md describes it. */
class Breaker {
  #failures = 0
  #openings = 0
  #until: number | undefined

  stateAt(now: number): BreakerState {
    if (this.#until === undefined) return "closed"
    return now < this.#until ? "open" : "half_open"
  }

  called(now: number, outcome: Outcome): void {
    const trying = this.#until !== undefined
    if (outcome === "ignored") return
    if (outcome === "success") {
      this.#failures = 0
      this.#openings = 0
      this.#until = undefined
    } else if (trying || ++this.#failures >= FAILURES) {
      this.#openings++
      this.#failures = 0
      this.#until = now + Math.min(PAUSE_MILLIS * 2 ** (this.#openings - 1), OPEN_MAX_MILLIS)
    }
  }
}

type Outcome = "success" | "failure" | "ignored"
const outcomes = {
  success: Effect.succeed(TURN),
  failure: Effect.fail(new ModelError({ kind: "server_error", detail: "500" })),
  ignored: Effect.fail(new ModelError({ kind: "not_recorded", detail: "nothing" }))
}

const act = fc.oneof(
  { weight: 3, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 400_000 }) }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom({ wait: PAUSE_MILLIS }, { wait: PAUSE_MILLIS - 1 }, { wait: 2 * PAUSE_MILLIS })
  },
  { weight: 12, arbitrary: fc.record({ call: fc.constantFrom<Outcome>("success", "failure", "failure", "ignored") }) }
)

const inVirtualTime = <A, E>(run: Effect.Effect<A, E, never>) =>
  Effect.runPromise(
    run.pipe(Effect.provide(TestClock.layer()), Effect.provideService(References.MinimumLogLevel, "None"))
  )

const opened = Effect.fnUntraced(function* (
  ask: () => Effect.Effect<typeof TURN, ModelError>,
  options: Partial<CallerOptions>
) {
  const turned: Array<string> = []
  const caller = yield* makeCaller({ ask }, { prices: {}, attempts: 1, callsPerMinute: 1_000_000, ...options })
  const call = (within = 1_000, requested = false) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      caller.ask(QUESTION, {
        key: "k",
        requested,
        deadline: now + within,
        begin: () => Effect.void,
        ended: () => Effect.void,
        breakerTurned: (_, state) => Effect.sync(() => turned.push(state))
      })
    )
  return { call, turned }
})

describe("the limits of a model", () => {
  it("as a law: its breaker opens after failures in a row, tries again after a pause that doubles, and tells of each turn once", () =>
    fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), (acts) =>
        inVirtualTime(
          Effect.gen(function* () {
            const model = new Breaker()
            let outcome: Outcome = "success"
            let sent = 0
            const { call, turned } = yield* opened(
              () =>
                Effect.suspend(() => {
                  sent++
                  return outcomes[outcome]
                }),
              {
                failures: FAILURES,
                pause: PAUSE_MILLIS
              }
            )
            const told: Array<string> = []
            for (const act of acts) {
              if ("wait" in act) {
                yield* TestClock.adjust(act.wait)
                continue
              }
              outcome = act.call
              const now = yield* Clock.currentTimeMillis
              const before = sent
              const open = model.stateAt(now) === "open"
              const { result, breaker } = yield* call()
              assert.strictEqual(
                sent - before,
                open ? 0 : 1,
                "an open breaker lets nothing through, and a closed one everything"
              )
              if (open) assert.strictEqual(Result.isFailure(result) && result.failure.kind, "circuit_open")
              else model.called(now, outcome)
              const state = model.stateAt(now)
              assert.strictEqual(breaker, state)
              if (state !== "half_open" && state !== (told.at(-1) ?? "closed")) told.push(state)
            }
            assert.deepStrictEqual(turned, told)
          }).pipe(Effect.scoped)
        )
      ),
      { numRuns: 150 }
    ))

  it("as a law: never more requests than the rate and one minute's burst, and who has time gets its turn", () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 60 }),
        (rate, gaps) =>
          inVirtualTime(
            Effect.gen(function* () {
              const sent: Array<number> = []
              const ask = () =>
                Effect.map(Clock.currentTimeMillis, (now) => {
                  sent.push(now)
                  return TURN
                })
              const { call } = yield* opened(ask, { callsPerMinute: rate, concurrency: 1_000 })
              const waiting: Array<Fiber.Fiber<unknown>> = []
              for (const gap of gaps) {
                yield* TestClock.adjust(gap)
                waiting.push(yield* Effect.forkChild(call(24 * 3_600_000)))
              }
              yield* TestClock.adjust("2 hours")
              yield* Effect.forEach(waiting, Fiber.join)
              assert.lengthOf(sent, gaps.length)
              for (const [index, from] of sent.entries()) {
                for (const [offset, at] of sent.slice(index).entries()) {
                  assert.isAtMost(
                    offset + 1,
                    rate + Math.ceil(((at - from) * rate) / 60_000) + 1,
                    `from ${from} to ${at}`
                  )
                }
              }
            }).pipe(Effect.scoped)
          )
      ),
      { numRuns: 60 }
    ))

  it("half of the rate, and one place, are kept for the rounds that nobody asked for", () =>
    inVirtualTime(
      Effect.gen(function* () {
        let asked = 0
        const ask = () =>
          Effect.suspend(() => {
            asked++
            return Effect.as(Effect.sleep("1 second"), TURN)
          })
        const { call } = yield* opened(ask, { callsPerMinute: 20, concurrency: 3 })
        const start = (requested: boolean) => Effect.forkChild(call(10_000, requested), { startImmediately: true })
        const requests = yield* Effect.forEach(Array.from({ length: 15 }), () => start(true))
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(asked, 2)
        const own = yield* start(false)
        yield* TestClock.adjust("1 second")
        assert.isTrue(Result.isSuccess((yield* Fiber.join(own)).result))
        yield* TestClock.adjust("10 seconds")
        const results = yield* Effect.forEach(requests, Fiber.join)
        const answered = results.filter(({ result }) => Result.isSuccess(result)).length
        // Ten are saved up, and one comes every six seconds.
        assert.isAtMost(answered, 12)
        assert.isAtLeast(answered, 10)
      }).pipe(Effect.scoped)
    ))

  it("one that has no time to wait for the rate is told so at once", () =>
    inVirtualTime(
      Effect.gen(function* () {
        const { call } = yield* opened(() => Effect.succeed(TURN), { callsPerMinute: 1 })
        yield* call()
        const { result } = yield* call(30_000)
        assert.strictEqual(Result.isFailure(result) && result.failure.detail, "ollama:a: more than 1 calls a minute")
      }).pipe(Effect.scoped)
    ))
})

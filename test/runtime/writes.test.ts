import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { type AppendError, Fenced, LogFull, LogUnavailable } from "../../runtime/index.ts"
import { Writes } from "../../runtime/nats/writes.ts"

const silent = new LogUnavailable({ detail: "timeout" })
const full = new LogFull({ detail: "no room", retry_after_ms: 1 })

const opened = Effect.map(Clock.Clock, (clock) => {
  const writes = new Writes(clock)
  return { writes, fail: (error: AppendError) => Effect.ignore(writes.watch(Effect.fail(error))) }
})

describe("whether what is stored is confirmed", () => {
  it.effect("is told once it has failed for some seconds, until something is confirmed", () =>
    Effect.gen(function* () {
      const { writes, fail } = yield* opened
      assert.isUndefined(writes.confirmedAt)
      yield* fail(silent)
      yield* TestClock.adjust("4 seconds")
      yield* fail(full)
      assert.isUndefined(writes.failure, "a server that elects a leader takes as long")
      yield* TestClock.adjust("2 seconds")
      yield* fail(full)
      assert.deepStrictEqual(writes.failure, { millis: 6_000, detail: "no room" })
      yield* writes.watch(Effect.succeed(1))
      assert.isUndefined(writes.failure)
      assert.strictEqual(writes.confirmedAt, 6_000)
    })
  )

  it.effect("counts from when an answer was first waited for", () =>
    Effect.gen(function* () {
      const { writes } = yield* opened
      const waiting = yield* Effect.forkChild(Effect.ignore(writes.watch(Effect.delay(Effect.fail(silent), 5_000))))
      yield* TestClock.adjust("5 seconds")
      assert.isDefined(waiting.pollUnsafe())
      assert.strictEqual(writes.failure?.millis, 5_000)
    })
  )

  it.effect("is not known when nothing was tried for long, and a refusal says nothing of it", () =>
    Effect.gen(function* () {
      const { writes, fail } = yield* opened
      yield* fail(new Fenced({ detail: "stale" }))
      yield* TestClock.adjust("10 seconds")
      yield* fail(new Fenced({ detail: "stale" }))
      assert.isUndefined(writes.failure)
      yield* fail(silent)
      yield* TestClock.adjust("10 seconds")
      yield* fail(silent)
      assert.isDefined(writes.failure)
      yield* TestClock.adjust("31 seconds")
      assert.isUndefined(writes.failure, "who sends nothing learns nothing")
    })
  )
})

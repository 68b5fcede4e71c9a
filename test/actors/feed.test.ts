import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { feed } from "../../actors/feed.ts"
import { Bar } from "../../protocols/index.ts"
import { Actors } from "../../runtime/client.ts"
import { ActorFailed, AskTimeout, LogUnavailable } from "../../runtime/errors.ts"
import { dailyBars } from "../support/bars.ts"

const bars = dailyBars([100, 101, 102, 103])
const BarPayload = Schema.Struct({ bar: Bar })

interface Asked {
  readonly close: number
  readonly messageId: string | undefined
}

/** A coordinator that has seen bars up to a time, and answers each bar as the script says (in order; then accepts). */
const coordinator = (last: number | null, script: Array<Effect.Effect<unknown, unknown>> = []) => {
  const asked: Array<Asked> = []
  const status = { symbol: "ACME", bars: 1, last_bar_time: last, analyzing: null, waiting: 0, decisions: 0 }
  const layer = Layer.succeed(Actors, {
    tell: () => Effect.die(new Error("a feed asks")),
    ref: () => {
      throw new Error("a feed asks")
    },
    ask: (_protocol, _id, message, payload, options) => {
      const answer: Effect.Effect<unknown, unknown> = Effect.suspend(() => {
        if (message === "GetStatus") return Effect.succeed(status)
        const { bar } = Schema.decodeUnknownSync(BarPayload)(payload)
        asked.push({ close: bar.close, messageId: options?.messageId })
        return script.shift() ?? Effect.succeed({ accepted: true })
      })
      // What an ask gives depends on the protocol's types, which a script cannot follow.
      return answer as never
    }
  })
  return { asked, layer, closes: () => asked.map(({ close }) => close) }
}

const run = (intervalMillis: number) => feed({ symbol: "ACME", bars: Stream.fromIterable(bars), intervalMillis })
const timeout = Effect.fail(new AskTimeout({ actor: "coordinator/ACME", message_type: "Bar", timeout_ms: 1 }))

describe("a market feed", () => {
  it.effect("gives each bar at its pace and ends with the stream", () => {
    const { layer, closes } = coordinator(null)
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(run(1000))
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(closes(), [100])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(closes(), [100, 101])
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(closes(), [100, 101, 102, 103])
    }).pipe(Effect.provide(layer))
  })

  it.effect("goes on after the last bar the coordinator has seen", () => {
    const { layer, closes } = coordinator(bars[1]!.time)
    return run(0).pipe(
      Effect.andThen(() => Effect.sync(() => assert.deepStrictEqual(closes(), [102, 103]))),
      Effect.provide(layer)
    )
  })

  it.effect("ends after as many bars as are wanted, of which known and stale ones are none", () => {
    const stale = Effect.fail({ _tag: "StaleBar", symbol: "ACME", time: 1, last_time: 2 })
    const { layer, closes } = coordinator(bars[0]!.time, [stale])
    return feed({ symbol: "ACME", bars: Stream.fromIterable(bars), intervalMillis: 0, count: 1 }).pipe(
      Effect.andThen(() => Effect.sync(() => assert.deepStrictEqual(closes(), [101, 102]))),
      Effect.provide(layer)
    )
  })

  it.effect("asks again with the same message id until there is an answer", () => {
    const down = Effect.fail(new LogUnavailable({ detail: "restarting" }))
    const { layer, asked, closes } = coordinator(null, [timeout, down, timeout])
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(run(0))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(closes(), [100, 100, 100, 100, 101, 102, 103])
      const id = `feed-ACME-${bars[0]!.time}`
      assert.deepStrictEqual(
        asked.slice(0, 4).map(({ messageId }) => messageId),
        [id, id, id, id]
      )
    }).pipe(Effect.provide(layer))
  })

  it.effect("does not give up while the system is away, and does not hurry when it is back", () => {
    const { layer, closes } = coordinator(
      null,
      Array.from({ length: 40 }, () => timeout)
    )
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(run(60_000))
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(new Set(closes()), new Set([100]))
      for (let seconds = 0; seconds < 300 && !closes().includes(101); seconds++) yield* TestClock.adjust("1 second")
      assert.strictEqual(closes().at(-1), 101)
      yield* TestClock.adjust("58 seconds")
      assert.strictEqual(closes().at(-1), 101)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(closes().at(-1), 102)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(layer))
  })

  it.effect("skips a bar that is stale", () => {
    const stale = Effect.fail({ _tag: "StaleBar", symbol: "ACME", time: 1, last_time: 2 })
    const { layer, closes } = coordinator(null, [stale])
    return run(0).pipe(
      Effect.andThen(() => Effect.sync(() => assert.deepStrictEqual(closes(), [100, 101, 102, 103]))),
      Effect.provide(layer)
    )
  })

  it.effect("fails on what asking again does not change", () => {
    const failed = new ActorFailed({ actor: "coordinator/ACME", message_type: "Bar", detail: "broken" })
    const { layer } = coordinator(null, [Effect.fail(failed)])
    return Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(run(0)), failed)
    }).pipe(Effect.provide(layer))
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, Layer } from "effect"
import { ActorLog, type Entry } from "../../runtime/index.ts"
import { Outbox, type Sendable } from "../../runtime/outbox.ts"

/** A log that stores nothing until it is let go. */
const slowLog = (go: Latch.Latch, stored: Array<number>) =>
  Layer.mock(ActorLog, {
    limits: { payloadBytesMax: 1_000_000, groupEntriesMax: 1_000, groupBytesMax: 4_000_000 },
    shards: 1,
    status: { life: "only", lastSequence: 0, rewinds: 0, fault: undefined, confirmedAt: undefined },
    inbox: "nobody",
    answer: () => {},
    broadcast: () => {},
    newId: () => "id",
    append: (group: ReadonlyArray<Entry>) =>
      Effect.as(
        Effect.tap(go.await, () => Effect.sync(() => stored.push(group.length))),
        1
      )
  })

const mail = (payload: string): Sendable => ({ kind: "mail", to: { type: "a", id: "a" }, payload })

const sendAll = (count: number, payload: string) =>
  Effect.gen(function* () {
    const go = yield* Latch.make(false)
    const stored: Array<number> = []
    const outbox = new Outbox(yield* ActorLog.pipe(Effect.provide(slowLog(go, stored))))
    yield* Effect.forkChild(outbox.run)
    const sending = yield* Effect.forEach(
      Array.from({ length: count }),
      () => Effect.exit(outbox.send(mail(payload))),
      { concurrency: "unbounded" }
    ).pipe(Effect.forkChild)
    yield* Effect.yieldNow
    yield* go.open
    const exits = yield* Fiber.join(sending)
    const refused = yield* Effect.forEach(exits.filter(Exit.isFailure), (exit) => Effect.flip(exit))
    const again = yield* Effect.exit(outbox.send(mail(payload)))
    return { refused, accepted: count - refused.length, stored: stored.reduce((sum, each) => sum + each, 0), again }
  })

describe("what waits to be sent", () => {
  it.effect("is bounded in number: what is more is refused, with how long to wait, and taken again afterwards", () =>
    Effect.gen(function* () {
      const { refused, accepted, stored, again } = yield* sendAll(30_000, "{}")
      assert.isAtLeast(accepted, 20_000)
      assert.isAtMost(accepted, 21_000)
      assert.strictEqual(refused[0]?._tag, "Overloaded")
      if (refused[0]?._tag === "Overloaded") assert.isAbove(refused[0].retry_after_ms, 0)
      assert.isTrue(Exit.isSuccess(again))
      assert.strictEqual(stored, accepted + 1)
    })
  )

  it.effect("is bounded in size", () =>
    Effect.gen(function* () {
      const { refused, accepted, again } = yield* sendAll(200, "x".repeat(900_000))
      assert.isAtLeast(accepted, 60)
      assert.isAtMost(accepted, 90)
      assert.strictEqual(refused[0]?._tag, "Overloaded")
      assert.isTrue(Exit.isSuccess(again))
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, Layer } from "effect"
import {
  ActorLog,
  AlreadyStored,
  type AppendError,
  type Entry,
  LogRefused,
  LogUnavailable,
  type Sendable
} from "../../runtime/index.ts"
import { Outbox } from "../../runtime/outbox.ts"

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

/** A log that takes no group, and of each message stores the first copy and loses its answer: only an id tells the next one. */
const refusingGroups = (ids: Array<string | undefined>) => {
  const seen = new Set<string>()
  let stored = 0
  const append = (group: ReadonlyArray<Entry>, id?: string): Effect.Effect<number, AppendError> =>
    Effect.suspend((): Effect.Effect<number, AppendError> => {
      if (group.length > 1) return Effect.fail(new LogRefused({ code: 1, detail: "not together" }))
      ids.push(id)
      if (id !== undefined && seen.has(id)) return Effect.fail(new AlreadyStored())
      if (id !== undefined) seen.add(id)
      stored++
      return Effect.fail(new LogUnavailable({ detail: "timeout" }))
    })
  return { append, stored: () => stored }
}

describe("messages of a group that was refused", () => {
  it.live("are stored once each, also where answers are lost", () =>
    Effect.gen(function* () {
      const ids: Array<string | undefined> = []
      const { append, stored } = refusingGroups(ids)
      const quiet = slowLog(yield* Latch.make(true), [])
      const log = yield* ActorLog.pipe(Effect.provide(quiet))
      const outbox = new Outbox({ ...log, append })
      yield* Effect.forkChild(outbox.run)
      yield* Effect.forEach(["1", "2", "3"], (payload) => outbox.send(mail(payload)), { concurrency: "unbounded" })
      assert.strictEqual(stored(), 3)
      assert.strictEqual(new Set(ids).size, 3, "each has an id of its own")
      assert.strictEqual(ids.length, 6)
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import { LogUnavailable } from "../../runtime/index.ts"
import { withParts } from "../../server/server.ts"
import { Storage } from "../../server/storage.ts"

/** A disk with so much room, under a server that stores or does not. */
const world = Effect.gen(function* () {
  const state = { stores: true, room: 1e9, restarts: 0, mends: true }
  const check = Effect.suspend(() =>
    state.stores ? Effect.void : Effect.fail(new LogUnavailable({ detail: "confirmed nothing" }))
  )
  const restart = Effect.sync(() => {
    state.restarts++
    state.stores = state.mends
  })
  const storage = new Storage(
    "data",
    { restart, logFile: "data/nats/server.log" },
    Effect.sync(() => state.room)
  )
  yield* Effect.forkScoped(storage.watch(check))
  return { state, storage, said: Effect.map(TestConsole.errorLines, (lines) => lines.map(String)) }
})

describe("the storage of a server of our own", () => {
  it.effect("is said once to be full, and the server is started again once there is room, not before", () =>
    Effect.gen(function* () {
      const { state, storage, said } = yield* world
      yield* TestClock.adjust("10 seconds")
      assert.isUndefined(storage.failed)
      Object.assign(state, { stores: false, room: 3e6 })
      yield* TestClock.adjust("10 minutes")
      const sentence =
        "nothing is stored: the disk of the data folder data is full (3 MB free). Make room there; then it goes on by itself"
      assert.deepStrictEqual([storage.failed, yield* said, state.restarts], [sentence, [sentence], 0])
      state.room = 1e9
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual([storage.failed, state.restarts], [undefined, 1])
      assert.deepStrictEqual((yield* said).slice(1), [
        "the NATS server is started again: there is room for what it could not store",
        "what is decided is stored again"
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("is given time where there is room, and its server is not started again all the time", () =>
    Effect.gen(function* () {
      const { state, storage } = yield* world
      Object.assign(state, { stores: false, mends: false })
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual([storage.failed, state.restarts], [undefined, 0], "it may only be slow")
      yield* TestClock.adjust("15 seconds")
      assert.match(storage.failed ?? "", /has room; data\/nats\/server\.log may say why/)
      assert.strictEqual(state.restarts, 0)
      yield* TestClock.adjust("10 minutes")
      assert.isAtLeast(state.restarts, 5)
      assert.isAtMost(state.restarts, 11)
      state.stores = true
      yield* TestClock.adjust("2 seconds")
      assert.isUndefined(storage.failed)
    }).pipe(Effect.scoped)
  )

  it.effect("that is full lets a system stop in a second, which could not hand over anything", () =>
    Effect.gen(function* () {
      const { state, storage } = yield* world
      const server = { url: "", gone: Effect.never, syncAlways: true, storage }
      const stuck = Effect.acquireRelease(Effect.void, () => Effect.never)
      const stopping = (seconds: number) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkScoped(Effect.exit(withParts(server, Effect.asVoid(stuck))))
          yield* TestClock.adjust(seconds * 1_000)
          return fiber.pollUnsafe() !== undefined
        })
      assert.deepStrictEqual([yield* stopping(9), yield* stopping(11)], [false, true], "what is well is waited for")
      Object.assign(state, { stores: false, room: 3e6 })
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(yield* stopping(1.1))
    }).pipe(Effect.scoped)
  )
})

import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { ActorLog, Actors, layerNode } from "../../runtime/index.ts"
import { FragileProtocol, fragileWith, WatchmanProtocol, watchman } from "../support/fragile.ts"
import { NatsServer } from "../support/nats.ts"
import { client, system } from "../support/system.ts"

const actors = [fragileWith({}), watchman]
const soon = { timeout: "4 seconds" } as const

const add = (id: string, n = 1) => Actors.use((all) => all.ask(FragileProtocol, id, "Add", { n }, soon))
const stopIt = (id: string, messageId?: string) =>
  Actors.use((all) => all.ask(FragileProtocol, id, "Stop", {}, { ...soon, ...(messageId && { messageId }) }))
const watchIt = (id: string) => Actors.use((all) => all.ask(WatchmanProtocol, "w", "Watch", { id }, soon))
const heard = Effect.sleep("150 millis").pipe(
  Effect.andThen(Actors.use((all) => all.ask(WatchmanProtocol, "w", "Read", {}, soon)))
)

layer(NatsServer.layer, { excludeTestServices: true })("an actor that stops", (it) => {
  it.effect("answers, and takes nothing any more, also on another node", () => {
    const clients = client({ namespace: "tombstone" })
    return Effect.gen(function* () {
      const log = yield* ActorLog
      yield* Effect.gen(function* () {
        yield* add("a", 3)
        assert.strictEqual(yield* stopIt("a", "last"), 3)
        assert.strictEqual((yield* Effect.flip(add("a")))._tag, "ActorStopped")
      }).pipe(Effect.provide(layerNode({ name: "one", actors })))
      yield* Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(add("a")))._tag, "ActorStopped")
        assert.strictEqual(yield* stopIt("a", "last"), 3, "the answer is remembered beyond the end")
      }).pipe(Effect.provide(layerNode({ name: "two", actors })))
      const records = yield* log.readJournal({ type: "fragile", id: "a" })
      assert.strictEqual(records.length, 1, "a tombstone took the place of its records")
      assert.notInclude(records[0]!.payload, '"state":{')
    }).pipe(Effect.provide(clients))
  })

  it.effect("has no timers left", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const log = yield* ActorLog
      const at = (yield* Clock.currentTimeMillis) + 700
      yield* all.ask(FragileProtocol, "t", "Remind", { at }, soon)
      yield* stopIt("t")
      const before = (yield* log.readJournal({ type: "fragile", id: "t" })).at(-1)!.sequence
      yield* Effect.sleep("2 seconds")
      assert.strictEqual((yield* log.readJournal({ type: "fragile", id: "t" })).at(-1)!.sequence, before)
      assert.deepStrictEqual(yield* log.readMail({ type: "fragile", id: "t" }, before, 10), [])
    }).pipe(Effect.provide(system({ namespace: "notimers", actors })))
  )

  it.effect("is told of to who watches it: once, and at once if it had stopped before", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      yield* add("a")
      yield* watchIt("a")
      yield* watchIt("a")
      yield* watchIt("b")
      yield* watchIt("c")
      yield* all.ask(WatchmanProtocol, "w", "Unwatch", { id: "c" }, soon)
      assert.deepStrictEqual(yield* heard, [])
      for (const id of ["a", "b", "c"]) yield* stopIt(id)
      assert.deepStrictEqual([...(yield* heard)].sort(), ["gone a (fragile/a)", "gone b (fragile/b)"])
      yield* watchIt("c")
      assert.deepStrictEqual((yield* heard).at(-1), "gone c (fragile/c)")
      assert.strictEqual((yield* heard).length, 3)
    }).pipe(Effect.provide(Layer.provideMerge(layerNode({ name: "one", actors }), client({ namespace: "watch" }))))
  )
})

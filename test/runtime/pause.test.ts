import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { Actors, Operators, type Target } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { DeskProtocol, plainDesk } from "../support/desk.ts"
import { NatsServer } from "../support/nats.ts"
import { operated, startNode } from "../support/nodes.ts"

const actors = [counter, plainDesk]
const soon = { timeout: "8 seconds" } as const
const deskOf = (id: string): Target => ({ kind: "actor", address: { type: "desk", id } })

const note = (id: string, text: string) => Actors.use((all) => all.tell(DeskProtocol, id, "Note", { text }))
const notes = (id: string) => Actors.use((all) => all.ask(DeskProtocol, id, "Read", {}, soon))
const add = (id: string) => Actors.use((all) => all.ask(CounterProtocol, id, "Add", { n: 1 }, soon))
const pause = (target: Target) => Operators.use((all) => all.pause(target, "test"))
const resume = (target: Target) => Operators.use((all) => all.resume(target))
const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `n${from + index}`)

/** Nodes follow within moments. */
const moment = Effect.sleep("150 millis")

const start = (name: string) => startNode(name, actors)

layer(NatsServer.layer, { excludeTestServices: true })("what is paused", (it) => {
  it.effect("keeps its messages in order, also where it moves meanwhile; others go on", () =>
    Effect.gen(function* () {
      const first = yield* start("one")
      const telling = yield* Effect.forkChild(Effect.forEach(numbered(0, 600), (text) => note("a", text)))
      yield* Effect.sleep("100 millis") // in the middle of a burst
      assert.isTrue(yield* pause(deskOf("a")))
      yield* Fiber.join(telling)
      assert.strictEqual(yield* add("other"), 1)
      assert.deepStrictEqual(yield* note("b", "on").pipe(Effect.andThen(notes("b"))), ["on"])
      yield* start("two")
      yield* first.stop
      yield* Effect.forEach(numbered(600, 620), (text) => note("a", text))
      assert.strictEqual(
        (yield* Effect.flip(Actors.use((all) => all.ask(DeskProtocol, "a", "Read", {}, { timeout: "500 millis" }))))
          ._tag,
        "ActorUnavailable"
      )
      assert.strictEqual(yield* add("other"), 2)
      assert.isTrue(yield* resume(deskOf("a")))
      assert.deepStrictEqual(yield* notes("a"), numbered(0, 620))
    }).pipe(Effect.scoped, Effect.provide(operated("moved")))
  )

  it.effect("of a type or everything waits, timers too, which come once afterwards", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      yield* start("one")
      const at = (yield* Clock.currentTimeMillis) + 1_200
      yield* all.tell(DeskProtocol, "t", "Remind", { name: "later", at })
      yield* notes("t")
      assert.isTrue(yield* pause({ kind: "type", type: "desk" }))
      yield* moment
      yield* note("t", "told")
      assert.strictEqual(yield* add("k"), 1, "another type goes on")
      assert.isTrue(yield* pause({ kind: "everything" }))
      yield* moment
      assert.strictEqual(
        (yield* Effect.flip(all.ask(CounterProtocol, "k", "Add", { n: 1 }, { timeout: "400 millis" })))._tag,
        "ActorUnavailable"
      )
      yield* Effect.sleep("1500 millis")
      assert.isTrue(yield* resume({ kind: "everything" }))
      assert.strictEqual(yield* add("k"), 3, "what timed out was kept and counts")
      assert.isTrue(yield* resume({ kind: "type", type: "desk" }))
      assert.deepStrictEqual(yield* notes("t"), ["told", "reminded of later"])
      yield* Effect.sleep("500 millis")
      assert.deepStrictEqual(yield* notes("t"), ["told", "reminded of later"])
    }).pipe(Effect.scoped, Effect.provide(operated("wide")))
  )

  it.effect("again and again under load misses nothing and does nothing twice", () =>
    Effect.gen(function* () {
      yield* start("one")
      const keys = Array.from({ length: 40 }, (_, index) => `k${index}`)
      let stopped = false
      const switching = yield* Effect.gen(function* () {
        for (const target of [{ kind: "type", type: "counter" }, { kind: "everything" }] as const) {
          yield* pause(target)
          yield* Effect.sleep("60 millis")
          yield* resume(target)
          yield* Effect.sleep("20 millis")
        }
        for (const id of keys.slice(0, 3)) yield* pause({ kind: "actor", address: { type: "counter", id } })
        for (const id of keys.slice(0, 3)) yield* resume({ kind: "actor", address: { type: "counter", id } })
      }).pipe(Effect.repeat({ until: () => stopped }), Effect.forkChild)
      yield* Effect.forEach(
        Array.from({ length: 8_000 }, (_, index) => keys[index % keys.length]!),
        (id) => Actors.use((all) => all.tell(CounterProtocol, id, "Add", { n: 1 })),
        { concurrency: 200, discard: true }
      )
      yield* Effect.sleep("300 millis")
      stopped = true
      yield* Fiber.join(switching)
      const counts = yield* Effect.forEach(
        keys,
        (id) => Actors.use((all) => all.ask(CounterProtocol, id, "Get", {}, soon)),
        { concurrency: 40 }
      )
      assert.deepStrictEqual(
        counts,
        keys.map(() => 200)
      )
    }).pipe(Effect.scoped, Effect.provide(operated("rolling")))
  )
})

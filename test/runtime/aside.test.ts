import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { asideOf } from "../../runtime/engine/shard/aside.ts"
import { Actors, Archive, Operators } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { NatsServer } from "../support/nats.ts"
import { eventually, operated, startNode } from "../support/nodes.ts"

const soon = { timeout: "8 seconds" } as const
const ids = Array.from({ length: 40 }, (_, index) => `k${index}`)
const tell = (id: string, n: number) => Actors.use((all) => all.tell(CounterProtocol, id, "Add", { n }))
const count = (id: string) => Actors.use((all) => all.ask(CounterProtocol, id, "Get", {}, soon))

/** How many messages lie in the mailboxes of actors of a type. */
const stored = (type: string) =>
  Archive.use((archive) =>
    Effect.map(archive.mailboxes({ type }, undefined, 1_000), (all) =>
      all.reduce((sum, { messages }) => sum + messages, 0)
    )
  )

layer(NatsServer.layer, { excludeTestServices: true })("the mailbox of a role", (it) => {
  it.effect("stays small while an actor is paused and a type is unknown, and keeps what they have not done", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const operators = yield* Operators
      const first = yield* startNode("one", [counter])
      const target = { kind: "actor", address: { type: "counter", id: "held" } } as const
      yield* operators.pause(target, "test")
      yield* tell("held", 5)
      yield* all.tell({ ...CounterProtocol, type: "nosuch" }, "x", "Add", { n: 7 })
      const rounds = 75
      for (let round = 0; round < rounds; round++) {
        yield* Effect.forEach(ids, (id) => tell(id, 1), { concurrency: "unbounded" })
      }
      yield* tell("held", 50)
      yield* eventually(stored("counter"), (messages) => messages < 1_200)
      assert.strictEqual(yield* stored("nosuch"), 1)

      // Its next owner finds all that is not done, and nothing twice.
      yield* first.stop
      yield* startNode("two", [
        counter,
        {
          ...counter,
          type: "nosuch",
          definition: { ...counter.definition, protocol: { ...CounterProtocol, type: "nosuch" } }
        }
      ])
      for (const id of ids) assert.strictEqual(yield* count(id), rounds)
      yield* operators.resume(target)
      yield* eventually(count("held"), (sum) => sum === 55)
      const sum = all.ask({ ...CounterProtocol, type: "nosuch" }, "x", "Get", {}, soon)
      assert.strictEqual(yield* sum, 7)
      yield* eventually(stored("counter"), (messages) => messages === 0)
      assert.strictEqual(yield* stored("nosuch"), 0)
    }).pipe(Effect.scoped, Effect.provide(operated("aside")))
  )
})

layer(NatsServer.layer, { excludeTestServices: true })("who waits", (it) => {
  it.effect("is who has mail that is not decided, and nobody whose mail is only not removed yet", () =>
    Effect.gen(function* () {
      const operators = yield* Operators
      yield* startNode("one", [counter])
      yield* operators.pause({ kind: "actor", address: { type: "counter", id: "held" } }, "test")
      yield* tell("held", 5)
      // They have no effect: no journal tells that they were done.
      yield* Effect.forEach(ids, count, { concurrency: "unbounded" })
      const waiting = Effect.map(operators.waiting({}, 100), (all) =>
        all.map(({ address, messages }) => [address.id, messages])
      )
      yield* eventually(waiting, (all) => all.length === 1)
      assert.deepStrictEqual(yield* waiting, [["held", 1]])
    }).pipe(Effect.scoped, Effect.provide(operated("waits")))
  )
})

layer(NatsServer.layer, { excludeTestServices: true })("the waiting mail of an actor", (it) => {
  it.effect("can be dropped while it is paused or nobody has its type, and retried from the dead letters", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const operators = yield* Operators
      const target = { kind: "actor", address: { type: "counter", id: "held" } } as const
      yield* startNode("one", [counter])
      yield* tell("held", 1)
      assert.strictEqual(yield* count("held"), 1)
      const early = yield* Effect.flip(operators.dropMail(target.address, { keep: true }))
      assert.strictEqual(early._tag, "NotHeld")
      yield* operators.pause(target, "test")
      for (const n of [10, 100]) yield* tell("held", n)
      for (const id of ["x", "y"]) yield* all.tell({ ...CounterProtocol, type: "nosuch" }, id, "Add", { n: 7 })
      assert.deepStrictEqual(yield* operators.dropMail({ type: "nosuch" }, { keep: false }), { actors: 2, messages: 2 })
      assert.deepStrictEqual(yield* operators.dropMail(target.address, { keep: true }), { actors: 1, messages: 2 })
      assert.strictEqual(yield* stored("nosuch"), 0)
      yield* tell("held", 1_000)
      yield* operators.resume(target)
      yield* eventually(count("held"), (sum) => sum === 1_001)
      const letters = yield* operators.letters({}, 0, 10)
      assert.deepStrictEqual(
        letters.map(({ message, failure }) => [message, failure]),
        [
          ["Add", "dropped"],
          ["Add", "dropped"]
        ]
      )
      for (const { sequence } of letters) yield* operators.retry(sequence)
      yield* eventually(count("held"), (sum) => sum === 1_111)
    }).pipe(Effect.scoped, Effect.provide(operated("drops")))
  )
})

describe("who is far behind is set aside", () => {
  it("by name, and the others' oldest message bounds what is done", () => {
    assert.isUndefined(asideOf(5_000, [["a/1", 4_500]], 4_000))
    assert.deepStrictEqual(
      asideOf(
        5_000,
        [
          ["a/1", 10],
          ["b", 3_000],
          ["a/2", 4_900],
          ["b/1", 4_100]
        ],
        4_000
      ),
      { reach: 4_899, except: ["a/1", "b"] }
    )
  })

  it("by type where there are many, and at most so many in all", () => {
    const carts = Array.from({ length: 5_000 }, (_, index) => [`cart/${index}`, 10 + index] as const)
    assert.deepStrictEqual(asideOf(20_000, [...carts, ["a/1", 5]], 19_000), { reach: 20_000, except: ["a/1", "cart"] })
    const types = Array.from({ length: 300 }, (_, index) => [`t${index}`, 10 + index] as const)
    const { reach, except } = asideOf(20_000, types, 19_000)!
    assert.deepStrictEqual([reach, except.length, except[0]], [209, 200, "t0"])
  })
})

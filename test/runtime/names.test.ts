import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Layer, Ref, Scope } from "effect"
import { Leases, type Membership } from "../../runtime/index.ts"
import { announcement } from "../support/leases.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

/** Two processes with leases of one namespace, and what the second one sees. */
const twoProcesses = (namespace: string) =>
  Effect.gen(function* () {
    const seen = yield* Ref.make<Membership>({ nodes: new Map(), holders: new Map() })
    const open = Layer.build(Layer.fresh(client({ namespace })))
    const first = yield* Effect.provide(Leases, yield* open)
    const second = yield* Effect.provide(Leases, yield* open)
    yield* second.watch((membership) => void Effect.runSync(Ref.set(seen, membership)))
    return { first, second, seen: Ref.get(seen) }
  })

layer(NatsServer.layer, { excludeTestServices: true })("two live processes that give one node name", (it) => {
  it.effect("do not take each other's leases, and the second joins once the first has left", () =>
    Effect.gen(function* () {
      const { first, second, seen } = yield* twoProcesses("names")
      const stay = yield* Scope.make()
      assert.isTrue(yield* first.join("same", announcement()).pipe(Scope.provide(stay)))
      assert.isTrue(yield* first.acquire("any.1", "same"))
      assert.isFalse(yield* second.join("same", announcement()))
      assert.isFalse(yield* second.acquire("any.1", "same"))
      assert.isFalse(yield* second.renew("same", announcement()))
      yield* second.release("any.1", "same")
      yield* Effect.sleep("200 millis")
      assert.strictEqual((yield* seen).holders.get("any.1"), "same", "nobody took it")
      assert.isTrue(yield* first.renew("same", announcement()))

      yield* Scope.close(stay, Exit.void)
      assert.isTrue(yield* second.join("same", announcement({ residents: 2 })))
      yield* Effect.sleep("200 millis")
      assert.strictEqual((yield* seen).nodes.get("same")?.residents, 2)
      assert.strictEqual((yield* seen).holders.size, 0, "what the first one held is not the second one's")
      assert.isFalse(yield* first.renew("same", announcement()))
      assert.isTrue(yield* second.acquire("any.1", "same"))
    }).pipe(Effect.scoped)
  )
})

layer(NatsServer.layer, { excludeTestServices: true })("a node's lease", (it) => {
  it.effect("runs out with all its shards at once, and is not renewed after that", () =>
    Effect.gen(function* () {
      const { first, second, seen } = yield* twoProcesses("expires")
      assert.isTrue(yield* first.join("one", announcement()))
      assert.isTrue(yield* second.join("two", announcement()))
      assert.deepStrictEqual(
        yield* Effect.forEach(["any.0", "any.1", "any.2"], (shard) => first.acquire(shard, "one")),
        [true, true, true]
      )
      yield* Effect.sleep("600 millis")
      assert.isFalse(yield* second.acquire("any.0", "two"), "it is alive")
      assert.isTrue(yield* second.renew("two", announcement()))
      yield* Effect.sleep("400 millis")
      assert.isTrue(yield* second.renew("two", announcement()))
      yield* Effect.sleep("600 millis")
      assert.isTrue(yield* second.renew("two", announcement()))
      const { nodes, holders } = yield* seen
      assert.deepStrictEqual([...nodes.keys()], ["two"])
      assert.strictEqual(holders.size, 0)
      assert.isFalse(yield* first.renew("one", announcement()), "it has to join anew")
      assert.isFalse(yield* first.acquire("any.2", "one"))
      assert.isTrue(yield* second.acquire("any.0", "two"))

      assert.isTrue(yield* first.join("one", announcement()))
      assert.isFalse(yield* first.acquire("any.0", "one"))
      assert.isTrue(yield* first.acquire("any.1", "one"))
      assert.isFalse(yield* second.acquire("any.1", "two"), "of a life that it may not have heard of yet")
    }).pipe(Effect.scoped)
  )

  it.effect("does not outlive a renewal that is on its way while the node leaves", () =>
    Effect.gen(function* () {
      const { first, seen } = yield* twoProcesses("races")
      for (let round = 0; round < 20; round++) {
        const stay = yield* Scope.make()
        assert.isTrue(yield* first.join("one", announcement()).pipe(Scope.provide(stay)))
        const renewing = Effect.ignore(first.renew("one", announcement()))
        yield* Effect.all([renewing, Scope.close(stay, Exit.void), renewing], { concurrency: "unbounded" })
      }
      yield* Effect.sleep("200 millis")
      assert.strictEqual((yield* seen).nodes.size, 0)
    }).pipe(Effect.scoped)
  )

  it.effect("is released by the node that has it and no other", () =>
    Effect.gen(function* () {
      const { first, second, seen } = yield* twoProcesses("releases")
      yield* first.join("one", announcement())
      yield* second.join("two", announcement())
      yield* first.acquire("any.0", "one")
      yield* second.release("any.0", "two")
      yield* first.release("any.0", "two")
      yield* Effect.sleep("100 millis")
      assert.strictEqual((yield* seen).holders.get("any.0"), "one")
      yield* first.release("any.0", "one")
      yield* Effect.sleep("100 millis")
      assert.isTrue(yield* second.acquire("any.0", "two"))
    }).pipe(Effect.scoped)
  )
})

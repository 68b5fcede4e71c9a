import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Layer, Ref, Scope } from "effect"
import { Leases } from "../../runtime/index.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

layer(NatsServer.layer, { excludeTestServices: true })("two live processes that give one node name", (it) => {
  it.effect("do not take each other's leases, and the second waits until the first has left", () =>
    Effect.gen(function* () {
      const seen = yield* Ref.make<ReadonlySet<string>>(new Set())
      const open = Layer.build(Layer.fresh(client({ namespace: "names" })))
      const first = yield* Effect.provide(Leases, yield* open)
      const second = yield* Effect.provide(Leases, yield* open)
      yield* second.watch((membership) => void Effect.runSync(Ref.set(seen, membership.nodes)))

      const stay = yield* Scope.make()
      yield* first.join("same").pipe(Scope.provide(stay))
      assert.isTrue(yield* first.acquire(1, "same"))
      yield* second.join("same")
      assert.isFalse(yield* second.acquire(1, "same"))
      assert.isTrue(yield* first.renew(1, "same"), "nobody took it")
      yield* first.release(1, "same")
      assert.isTrue(yield* second.acquire(1, "same"))
      yield* Scope.close(stay, Exit.void)
      yield* Effect.sleep("800 millis")
      assert.deepStrictEqual(yield* Ref.get(seen), new Set(["same"]), "the second one is announced now")
    }).pipe(Effect.scoped)
  )
})

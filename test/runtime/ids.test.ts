import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Actors } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { NatsServer } from "../support/nats.ts"
import { system } from "../support/system.ts"

const one = { messageId: "order-1" }

layer(NatsServer.layer, { excludeTestServices: true })("a message id is an actor's own", (it) => {
  it.effect("told to two actors it is taken by both", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      yield* all.tell(CounterProtocol, "a", "Add", { n: 1 }, one)
      yield* all.tell(CounterProtocol, "b", "Add", { n: 2 }, one)
      const counts = yield* Effect.forEach(["a", "b"], (id) => all.ask(CounterProtocol, id, "Get", {}))
      assert.deepStrictEqual(counts, [1, 2])
    }).pipe(Effect.provide(system({ namespace: "told", actors: [counter] })))
  )

  it.effect("asked of two actors at once, each asker gets its own answer", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      yield* all.ask(CounterProtocol, "c", "Add", { n: 100 })
      const answers = yield* Effect.forEach(
        [
          { id: "c", n: 5 },
          { id: "d", n: 7 }
        ],
        ({ id, n }) => all.ask(CounterProtocol, id, "Add", { n }, one),
        { concurrency: 2 }
      )
      assert.deepStrictEqual(answers, [105, 7])
    }).pipe(Effect.provide(system({ namespace: "asked", actors: [counter] })))
  )
})

import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ActorLog, Actors, Leases, layerNode } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

/** Leases that everybody gets and nobody loses: what a network that lies could do at worst. */
const everybodyOwnsEverything = (node: string) =>
  Layer.succeed(Leases, {
    ttlMillis: 3_600_000,
    join: () => Effect.void,
    watch: (see) => Effect.sync(() => see({ nodes: new Set([node]), holders: new Map() })),
    acquire: () => Effect.succeed(true),
    renew: () => Effect.succeed(true),
    release: () => Effect.void
  })

const rogue = (node: string) =>
  layerNode({ name: node, actors: [counter] }).pipe(Layer.provide(everybodyOwnsEverything(node)))

layer(NatsServer.layer, { excludeTestServices: true })("two nodes that both believe they own every shard", (it) => {
  it.effect("commit every message exactly once between them", () =>
    Effect.gen(function* () {
      const actors = yield* Actors
      const tells = Array.from({ length: 3_000 }, (_, index) => `k${index % 20}`)
      yield* Effect.forEach(tells, (key) => actors.tell(CounterProtocol, key, "Add", { n: 1 }), { concurrency: 200 })
      yield* Effect.sleep("1 second")
      const log = yield* ActorLog
      for (let key = 0; key < 20; key++) {
        const records = yield* log.readJournal({ type: "counter", id: `k${key}` })
        const sequences = records.flatMap(({ payload }) =>
          (JSON.parse(payload) as { steps: Array<{ sequence: number }> }).steps.map((step) => step.sequence)
        )
        assert.strictEqual(sequences.length, 150, "each message in one step of one record")
        assert.strictEqual(new Set(sequences).size, 150)
        assert.deepStrictEqual(
          sequences,
          sequences.toSorted((a, b) => a - b)
        )
      }
    }).pipe(
      Effect.provide(
        Layer.mergeAll(Layer.fresh(rogue("one")), Layer.fresh(rogue("two"))).pipe(
          Layer.provideMerge(client({ namespace: "fencing" }))
        )
      )
    )
  )
})

import { assert, layer } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Layer } from "effect"
import { Actors, layerNode } from "../../runtime/index.ts"
import { parseRecord } from "../../runtime/journal.ts"
import { CounterProtocol, counterKeeping } from "../support/counter.ts"
import { leasesOfOne } from "../support/leases.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

/** It gets every lease and loses none: what a network that lies could do at worst. */
const rogue = (node: string) =>
  layerNode({ name: node, actors: [counterKeeping(1_000_000)] }).pipe(Layer.provide(leasesOfOne()))

/** Every record of a journal, from the stream itself: our own reading starts at the last snapshot. */
const readAll = (url: string, stream: string, subject: string) =>
  Effect.acquireUseRelease(
    Effect.promise(() => connect({ servers: url })),
    (connection) =>
      Effect.promise(async () => {
        const records = []
        const { direct } = await jetstreamManager(connection)
        const page = await direct.getBatch(stream, { seq: 1, next_by_subj: subject, batch: 1_000 })
        for await (const message of page) records.push(parseRecord(message.string()))
        return records
      }),
    (connection) => Effect.promise(() => connection.close())
  )

layer(NatsServer.layer, { excludeTestServices: true })("two nodes that both believe they own every shard", (it) => {
  it.effect("commit every message exactly once between them", () =>
    Effect.gen(function* () {
      const actors = yield* Actors
      const tells = Array.from({ length: 3_000 }, (_, index) => `k${index % 20}`)
      yield* Effect.forEach(tells, (key) => actors.tell(CounterProtocol, key, "Add", { n: 1 }), { concurrency: 200 })
      yield* Effect.sleep("1 second")
      const { url } = yield* NatsServer
      for (let key = 0; key < 20; key++) {
        const records = yield* readAll(url, "FENCING", `fencing.journal.counter.k${key}`)
        const sequences = records.flatMap((record) => record.steps.map((step) => step.sequence))
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

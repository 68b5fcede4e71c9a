import { assert, layer } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { connect as connectNats } from "@nats-io/transport-node"
import { Clock, Effect, Layer, Schedule, Scope } from "effect"
import { Leases, type Membership, Operators } from "../../runtime/index.ts"
import { layerNats, layerOperators } from "../../runtime/nats/index.ts"
import { formatHolder, formatNode, type Key, KeyView, nodeKey, shardKey } from "../../runtime/nats/membership.ts"
import { announcement, stayAlive } from "../support/leases.ts"
import { manage } from "../support/manage.ts"
import { NatsServer } from "../support/nats.ts"

const options = (url: string, namespace: string) => ({ url, namespace, name: "test", ttlSeconds: 1, shards: 8 })

const connect = (url: string, namespace: string) => Layer.build(Layer.fresh(layerNats(options(url, namespace))))

const bucketOf = (namespace: string) => `${namespace.toUpperCase()}_LEASES`

/** Keys as a server has them that lost its power: what had expired is back, and nothing will remove it. */
const bringBack = (url: string, namespace: string, keys: Readonly<Record<string, string>>) =>
  Effect.acquireUseRelease(
    Effect.promise(() => connectNats({ servers: url })),
    (connection) =>
      Effect.promise(async () => {
        for (const [key, value] of Object.entries(keys)) {
          await jetstream(connection).publish(`$KV.${bucketOf(namespace)}.${key}`, value)
        }
      }),
    (connection) => Effect.promise(() => connection.close())
  )

const deleteWatches = (url: string, namespace: string) =>
  manage(url, async (manager) => {
    const stream = `KV_${bucketOf(namespace)}`
    let deleted = 0
    for await (const { name } of manager.consumers.list(stream)) {
      if (await manager.consumers.delete(stream, name)) deleted++
    }
    return deleted
  })

const DEAD = {
  [nodeKey("a-dead-one")]: formatNode("old", 1, announcement({ done: { any: { upTo: 3, shards: [1] } } })),
  [shardKey("any.1")]: formatHolder({ node: "a-dead-one", epoch: "old" })
}

/** What a watch has shown last. */
const watching = (leases: Leases["Service"]) =>
  Effect.gen(function* () {
    let last: Membership = { nodes: new Map(), holders: new Map() }
    yield* leases.watch((membership) => {
      last = membership
    })
    const becomes = (...nodes: ReadonlyArray<string>) =>
      Effect.sync(() => [...last.nodes.keys()].toSorted().join()).pipe(
        Effect.repeat({ until: (now) => now === nodes.join(), schedule: Schedule.spaced("20 millis") }),
        Effect.timeout("10 seconds")
      )
    return { becomes, last: () => last }
  })

const real = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))

layer(NatsServer.layer)("a node whose lease has run out", (it) => {
  it.effect(
    "is dead though the server has its key again: its shards are free, and its key is removed",
    () =>
      real(
        Effect.gen(function* () {
          const { url } = yield* NatsServer
          const leases = yield* Leases.pipe(Effect.provide(yield* connect(url, "ghost")))
          const { becomes, last } = yield* watching(leases)
          yield* stayAlive("living").pipe(Effect.provideService(Leases, leases))
          yield* bringBack(url, "ghost", DEAD)
          yield* becomes("a-dead-one", "living")
          assert.isFalse(yield* leases.acquire("any.1", "living"))
          yield* becomes("living")
          assert.strictEqual(last().holders.get("any.1"), undefined)
          assert.isTrue(yield* leases.acquire("any.1", "living"))
          const stored = yield* Effect.repeat(
            manage(url, (manager) =>
              manager.streams.getMessage(`KV_${bucketOf("ghost")}`, {
                last_by_subj: `$KV.${bucketOf("ghost")}.node.a-dead-one`
              })
            ),
            {
              until: (message) => message?.header.get("KV-Operation") === "DEL",
              schedule: Schedule.spaced("100 millis")
            }
          ).pipe(Effect.timeout("5 seconds"))
          assert.isDefined(stored)
        })
      ),
    20_000
  )

  it.effect(
    "does not hold its name: who is started under it is alive at once",
    () =>
      real(
        Effect.gen(function* () {
          const { url } = yield* NatsServer
          const leases = yield* Leases.pipe(Effect.provide(yield* connect(url, "namesake")))
          yield* bringBack(url, "namesake", DEAD)
          assert.isFalse(yield* leases.join("a-dead-one", announcement()), "it may be alive yet")
          yield* Effect.sleep("2200 millis")
          assert.isTrue(yield* leases.join("a-dead-one", announcement()))
        })
      ),
    20_000
  )

  it.effect(
    "is not shown to operators",
    () =>
      real(
        Effect.gen(function* () {
          const { url } = yield* NatsServer
          yield* connect(url, "shown")
          yield* bringBack(url, "shown", DEAD)
          yield* Effect.sleep("2200 millis")
          const operators = yield* Operators.pipe(
            Effect.provide(yield* Layer.build(layerOperators(options(url, "shown"))))
          )
          assert.deepStrictEqual(yield* operators.nodes, [])
        })
      ),
    20_000
  )
})

layer(NatsServer.layer)("who is alive is told", (it) => {
  it.effect(
    "also after the consumer of the watch is gone, which nobody says",
    () =>
      real(
        Effect.gen(function* () {
          const { url } = yield* NatsServer
          const leases = yield* Leases.pipe(Effect.provide(yield* connect(url, "deaf")))
          const { becomes } = yield* watching(leases)
          yield* stayAlive("one").pipe(Effect.provideService(Leases, leases))
          yield* becomes("one")
          assert.isAbove(yield* deleteWatches(url, "deaf"), 0)
          const two = yield* Scope.make()
          const other = yield* connect(url, "deaf").pipe(Scope.provide(two))
          yield* stayAlive("two").pipe(Scope.provide(two), Effect.provide(other))
          yield* becomes("one", "two")
        })
      ),
    20_000
  )

  it.effect(
    "also after the bucket was deleted: it is made anew, and everybody joins anew",
    () =>
      real(
        Effect.gen(function* () {
          const { url } = yield* NatsServer
          const leases = yield* Leases.pipe(Effect.provide(yield* connect(url, "bucket")))
          const { becomes } = yield* watching(leases)
          yield* stayAlive("one").pipe(Effect.provideService(Leases, leases))
          const other = yield* connect(url, "bucket")
          yield* stayAlive("two").pipe(Effect.provide(other))
          yield* becomes("one", "two")
          yield* manage(url, (manager) => manager.streams.delete(`KV_${bucketOf("bucket")}`))
          const isThere = manage(url, (manager) =>
            manager.streams.info(`KV_${bucketOf("bucket")}`).then(
              ({ state }) => state.messages >= 2,
              () => false
            )
          )
          yield* Effect.repeat(isThere, { until: (there) => there, schedule: Schedule.spaced("100 millis") }).pipe(
            Effect.timeout("10 seconds")
          )
          yield* becomes("one", "two")
          assert.isTrue(yield* leases.acquire("any.1", "one"))
        })
      ),
    30_000
  )
})

const key = (revision: number, time: number, value: string): Key => ({ revision, time, value })

layer(Layer.empty)("a view of the leases", (it) => {
  it.effect("takes nobody for dead before the servers' time says so, whatever lifetime a node has", () =>
    Effect.sync(() => {
      const view = new KeyView(1_000)
      view.take(nodeKey("short"), key(1, 10_000, formatNode("e", 1, announcement())))
      view.take(nodeKey("long"), key(2, 10_000, formatNode("e", 30, announcement())))
      view.take(nodeKey("silent"), key(3, 10_000, '{"epoch":"e"}'))
      const alive = () => [...view.membership.nodes.keys()]
      view.now(12_000)
      assert.deepStrictEqual(alive(), ["short", "long", "silent"])
      view.now(12_001)
      assert.deepStrictEqual(alive(), ["long"])
      assert.deepStrictEqual(view.ghosts, [
        { node: "short", revision: 1 },
        { node: "silent", revision: 3 }
      ])
      view.take(nodeKey("short"), key(4, 12_500, formatNode("e", 1, announcement())))
      assert.deepStrictEqual(alive(), ["short", "long"])
    })
  )
})

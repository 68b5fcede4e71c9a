import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, type Scope } from "effect"
import { type ActorLog, type Actors, type Leases, layerNode } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { counter } from "../support/counter.ts"
import { counting } from "../support/counting.ts"
import { type NatsCluster, natsCluster } from "../support/nats-cluster.ts"

const TELLS = 2_000
const ASKS = 300

const nats = (cluster: NatsCluster, namespace: string, name: string) =>
  Layer.fresh(layerNats({ url: cluster.url, namespace, name, ttlSeconds: 2, shards: 8, replicas: 3 }))

/** A node and a client, each with a connection of its own, on a cluster of three servers. */
const onCluster = <A, E>(
  namespace: string,
  test: (cluster: NatsCluster) => Effect.Effect<A, E, Actors | ActorLog | Leases | Scope.Scope>
) =>
  Effect.gen(function* () {
    const cluster = yield* natsCluster
    yield* Layer.build(Layer.provide(layerNode({ name: "node", actors: [counter] }), nats(cluster, namespace, "node")))
    const client = yield* Layer.build(nats(cluster, namespace, "client"))
    return yield* test(cluster).pipe(Effect.provide(client))
  }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))

/** Tells and asks, while something else goes on that falls into the middle of them. */
const underLoad = <A, E, R>(meanwhile: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const counters = counting(50)
    const load = yield* Effect.forkChild(
      Effect.all([counters.tell(TELLS), counters.ask(ASKS)], { concurrency: 2, discard: true })
    )
    yield* Effect.sleep("150 millis")
    assert.isUndefined(load.pollUnsafe(), "it falls into the middle")
    yield* meanwhile
    yield* Fiber.join(load)
    yield* counters.verify
  })

describe("on three servers", () => {
  it.live(
    "the stream's leader is killed under load: nothing is lost or done twice, every ask is answered",
    () =>
      onCluster("leaders", (cluster) =>
        underLoad(
          Effect.gen(function* () {
            const leader = yield* cluster.leaderOf("LEADERS")
            yield* leader.kill
            const next = yield* cluster.leaderOf("LEADERS")
            assert.notStrictEqual(next.name, leader.name)
            yield* leader.start
            yield* leader.healthy
          })
        )
      ),
    90_000
  )

  it.live(
    "the leader of the cluster itself is killed under load: the same",
    () =>
      onCluster("meta", (cluster) =>
        underLoad(
          Effect.gen(function* () {
            const leader = yield* cluster.metaLeader
            yield* leader.kill
            yield* Effect.sleep("1 second")
            yield* leader.start
            yield* leader.healthy
          })
        )
      ),
    90_000
  )

  it.live(
    "the stream's leader is silent for six seconds and comes back believing that it leads: the same",
    () =>
      onCluster("silent", (cluster) =>
        underLoad(
          Effect.gen(function* () {
            const leader = yield* cluster.leaderOf("SILENT")
            yield* leader.pause
            yield* Effect.ensuring(Effect.sleep("6 seconds"), leader.resume)
            yield* leader.healthy
          })
        )
      ),
    90_000
  )

  it.live(
    "two of three are gone: callers wait, and all goes on when one is back",
    () =>
      onCluster("quorum", (cluster) =>
        underLoad(
          Effect.gen(function* () {
            const leader = yield* cluster.leaderOf("QUORUM")
            const [other] = cluster.servers.filter((server) => server !== leader)
            yield* Effect.all([leader.kill, other!.kill])
            yield* Effect.sleep("3 seconds")
            yield* leader.start
            yield* cluster.leaderOf("QUORUM")
            yield* other!.start
            yield* other!.healthy
          })
        )
      ),
    90_000
  )
})

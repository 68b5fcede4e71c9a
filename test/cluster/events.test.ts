// What is promised of events, on three servers of which one is held back.
import { Clock, Effect, Layer } from "effect"
import { ActorLog, EventLog } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { EventHarness } from "../conformance/event-harness.ts"
import { eventConformance } from "../conformance/events.ts"
import { SHARDS } from "../conformance/harness.ts"
import { type ClusterServer, type NatsCluster, natsCluster } from "../support/nats-cluster.ts"

const TIMEOUT = 60_000

/** By the server that leads the stream, so that another one can be held back. */
const openOn = ({ servers, leaderOf }: NatsCluster, namespace: string, outside: boolean) =>
  Effect.gen(function* () {
    const logOn = ({ url }: ClusterServer) =>
      Layer.build(Layer.fresh(layerNats({ url, namespace, name: "conformance", shards: SHARDS, replicas: 3 }))).pipe(
        Effect.flatMap((services) => ActorLog.pipe(Effect.provide(services)))
      )
    yield* Effect.scoped(logOn(servers[0]!))
    const leader = yield* leaderOf(namespace.toUpperCase())
    const { append } = yield* logOn(leader)
    const events = yield* Layer.build(layerEvents({ url: leader.url, namespace, name: "events", outside }))
    return { append, log: yield* EventLog.pipe(Effect.provide(events)) }
  })

const harness = (outside: boolean) =>
  Layer.effect(
    EventHarness,
    Effect.map(natsCluster, (cluster) =>
      EventHarness.of({
        open: (namespace) => openOn(cluster, namespace, outside),
        whileBehind: (namespace, run) =>
          Effect.gen(function* () {
            const leader = yield* cluster.leaderOf(namespace.toUpperCase())
            const held = cluster.servers.find((server) => server !== leader)!
            return yield* Effect.acquireUseRelease(
              held.pause,
              () => run,
              () => held.resume
            )
          }),
        sleep: Effect.sleep,
        now: Clock.currentTimeMillis
      })
    )
  )

eventConformance("events on three servers", harness(false), TIMEOUT)
eventConformance("events on three servers, through the doors of nodes", harness(true), TIMEOUT)

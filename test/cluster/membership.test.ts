import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule, type Scope } from "effect"
import { Leases } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { stayAlive } from "../support/leases.ts"
import { manage } from "../support/manage.ts"
import { natsCluster } from "../support/nats-cluster.ts"

const STREAM = "KV_FROZEN_LEASES"

/** By name, the server on which each consumer of the leases is. */
const consumers = (url: string) =>
  manage(url, async (manager) => {
    const found = new Map<string, string>()
    for await (const { name, cluster } of manager.consumers.list(STREAM)) found.set(name, cluster?.leader ?? "")
    return found
  })

/** A process that is connected to one server, and has a node there. `watch` gives what it has seen last of who is alive. */
const member = (url: string, node: string) =>
  Effect.gen(function* () {
    const options = { url, namespace: "frozen", name: node, ttlSeconds: 2, shards: 8, replicas: 3 }
    const leases = yield* Leases.pipe(Effect.provide(yield* Layer.build(Layer.fresh(layerNats(options)))))
    const watch = Effect.gen(function* () {
      let last: ReadonlyArray<string> = []
      yield* leases.watch(({ nodes }) => {
        last = [...nodes.keys()].toSorted()
      })
      return () => last.join()
    })
    yield* watch // before a node joins, as nodes do
    yield* stayAlive(node).pipe(Effect.provideService(Leases, leases))
    return watch
  })

const becomes = (seen: () => string, wanted: string) =>
  Effect.sync(seen).pipe(
    Effect.repeat({ until: (now) => now === wanted, schedule: Schedule.spaced("50 millis") }),
    Effect.timeout("25 seconds")
  )

describe("on three servers", () => {
  it.live(
    "who is alive is told also where the server dies that held the watch, and not the one that we are connected to",
    () =>
      Effect.gen(function* () {
        const cluster = yield* natsCluster
        const members = yield* Effect.forEach(cluster.servers, ({ url }, index) => member(url, `n${index}`))
        const [near, ...others] = cluster.servers
        // The servers choose where a consumer is: until one is not where its watcher is connected.
        const openFar: Effect.Effect<{ readonly seen: () => string; readonly on: string }, unknown, Scope.Scope> =
          Effect.gen(function* () {
            const before = yield* consumers(cluster.url)
            const seen = yield* members[0]!
            const on = [...(yield* consumers(cluster.url))].find(([name]) => !before.has(name))?.[1]
            return on === undefined || on === near!.name ? yield* openFar : { seen, on }
          })
        const { seen, on } = yield* openFar
        yield* becomes(seen, "n0,n1,n2")
        const dies = others.find(({ name }) => name === on)
        assert.isDefined(dies)
        yield* dies.kill
        yield* becomes(seen, on === others[0]!.name ? "n0,n2" : "n0,n1")
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    90_000
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Schedule, type Scope } from "effect"
import { ActorLog, Actors, layerNats, layerNode } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { counting } from "../support/counting.ts"
import { manage } from "../support/manage.ts"
import { natsServer, type TestServerOptions } from "../support/nats.ts"
import { isStoreAck, type NatsProxy, natsProxy } from "../support/nats-proxy.ts"

interface World {
  readonly url: string
  /** The ways that the node and the client take to the server. */
  readonly nodeWay: NatsProxy
  readonly clientWay: NatsProxy
}

/** A node and a client on one server, each with a way of its own to it. */
const world = <A, E>(
  namespace: string,
  test: (world: World) => Effect.Effect<A, E, Actors | ActorLog | Scope.Scope>,
  server: TestServerOptions = {}
) =>
  Effect.gen(function* () {
    const { url, port } = yield* natsServer(server)
    const [nodeWay, clientWay] = [yield* natsProxy(port), yield* natsProxy(port)]
    const nats = (way: NatsProxy, name: string) =>
      Layer.fresh(layerNats({ url: way.url, namespace, name, ttlSeconds: 1, shards: 8 }))
    yield* Layer.build(Layer.provide(layerNode({ name: "node", actors: [counter] }), nats(nodeWay, "node")))
    const client = yield* Layer.build(nats(clientWay, "client"))
    return yield* test({ url, nodeWay, clientWay }).pipe(Effect.provide(client))
  }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))

/** Every so many of the answers that something was stored get lost, so many in all. Gives how many did. */
const loseAcks = (way: NatsProxy, stream: string, every: number, most: number) => {
  let seen = 0
  let lost = 0
  way.swallow((message) => {
    if (!isStoreAck(stream, message) || ++seen % every !== 0 || lost === most) return false
    lost++
    return true
  })
  return () => lost
}

describe("an answer that says that something was stored", () => {
  it.live(
    "gets lost on its way to the node and to the sender: everything has one effect, every ask its answer",
    () =>
      world("acks", ({ nodeWay, clientWay }) =>
        Effect.gen(function* () {
          const counters = counting(20)
          yield* counters.tell(100)
          const lost = [loseAcks(nodeWay, "ACKS", 5, 2), loseAcks(clientWay, "ACKS", 3, 2)]
          yield* Effect.all([counters.tell(400), counters.ask(60)], { concurrency: 2 })
          yield* counters.verify
          assert.deepStrictEqual(
            lost.map((count) => count()),
            [2, 2]
          )
        })
      ),
    90_000
  )

  it.live(
    "gets lost because the connection breaks at that moment: the same",
    () =>
      world("cuts", ({ nodeWay, clientWay }) =>
        Effect.gen(function* () {
          const counters = counting(20)
          let cuts = 0
          for (const way of [nodeWay, clientWay]) {
            let seen = 0
            way.swallow((message) => {
              if (!isStoreAck("CUTS", message) || ++seen % 10 !== 0 || cuts >= 6) return false
              cuts++
              setImmediate(way.cut)
              return true
            })
          }
          yield* Effect.all([counters.tell(1_000), counters.ask(100)], { concurrency: 2 })
          yield* counters.verify
          assert.strictEqual(cuts, 6)
        })
      ),
    90_000
  )
})

describe("a node that does not take what the server sends", () => {
  it.live(
    "is cut off by the server as too slow, comes back and misses nothing",
    () =>
      world("slow", ({ nodeWay }) =>
        Effect.gen(function* () {
          const log = yield* ActorLog
          const counters = counting(20)
          yield* counters.tell(200)
          nodeWay.hold(true)
          yield* counters.tell(500)
          // More than all buffers on the way hold: nobody understands it, and it is parked.
          const large = { kind: "mail", to: { type: "counter", id: "other" }, payload: "x".repeat(500_000) } as const
          yield* Effect.forEach(Array.from({ length: 60 }), () => log.append([large]))
          const before = nodeWay.connections()
          yield* Effect.sleep("13 seconds")
          nodeWay.hold(false)
          yield* counters.ask(20)
          yield* counters.verify
          assert.isAbove(nodeWay.connections(), before, "the server did cut it off")
        })
      ),
    90_000
  )
})

describe("a consumer", () => {
  it.live(
    "that an operator deletes under load is made again, and nothing is missed",
    () =>
      world("consumers", ({ url }) =>
        Effect.gen(function* () {
          const counters = counting(20)
          let deleted = 0
          const deleting = manage(url, async (manager) => {
            for await (const { name } of manager.consumers.list("CONSUMERS")) {
              if (await manager.consumers.delete("CONSUMERS", name)) deleted++
            }
          }).pipe(Effect.repeat(Schedule.spaced("250 millis")))
          const operator = yield* Effect.forkChild(deleting)
          for (let round = 0; round < 20; round++) {
            yield* counters.tell(100)
            yield* Effect.sleep("100 millis")
          }
          yield* counters.ask(50)
          yield* Fiber.interrupt(operator)
          yield* counters.verify
          assert.isAbove(deleted, 4)
        })
      ),
    60_000
  )
})

describe("a server whose store is full", () => {
  const LARGE = "x".repeat(200_000)
  /** For actors that no node runs: they only take room. */
  const large = (id: string) => ({ kind: "mail", to: { type: "filler", id, role: "nobody" }, payload: LARGE }) as const

  it.live(
    "refuses with LogFull and stores nothing by halves; when room is made, all goes on by itself",
    () =>
      world(
        "full",
        ({ url }) =>
          Effect.gen(function* () {
            const log = yield* ActorLog
            const actors = yield* Actors
            const counters = counting(20)
            yield* Effect.forEach(Array.from({ length: 20 }), () => log.append([large("ballast")]))
            // Accepted, and perhaps not processed yet when nothing can be stored any more.
            yield* counters.tell(1_000)
            let full = false
            let groups = 0
            const group = Effect.tap(
              log.append([large("g"), large("g"), large("g")]),
              Effect.sync(() => void groups++)
            )
            const filling = yield* Effect.forkChild(Effect.ignore(Effect.repeat(group, { while: () => !full })))
            const isFull = Effect.flip(actors.tell(CounterProtocol, "other", "Add", { n: 0 }))
            const refused = yield* isFull.pipe(Effect.eventually)
            full = true
            assert.strictEqual(refused._tag, "LogFull")
            const asked = yield* Effect.flip(actors.ask(CounterProtocol, "other", "Add", { n: 1 }))
            assert.strictEqual(asked._tag, "LogFull")
            // The leases run out meanwhile: they cannot be stored either.
            yield* Effect.sleep("3 seconds")
            yield* manage(url, (manager) =>
              manager.streams.purge("FULL", { filter: "full.mail.nobody.*.filler.ballast" })
            )
            yield* counters.ask(20)
            yield* counters.verify
            assert.strictEqual(yield* actors.ask(CounterProtocol, "other", "Get", {}), 0)
            yield* Fiber.join(filling)
            const subject = "full.mail.nobody.*.filler.g"
            const info = yield* manage(url, (manager) => manager.streams.info("FULL", { subjects_filter: subject }))
            const stored = Object.values(info.state.subjects ?? {}).reduce((sum, count) => sum + count, 0)
            assert.deepStrictEqual([stored, stored % 3], [3 * groups, 0])
          }),
        { maxFileStore: "8MB" }
      ),
    60_000
  )
})

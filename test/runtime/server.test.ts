import { createConnection, createServer, type Server, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect as connectNats } from "@nats-io/transport-node"
import { Clock, Effect, Exit, Fiber, Layer, Schedule, Scope } from "effect"
import { Actors, Leases, layerNode } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { embeddedNats } from "../../server/nats-server.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { stayAlive } from "../support/leases.ts"
import { natsServer, temporaryFolder } from "../support/nats.ts"

const TELLS = 6_000
const ASKS = 1_000
const KEYS = 50

/** A nats-server that can be killed and started again on its port and store. */
const killableServer = Effect.gen(function* () {
  const dataDir = yield* temporaryFolder
  let scope = yield* Scope.make()
  const start = (port: number | undefined) =>
    embeddedNats({ binary: process.env.NATS_SERVER, syncInterval: "2m", port, dataDir }).pipe(
      Scope.provide(scope),
      Effect.retry(Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "5 seconds" })))
    )
  let server = yield* start(undefined)
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const killAndStart = Effect.gen(function* () {
    process.kill(server.pid, "SIGKILL")
    yield* server.exited
    yield* Scope.close(scope, Exit.void)
    scope = yield* Scope.make()
    server = yield* start(server.port)
  })
  return { url: server.url, killAndStart }
})

describe("a NATS server that is killed and started again on its store, under load", () => {
  it.live(
    "loses and repeats nothing, and the node goes on by itself",
    () =>
      Effect.gen(function* () {
        const { url, killAndStart } = yield* killableServer
        const nats = layerNats({ url, namespace: "reborn", name: "test", ttlSeconds: 1, shards: 8 })
        const node = Layer.provideMerge(layerNode({ name: "node", actors: [counter] }), nats)
        yield* Effect.gen(function* () {
          const actors = yield* Actors
          const tells = yield* Effect.forkChild(
            Effect.forEach(
              Array.from({ length: TELLS }, (_, index) => `k${index % KEYS}`),
              (key) => actors.tell(CounterProtocol, key, "Add", { n: 1 }),
              { concurrency: 10, discard: true }
            )
          )
          const asks = yield* Effect.forkChild(
            Effect.forEach(
              Array.from({ length: ASKS }, (_, index) => `k${index % KEYS}`),
              (key) => actors.ask(CounterProtocol, key, "Add", { n: 1_000 }, { timeout: "25 seconds" }),
              { concurrency: 5 }
            )
          )
          for (let kill = 0; kill < 2; kill++) {
            yield* Effect.sleep("150 millis")
            assert.isUndefined(tells.pollUnsafe(), "the kill falls into the middle")
            yield* killAndStart
          }
          yield* Fiber.join(tells)
          const answers = yield* Fiber.join(asks)
          assert.strictEqual(answers.length, ASKS)
          const counts = yield* Effect.forEach(
            Array.from({ length: KEYS }, (_, index) => `k${index}`),
            (key) => actors.ask(CounterProtocol, key, "Get", {}, { timeout: "20 seconds" }),
            { concurrency: 50 }
          )
          assert.deepStrictEqual(
            counts,
            counts.map(() => TELLS / KEYS + (1_000 * ASKS) / KEYS)
          )
        }).pipe(Effect.provide(node))
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    60_000
  )

  it.live(
    "still tells who comes and goes",
    () =>
      Effect.gen(function* () {
        const { url, killAndStart } = yield* killableServer
        const connect = (name: string) => layerNats({ url, namespace: "watched", name, ttlSeconds: 1, shards: 8 })
        const seen: Array<ReadonlyArray<string>> = []
        const seenBecomes = (...nodes: ReadonlyArray<string>) =>
          Effect.sync(() => seen.at(-1)?.toSorted()).pipe(
            Effect.repeat({ until: (now) => now?.join() === nodes.join(), schedule: Schedule.spaced("20 millis") }),
            Effect.timeout("12 seconds")
          )
        yield* Effect.gen(function* () {
          const leases = yield* Leases
          yield* leases.watch(({ nodes }) => seen.push([...nodes.keys()]))
          yield* stayAlive("one")
          yield* seenBecomes("one")
          yield* killAndStart
          const two = yield* Scope.make()
          const other = yield* Layer.buildWithScope(Layer.fresh(connect("other")), two)
          yield* stayAlive("two").pipe(Scope.provide(two), Effect.provide(other))
          yield* seenBecomes("one", "two")
          yield* Scope.close(two, Exit.void)
          yield* seenBecomes("one")
          assert.isFalse(
            seen.slice(1).some((nodes) => !nodes.includes("one")),
            "a membership is seen whole or not at all"
          )
        }).pipe(Effect.provide(connect("first")))
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    40_000
  )

  it.live(
    "forgets who went while it could not be heard, and left no trace",
    () =>
      Effect.gen(function* () {
        const server = yield* natsServer()
        const proxy = yield* cuttable(server.port)
        const options = { namespace: "traces", name: "test", ttlSeconds: 1, shards: 8 }
        const seen: Array<ReadonlyMap<string, unknown>> = []
        const near = yield* Layer.build(Layer.fresh(layerNats({ ...options, url: server.url })))
        const far = yield* Layer.build(Layer.fresh(layerNats({ ...options, url: proxy.url })))
        const two = yield* Scope.make()
        yield* stayAlive("one").pipe(Effect.provide(near))
        yield* stayAlive("two").pipe(Scope.provide(two), Effect.provide(near))
        yield* Leases.use((all) => all.watch(({ nodes }) => seen.push(nodes))).pipe(Effect.provide(far))
        const seenBecomes = (size: number) =>
          Effect.sync(() => seen.at(-1)?.size).pipe(
            Effect.repeat({ until: (now) => now === size, schedule: Schedule.spaced("20 millis") }),
            Effect.timeout("8 seconds")
          )
        yield* seenBecomes(2)
        proxy.cut()
        yield* Scope.close(two, Exit.void)
        yield* removeTrace(server.url, "TRACES_LEASES", "node.two")
        proxy.mend()
        yield* seenBecomes(1)
        assert.isTrue(
          seen.every((nodes) => nodes.has("one")),
          "a membership is seen whole or not at all"
        )
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    40_000
  )
})

/** A way to a port that can be cut. */
const cuttable = (port: number) =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    let open = true
    const listener = yield* Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const made = createServer((near) => {
          const far = createConnection({ host: "127.0.0.1", port })
          for (const socket of [near, far]) {
            sockets.add(socket)
            socket.on("error", () => socket.destroy())
          }
          near.pipe(far).pipe(near)
          if (!open) near.destroy()
        })
        made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
      }),
      (made) => Effect.sync(() => made.close())
    )
    const cut = () => {
      open = false
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    }
    yield* Effect.addFinalizer(() => Effect.sync(cut))
    const address = listener.address()
    const own = address !== null && typeof address === "object" ? address.port : 0
    const mend = () => {
      open = true
    }
    return { url: `nats://127.0.0.1:${own}`, cut, mend }
  })

/** What the server does by itself when the marker of a key that went has expired, a minute later. */
const removeTrace = (url: string, bucket: string, key: string) =>
  Effect.promise(async () => {
    const connection = await connectNats({ servers: url })
    const manager = await jetstreamManager(connection)
    await manager.streams.purge(`KV_${bucket}`, { filter: `$KV.${bucket}.${key}` })
    await connection.close()
  })

// Nodes that come and go under load, as real processes: no caller notices, and nothing counts twice.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, type Scope } from "effect"
import { Actors, Leases, type Membership } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import type { EmbeddedError } from "../../server/nats-server.ts"
import { CounterProtocol } from "../support/counter.ts"
import { natsServer } from "../support/nats.ts"
import { startNode } from "../support/node-process.ts"

const KEYS = 200
const IN_FLIGHT = 50
const BACKLOG = 20_000
const NODES = ["a", "b", "c"] as const

/** Asks counters without a pause, and keeps the books. */
const asking = (timeout?: "6 seconds") => {
  const counts = new Map<string, number>()
  const took: Array<number> = []
  const failed: Array<string> = []
  let asked = 0
  let stopped = false
  const one = Effect.gen(function* () {
    const key = `k${asked++ % KEYS}`
    const started = yield* Clock.currentTimeMillis
    const ask = Actors.use((actors) => actors.ask(CounterProtocol, key, "Add", { n: 1 }, timeout && { timeout }))
    yield* ask.pipe(
      Effect.map(() => void counts.set(key, (counts.get(key) ?? 0) + 1)),
      Effect.catch((error) => Effect.sync(() => failed.push(`${key}: ${error._tag}`)))
    )
    took.push((yield* Clock.currentTimeMillis) - started)
  })
  const ask = Effect.suspend(() => one).pipe(Effect.repeat({ until: () => stopped }))
  return {
    took,
    run: Effect.all(
      Array.from({ length: IN_FLIGHT }, () => ask),
      { concurrency: "unbounded", discard: true }
    ),
    stop: Effect.sync(() => {
      stopped = true
    }),
    verify: Effect.gen(function* () {
      assert.deepStrictEqual(failed, [])
      const get = (key: string) => Actors.use((actors) => actors.ask(CounterProtocol, key, "Get", {}))
      const exact = yield* Effect.forEach(
        [...counts.keys()],
        (key) => Effect.map(get(key), (sum) => [key, sum] as const),
        {
          concurrency: IN_FLIGHT
        }
      )
      assert.deepStrictEqual(new Map(exact), counts)
      assert.strictEqual(counts.size, KEYS)
    })
  }
}

/** How long the slowest asks took: read by people, asserted by nobody. */
const report = (what: string, took: ReadonlyArray<number>) => {
  const sorted = took.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  const line = `${what}: ${took.length} asks, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, p99.9 ${at(0.999)} ms, max ${at(1)} ms`
  return Effect.sync(() => console.log(line))
}

const onServer = <A, E>(
  namespace: string,
  test: (url: string) => Effect.Effect<A, E, Actors | Leases | Scope.Scope>
): Effect.Effect<A, unknown, Scope.Scope> =>
  Effect.gen(function* (): Effect.fn.Return<A, E | EmbeddedError | Error, Scope.Scope> {
    const { url } = yield* natsServer()
    const client = yield* Layer.build(layerNats({ url, namespace, name: "client", ttlSeconds: 1 }))
    return yield* test(url).pipe(Effect.provide(client))
  }).pipe(Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))

describe("three nodes under load", () => {
  it.live(
    "are started anew one after the other: no ask fails, and every count is exact",
    () =>
      onServer("rolling", (url) =>
        Effect.gen(function* () {
          const nodes = new Map(
            yield* Effect.forEach(NODES, (name) =>
              Effect.map(startNode(url, "rolling", name), (node) => [name, node] as const)
            )
          )
          const load = asking()
          const running = yield* Effect.forkChild(load.run)
          yield* Effect.sleep("2 seconds")
          yield* report("steady", load.took.splice(0))
          for (const name of NODES) {
            assert.strictEqual(yield* nodes.get(name)!.stop, 130)
            yield* Effect.sleep("500 millis")
            yield* report(`${name} stopped`, load.took.splice(0))
            nodes.set(name, yield* startNode(url, "rolling", name))
            yield* Effect.sleep("1 second")
            yield* report(`${name} started`, load.took.splice(0))
          }
          yield* load.stop
          yield* Fiber.join(running)
          yield* load.verify
        })
      ),
    60_000
  )

  it.live(
    "lose one by kill -9: no ask with a patience of six seconds fails, and every count is exact",
    () =>
      onServer("crash", (url) =>
        Effect.gen(function* () {
          const nodes = yield* Effect.forEach(NODES, (name) => startNode(url, "crash", name))
          const load = asking("6 seconds")
          const running = yield* Effect.forkChild(load.run)
          yield* Effect.sleep("2 seconds")
          load.took.splice(0)
          const killed = yield* Clock.currentTimeMillis
          yield* nodes[1]!.kill
          const get = (key: number) =>
            Actors.use((actors) => actors.ask(CounterProtocol, `k${key}`, "Get", {}, { timeout: "6 seconds" }))
          yield* Effect.forEach(
            Array.from({ length: KEYS }, (_, key) => key),
            get,
            { concurrency: KEYS }
          )
          const back = (yield* Clock.currentTimeMillis) - killed
          console.log(`all actors answered ${back} ms after the kill, with leases of 1000 ms`)
          yield* Effect.sleep("2 seconds")
          yield* load.stop
          yield* Fiber.join(running)
          yield* report("crash", load.took)
          yield* load.verify
        })
      ),
    60_000
  )
})

describe("a node with a long backlog", () => {
  it.live(
    "is stopped in the middle of it and leaves in order: its shards are free at once, and every count is exact",
    () =>
      onServer("backlog", (url) =>
        Effect.gen(function* () {
          let seen: Membership = { nodes: new Map(), holders: new Map() }
          yield* Leases.use((leases) =>
            leases.watch((membership) => {
              seen = membership
            })
          )
          const tell = (index: number) =>
            Actors.use((actors) => actors.tell(CounterProtocol, `k${index % KEYS}`, "Add", { n: 1 }))
          const tells = Array.from({ length: BACKLOG }, (_, index) => index)
          yield* Effect.forEach(tells, tell, { concurrency: 1_000, discard: true })
          for (const name of ["first", "second"]) {
            const node = yield* startNode(url, "backlog", name)
            yield* Effect.sleep(name === "first" ? "0 millis" : "50 millis")
            assert.strictEqual(yield* node.stop, 130)
            yield* Effect.sleep("50 millis")
            assert.deepStrictEqual([seen.nodes.size, seen.holders.size], [0, 0])
          }
          yield* startNode(url, "backlog", "last")
          const get = (key: number) =>
            Actors.use((actors) => actors.ask(CounterProtocol, `k${key}`, "Get", {}, { timeout: "20 seconds" }))
          const keys = Array.from({ length: KEYS }, (_, key) => key)
          assert.deepStrictEqual(
            yield* Effect.forEach(keys, get, { concurrency: IN_FLIGHT }),
            keys.map(() => BACKLOG / KEYS)
          )
        })
      ),
    60_000
  )
})

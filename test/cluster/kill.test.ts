import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, type Scope } from "effect"
import { Actors } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import type { EmbeddedError, EmbeddedNats } from "../../server/nats-server.ts"
import { CounterProtocol } from "../support/counter.ts"
import { natsServer } from "../support/nats.ts"
import { startNode } from "../support/node-process.ts"

const TELLS = 10_000
const KEYS = 100
const KILLS = 5

/** Tells counters, and knows what they should have counted. */
const counting = () => {
  const expected = new Map<string, number>()
  let told = 0
  const tellOne = Effect.suspend(() => {
    const index = told++
    const key = `k${index % KEYS}`
    const n = (index % 7) + 1
    expected.set(key, (expected.get(key) ?? 0) + n)
    return Actors.use((actors) => actors.tell(CounterProtocol, key, "Add", { n }))
  })
  const count = (key: string) =>
    Actors.use((actors) => actors.ask(CounterProtocol, key, "Get", {}, { timeout: "20 seconds" }))
  return {
    tell: (many: number) =>
      Effect.forEach(Array.from({ length: many }), () => tellOne, { concurrency: 20, discard: true }),
    verify: Effect.gen(function* () {
      const counts = yield* Effect.forEach(
        [...expected.keys()],
        (key) => Effect.map(count(key), (sum) => [key, sum] as const),
        {
          concurrency: 50
        }
      )
      assert.deepStrictEqual(new Map(counts), expected)
      assert.strictEqual(told, TELLS)
    })
  }
}

/** On a server of its own, with a client for the namespace; leases live one second. */
const onServer = <A, E>(
  namespace: string,
  test: (server: EmbeddedNats) => Effect.Effect<A, E, Actors | Scope.Scope>
): Effect.Effect<A, unknown, Scope.Scope> =>
  Effect.gen(function* (): Effect.fn.Return<A, E | EmbeddedError | Error, Scope.Scope> {
    const server = yield* natsServer()
    const client = yield* Layer.build(layerNats({ url: server.url, namespace, name: "client", ttlSeconds: 1 }))
    return yield* test(server).pipe(Effect.provide(client))
  }).pipe(Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))

describe("two nodes, of which one", () => {
  it.live(
    "is killed five times in the middle of 10,000 tells: every count is exact",
    () =>
      onServer("kills", ({ url }) =>
        Effect.gen(function* () {
          const counters = counting()
          yield* startNode(url, "kills", "steady")
          let victim = yield* startNode(url, "kills", "victim-0")
          for (let kill = 1; kill <= KILLS; kill++) {
            const telling = yield* Effect.forkChild(counters.tell(TELLS / KILLS))
            yield* Effect.sleep("50 millis")
            assert.isUndefined(telling.pollUnsafe(), "the kill falls into the middle")
            yield* victim.kill
            victim = yield* startNode(url, "kills", `victim-${kill}`)
            yield* Fiber.join(telling)
          }
          yield* counters.verify
        })
      ),
    60_000
  )

  it.live(
    "is stopped past its leases and wakes as a zombie, in the middle of 10,000 tells: every count is exact",
    () =>
      onServer("zombies", ({ url }) =>
        Effect.gen(function* () {
          const counters = counting()
          yield* startNode(url, "zombies", "steady")
          const zombie = yield* startNode(url, "zombies", "zombie")
          const telling = yield* Effect.forkChild(counters.tell(TELLS / 2))
          yield* Effect.sleep("50 millis")
          process.kill(zombie.pid, "SIGSTOP")
          yield* Fiber.join(telling)
          // The other node has taken the shards over by then, and goes on with them.
          yield* Effect.sleep("3 seconds")
          const more = yield* Effect.forkChild(counters.tell(TELLS / 2))
          process.kill(zombie.pid, "SIGCONT")
          yield* Fiber.join(more)
          yield* counters.verify
        })
      ),
    60_000
  )
})

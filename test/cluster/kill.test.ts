import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer } from "effect"
import { Actors, layerNats } from "../../runtime/index.ts"
import { CounterProtocol } from "../support/counter.ts"
import { natsServer } from "../support/nats.ts"
import { startNode } from "../support/node-process.ts"

const TELLS = 10_000
const KEYS = 100
const KILLS = 5

describe("two nodes, one of them killed again and again", () => {
  it.live(
    "counts every tell exactly once",
    () =>
      Effect.gen(function* () {
        const server = yield* natsServer()
        const namespace = "kills"
        yield* startNode(server.url, namespace, "steady")
        let victim = yield* startNode(server.url, namespace, "victim-0")
        const client = yield* Layer.build(layerNats({ url: server.url, namespace, name: "client", ttlSeconds: 1 }))

        yield* Effect.gen(function* () {
          const actors = yield* Actors
          const expected = new Map<string, number>()
          let told = 0
          const tellSome = Effect.forEach(
            Array.from({ length: TELLS / KILLS }),
            () => {
              const index = told++
              const key = `k${index % KEYS}`
              const n = (index % 7) + 1
              expected.set(key, (expected.get(key) ?? 0) + n)
              return actors.tell(CounterProtocol, key, "Add", { n })
            },
            { concurrency: 20, discard: true }
          )
          for (let kill = 1; kill <= KILLS; kill++) {
            const telling = yield* Effect.forkChild(Effect.suspend(() => tellSome))
            yield* Effect.sleep("50 millis")
            assert.isUndefined(telling.pollUnsafe(), "the kill falls into the middle")
            yield* victim.kill
            victim = yield* startNode(server.url, namespace, `victim-${kill}`)
            yield* Fiber.join(telling)
          }
          const counts = yield* Effect.forEach(
            expected.keys(),
            (key) =>
              actors
                .ask(CounterProtocol, key, "Get", {}, { timeout: "20 seconds" })
                .pipe(Effect.map((count) => [key, count] as const)),
            { concurrency: 50 }
          )
          assert.deepStrictEqual(new Map(counts), expected)
        }).pipe(Effect.provide(client))
      }).pipe(Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    60_000
  )
})

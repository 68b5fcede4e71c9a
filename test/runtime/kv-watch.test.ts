import { assert, it } from "@effect/vitest"
import { Effect, Layer, Logger, Schedule } from "effect"
import { Leases } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { stayAlive } from "../support/leases.ts"
import { manage } from "../support/manage.ts"
import { natsServer } from "../support/nats.ts"

const STREAM = "KV_DEAF_LEASES"

const forget = (url: string) =>
  manage(url, async (manager) => {
    for await (const { name } of manager.consumers.list(STREAM)) await manager.consumers.delete(STREAM, name)
  })

it.live("who only watches hears again when the server has lost its consumer, and reads nothing twice before", () =>
  Effect.gen(function* () {
    const { url } = yield* natsServer()
    const said: Array<string> = []
    const logger = Logger.make(({ message }) => void said.push(String(message)))
    const process = (name: string) =>
      Layer.build(Layer.fresh(layerNats({ url, namespace: "deaf", name, ttlSeconds: 1, shards: 8 })))
    const watching = yield* process("watching").pipe(Effect.provide(Logger.layer([logger])))
    let seen: ReadonlyArray<string> = []
    yield* Leases.use((leases) =>
      leases.watch(({ nodes }) => {
        seen = [...nodes.keys()]
      })
    ).pipe(Effect.provide(watching), Effect.provide(Logger.layer([logger])))
    const first = yield* process("first")
    // Its keys come and go, and leave markers behind that go as well.
    yield* Effect.scoped(Effect.provide(stayAlive("gone"), first))
    yield* Effect.provide(stayAlive("one"), first)
    yield* Effect.sleep("3 seconds")
    assert.deepStrictEqual([seen, said], [["one"], []])
    yield* forget(url)
    yield* Effect.provide(stayAlive("two"), yield* process("second"))
    yield* Effect.sync(() => seen.toSorted().join()).pipe(
      Effect.repeat({ until: (now) => now === "one,two", schedule: Schedule.spaced("50 millis") }),
      Effect.timeout("5 seconds")
    )
    assert.match(said.join(), /not heard of any more/)
  }).pipe(Effect.scoped)
)

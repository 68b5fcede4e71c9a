import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { ActorLog, type Entry } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { natsServer } from "../support/nats.ts"
import { isStoreAck, natsProxy } from "../support/nats-proxy.ts"

const GROUP = 1_000
/** Together more than a search from some seconds ago would get through. */
const GROUPS = 55

const mail = (payload: string): Entry => ({ kind: "mail", to: { type: "thing", id: "a", role: "nobody" }, payload })

describe("a group whose answer is lost", () => {
  it.live(
    "is found to be stored, however much was stored in the moment before",
    () =>
      Effect.gen(function* () {
        const { port } = yield* natsServer()
        const way = yield* natsProxy(port)
        const services = yield* Layer.build(
          Layer.fresh(layerNats({ url: way.url, namespace: "doubt", name: "test", shards: 8 }))
        )
        const log = yield* ActorLog.pipe(Effect.provide(services))
        const group = Array.from({ length: GROUP }, () => mail("{}"))
        yield* Effect.forEach(Array.from({ length: GROUPS }), () => log.append(group), { concurrency: 4 })
        let lost = 0
        way.swallow((message) => isStoreAck("DOUBT", message) && lost++ === 0)
        const last = yield* log.append([mail("1"), mail("2"), mail("3")])
        assert.strictEqual(lost, 1)
        assert.strictEqual(last, GROUP * GROUPS + 3)
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    40_000
  )
})

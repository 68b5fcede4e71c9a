import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Logger, Schedule } from "effect"
import { ActorLog } from "../../runtime/index.ts"
import { layerNatsClient } from "../../runtime/nats/index.ts"
import { natsServer } from "../support/nats.ts"
import { natsProxy } from "../support/nats-proxy.ts"

describe("a connection that is lost", () => {
  it.live(
    "is told of once, by the server's address and without its password, and once when it is back",
    () =>
      Effect.gen(function* () {
        const { port } = yield* natsServer()
        const way = yield* natsProxy(port)
        const lines: Array<string> = []
        const capture = Logger.layer([
          Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${JSON.stringify(message)}`))
        ])
        const url = way.url.replace("nats://", "nats://somebody:secret@")
        const client = layerNatsClient({ url, namespace: "lossy", name: "test" })
        const services = yield* Layer.build(Layer.fresh(client).pipe(Layer.provide(capture)))
        const told = (text: string) => lines.filter((line) => line.includes(text))
        for (let time = 0; time < 3; time++) {
          const before = way.connections()
          way.cut()
          yield* Effect.sync(() => way.connections() > before).pipe(
            Effect.repeat({ until: (again) => again, schedule: Schedule.spaced("20 millis") })
          )
          yield* ActorLog.use((log) => log.check).pipe(Effect.eventually, Effect.provide(services))
        }
        assert.strictEqual(told("the connection to NATS was lost").length, 1)
        assert.strictEqual(told("connected to NATS again").length, 1)
        assert.include(told("was lost")[0], `127.0.0.1:${new URL(way.url).port}`)
        assert.strictEqual(told("secret").length, 0)
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    30_000
  )
})

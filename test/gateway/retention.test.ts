import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ActorLog, EventLog } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { NatsServer } from "../support/nats.ts"

const nodeWith = (url: string, byKind: Readonly<Record<string, number>>) =>
  layerNats({
    url,
    namespace: "kinds",
    name: "test",
    shards: 8,
    ttlSeconds: 1,
    eventSecondsMax: 3_600,
    eventSecondsByKind: byKind
  })

layer(NatsServer.layer, { excludeTestServices: true })("events of a kind that is kept for a shorter time", (it) => {
  it.effect("are known to be gone, by who asks for that kind or for all, and no others", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const log = yield* ActorLog.pipe(Effect.provide(yield* Layer.build(nodeWith(url, { tool: 1 }))))
      const publish = (subject: string) => log.append([{ kind: "event", subject, payload: "{}" }])
      const events = yield* EventLog.pipe(
        Effect.provide(yield* Layer.build(layerEvents({ url, namespace: "kinds", name: "gateway" })))
      )
      const first = yield* publish("decision.ACME.a")
      const tool = yield* publish("tool.a.rsi")
      yield* Effect.sleep("2500 millis")
      const last = yield* publish("decision.ACME.a")
      assert.deepStrictEqual(yield* events.kept("decision.*.*"), { first, last })
      assert.deepStrictEqual(yield* events.kept("tool.>"), { first: last, last })
      assert.deepStrictEqual(yield* events.kept(">"), { first: last, last })
      const { events: found } = yield* events.history("tool.>", { from: "sequence", sequence: 1 }).next(last)
      assert.deepStrictEqual(found, [])
      assert.isBelow(tool, last)
      // Another node says otherwise: that holds from then on.
      yield* Effect.scoped(Layer.build(nodeWith(url, {})))
      assert.deepStrictEqual(yield* events.kept("tool.>"), { first, last })
    }).pipe(Effect.scoped)
  )
})

import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { jitter } from "../support/jitter.ts"
import { NatsServer } from "../support/nats.ts"

layer(NatsServer.layer, { excludeTestServices: true })("clients that are dropped at random", (it) => {
  it.effect("end with every event, once and in order, also through gateways that are restarted in turn", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const found = yield* jitter({
        natsUrl: url,
        namespace: "jitter",
        clients: 60,
        seconds: 5,
        eventsPerSecond: 200,
        dropEveryMillis: 1_500
      })
      assert.deepStrictEqual([found.wrong, found.gaps, found.restarts], [[], [], 2])
      assert.isAbove(found.drops, 50)
      assert.isAbove(found.delivered, 5_000)
    }).pipe(Effect.scoped)
  )
})

import { Clock, Effect, Layer } from "effect"
import { ActorLog, EventLog } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { NatsServer } from "../support/nats.ts"
import { EventHarness } from "./event-harness.ts"
import { eventConformance } from "./events.ts"
import { SHARDS } from "./harness.ts"

const harness = (outside: boolean) =>
  Layer.effect(
    EventHarness,
    Effect.map(NatsServer, ({ url }) =>
      EventHarness.of({
        open: (namespace) =>
          Effect.gen(function* () {
            const nats = Layer.fresh(layerNats({ url, namespace, name: "conformance", shards: SHARDS }))
            const { append } = yield* ActorLog.pipe(Effect.provide(yield* Layer.build(nats)))
            const events = yield* Layer.build(layerEvents({ url, namespace, name: "events", outside }))
            return { append, log: yield* EventLog.pipe(Effect.provide(events)) }
          }),
        // There is one copy.
        whileBehind: (_, run) => run,
        sleep: Effect.sleep,
        now: Clock.currentTimeMillis
      })
    )
  ).pipe(Layer.provide(NatsServer.layer))

eventConformance("events on NATS", harness(false))
eventConformance("events through the doors of nodes", harness(true))

import { Clock, Effect, Layer } from "effect"
import { ActorLog } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { manage } from "../support/manage.ts"
import { NatsServer } from "../support/nats.ts"
import { Harness, SHARDS } from "./harness.ts"
import { conformance } from "./log.ts"

const harness = Layer.effect(
  Harness,
  Effect.map(NatsServer, ({ url }) =>
    Harness.of({
      open: (namespace) =>
        Layer.build(Layer.fresh(layerNats({ url, namespace, name: "conformance", shards: SHARDS }))).pipe(
          Effect.flatMap((services) => ActorLog.pipe(Effect.provide(services)))
        ),
      rememberFor: (namespace, millis) =>
        Effect.asVoid(
          manage(url, ({ streams }) =>
            streams.update(namespace.toUpperCase(), { duplicate_window: millis * 1_000_000 })
          )
        ),
      sleep: Effect.sleep,
      now: Clock.currentTimeMillis
    })
  )
).pipe(Layer.provide(NatsServer.layer))

conformance("the log on NATS", harness)

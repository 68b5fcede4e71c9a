// Gateways on a real nats-server, and a way to store events for them.

import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Layer, References } from "effect"
import { type GatewayOptions, serveGateway } from "../../gateway/index.ts"
import { ActorLog } from "../../runtime/index.ts"
import { layerEvents, layerNatsClient } from "../../runtime/nats/index.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** A namespace on a server: `publish` stores events in it, `gateway` serves it. */
export const openNamespace = Effect.fnUntraced(function* (url: string, namespace: string) {
  const services = yield* Layer.build(layerNatsClient({ url, namespace, name: "test", durability: "warn" })).pipe(quiet)
  const { append } = yield* ActorLog.pipe(Effect.provide(services))
  const store = (subjects: ReadonlyArray<string>, data: object) =>
    append(subjects.map((subject) => ({ kind: "event", subject, payload: JSON.stringify({ type: "t", data }) })))
  return {
    append,
    /** Stores an event. @returns its sequence */
    publish: (subject: string, data: object = {}) => store([subject], data),
    /** Stores many together. @returns the sequence of the last */
    publishAll: store,
    /** A gateway until the scope closes. `through`: another way to the server. */
    gateway: (options: Partial<GatewayOptions> = {}, through = url) =>
      Effect.gen(function* () {
        const events = yield* Layer.build(layerEvents({ url: through, namespace, name: "g" }))
        return yield* serveGateway({ port: 0, ...options }).pipe(Effect.provide(services), Effect.provide(events))
      }).pipe(quiet),
    /** How many consumers the namespace's stream has. */
    consumers: Effect.promise(async () => {
      const connection = await connect({ servers: url })
      const manager = await jetstreamManager(connection)
      const { state } = await manager.streams.info(namespace.toUpperCase())
      await connection.close()
      return state.consumer_count
    })
  }
})

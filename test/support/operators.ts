import { Effect, Layer } from "effect"
import { layerNats, layerOperators } from "../../runtime/nats/index.ts"
import { NatsServer } from "./nats.ts"

const SHARDS = 8

/** A namespace of its own on the test's server, and what operators do in it. Nothing runs there. */
export const operatorsOf = (namespace: string) =>
  Layer.unwrap(
    Effect.map(NatsServer, ({ url }) => {
      const options = { url, namespace, name: "test", ttlSeconds: 1, shards: SHARDS }
      // Operators make no namespace: it has to be there.
      return Layer.provideMerge(layerOperators(options), layerNats(options))
    })
  )

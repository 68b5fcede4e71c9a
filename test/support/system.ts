import { Effect, Layer } from "effect"
import { type Actor, type ActorLog, type Actors, type Leases, layerNode } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { NatsServer } from "./nats.ts"

export interface TestSystem {
  /** Tests that share a server each have a namespace of their own. */
  readonly namespace: string
  readonly actors: ReadonlyArray<Actor>
  readonly node?: string
  readonly ttlSeconds?: number
}

/** A node with some actors on the test's server, and what it takes to talk to them. */
export const system = (options: TestSystem): Layer.Layer<Actors | ActorLog | Leases, unknown, NatsServer> =>
  Layer.provideMerge(layerNode({ name: options.node ?? "node", actors: options.actors }), client(options))

/** What it takes to talk to the actors of a namespace, without a node. */
export const client = (options: Omit<TestSystem, "actors">) =>
  Layer.unwrap(
    Effect.map(NatsServer, ({ url }) =>
      layerNats({ url, namespace: options.namespace, name: "test", ttlSeconds: options.ttlSeconds ?? 1, shards: 8 })
    )
  )

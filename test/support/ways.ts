import { Clock, Effect, Layer, type Scope } from "effect"
import { type ActorLog, type Actors, layerNode } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { counter } from "./counter.ts"
import { natsServer, type TestServerOptions } from "./nats.ts"
import { type NatsProxy, natsProxy } from "./nats-proxy.ts"

export interface World {
  readonly url: string
  /** The ways that the node and the client take to the server. */
  readonly nodeWay: NatsProxy
  readonly clientWay: NatsProxy
}

/** A node and a client on one server, each with a way of its own to it. */
export const world = <A, E>(
  namespace: string,
  test: (world: World) => Effect.Effect<A, E, Actors | ActorLog | Scope.Scope>,
  server: TestServerOptions = {}
) =>
  Effect.gen(function* () {
    const { url, port } = yield* natsServer(server)
    const [nodeWay, clientWay] = [yield* natsProxy(port), yield* natsProxy(port)]
    const nats = (way: NatsProxy, name: string) =>
      Layer.fresh(layerNats({ url: way.url, namespace, name, ttlSeconds: 1, shards: 8 }))
    yield* Layer.build(Layer.provide(layerNode({ name: "node", actors: [counter] }), nats(nodeWay, "node")))
    const client = yield* Layer.build(nats(clientWay, "client"))
    return yield* test({ url, nodeWay, clientWay }).pipe(Effect.provide(client))
  }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))

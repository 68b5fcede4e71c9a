import { Effect, Exit, Layer, Schedule, Scope } from "effect"
import { type Actor, layerNode } from "../../runtime/index.ts"
import { layerNats, layerOperators } from "../../runtime/nats/index.ts"
import { NatsServer } from "./nats.ts"

/** What it takes to talk to the actors of a namespace and to operate it, without a node. */
export const operated = (namespace: string) =>
  Layer.unwrap(
    Effect.map(NatsServer, ({ url }) => {
      const options = { url, namespace, name: "test", ttlSeconds: 1, shards: 8 }
      return Layer.provideMerge(layerOperators(options), layerNats(options))
    })
  )

/** A node that looks for idle actors often, until it is stopped or the scope closes. */
export const startNode = (name: string, actors: ReadonlyArray<Actor>, activitiesMax = 256) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const options = { name, actors, activitiesMax, passivateAfter: "200 millis", sweepEvery: "100 millis" } as const
    const node = Layer.fresh(layerNode(options))
    yield* Effect.acquireRelease(Layer.buildWithScope(node, scope), () => Scope.close(scope, Exit.void))
    return { stop: Scope.close(scope, Exit.void) }
  })

/** Tries until it is so, for some seconds. */
export const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>, until: (value: A) => boolean) =>
  effect.pipe(Effect.repeat({ until, schedule: Schedule.spaced("20 millis") }), Effect.timeout("10 seconds"))

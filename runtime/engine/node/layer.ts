import { Effect, Layer } from "effect"
import type { Controls } from "../../controls.ts"
import type { ReadError } from "../../errors.ts"
import type { Leases } from "../../leases.ts"
import type { ActorLog } from "../../log.ts"
import { makeNode } from "./build.ts"
import { LocalNode, type NodeOptions } from "./profile.ts"

/**
 * Runs actors in this process: takes its share of the shards while the layer lives, and gives it back at the end.
 *
 * An actor type whose role is none of the node's labels is not served here.
 */
export const layerNode = (options: NodeOptions): Layer.Layer<LocalNode, ReadError, ActorLog | Leases | Controls> =>
  Layer.effect(
    LocalNode,
    Effect.gen(function* () {
      const node = yield* makeNode(options)
      yield* node.run
      yield* Effect.logInfo("node started", { node: options.name })
      return LocalNode.of({ name: options.name, broken: node.broken })
    })
  )

import { Clock, Effect, Layer } from "effect"
import type { Controls } from "../../controls.ts"
import type { ReadError } from "../../errors.ts"
import { Leases } from "../../leases.ts"
import { ActorLog } from "../../log.ts"
import { makeEngine } from "../engine.ts"
import { Node } from "./node.ts"
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
      const log = yield* ActorLog
      const leases = yield* Leases
      let node: Node | undefined
      const engine = yield* makeEngine(log, leases, options, (shard) => node?.decline(shard) ?? false)
      node = new Node(options, log, leases, engine, yield* Clock.Clock)
      yield* node.run
      yield* Effect.logInfo("node started", { node: options.name })
      return LocalNode.of({ name: options.name, broken: node.broken })
    })
  )

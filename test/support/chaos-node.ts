// A node process of the chaos test: `node test/support/chaos-node.ts URL NAMESPACE NAME`. It says "ready" when it serves.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer } from "effect"
import { layerNode } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { ledger, mirror } from "./chaos-actors.ts"
import { CHAOS_REPLICAS, CHAOS_SHARDS, CHAOS_TTL_SECONDS } from "./chaos-load.ts"

const [url = "", namespace = "", name = ""] = process.argv.slice(2)

const nats = layerNats({
  url,
  namespace,
  name,
  shards: CHAOS_SHARDS,
  replicas: CHAOS_REPLICAS,
  ttlSeconds: CHAOS_TTL_SECONDS
})
const node = layerNode({ name, actors: [ledger, mirror] }).pipe(Layer.provide(nats))
const ready = Layer.effectDiscard(Effect.sync(() => console.log("ready"))).pipe(Layer.provide(node))

NodeRuntime.runMain(Layer.launch(Layer.merge(node, ready)))

// A node process for tests that kill it: `node test/support/node-main.ts URL NAMESPACE NAME`. It says "ready" when it serves.
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { layerNats, layerNode } from "../../runtime/index.ts"
import { counter } from "./counter.ts"

const [url = "", namespace = "", name = ""] = process.argv.slice(2)

const node = layerNode({ name, actors: [counter] }).pipe(
  Layer.provide(layerNats({ url, namespace, name, ttlSeconds: 1 }))
)

NodeRuntime.runMain(
  Layer.launch(
    Layer.merge(node, Layer.effectDiscard(Effect.sync(() => console.log("ready"))).pipe(Layer.provide(node)))
  )
)

// A node of the long tests: `node test/support/long-node.ts URL NAMESPACE NAME ACTORS`, with the settings that people have.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer } from "effect"
import { layerNode } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { longActors } from "./long-actors.ts"

const [url = "", namespace = "", name = "", set = ""] = process.argv.slice(2)

const node = layerNode({ name, actors: longActors[set] ?? [] }).pipe(Layer.provide(layerNats({ url, namespace, name })))
const ready = Layer.effectDiscard(Effect.sync(() => console.log("ready"))).pipe(Layer.provide(node))

NodeRuntime.runMain(Layer.launch(Layer.merge(node, ready)))

// A node process for tests that kill it: `node test/support/node-main.ts URL NAMESPACE NAME [ACTORS]`. It says "ready" when
// it serves.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer } from "effect"
import { allActors, quantPolicy } from "../../actors/index.ts"
import { type Actor, layerNode } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { account1, account2 } from "./account.ts"
import { counter } from "./counter.ts"
import { errand } from "./errand.ts"
import { poison } from "./poison.ts"

const SETS: { readonly [name: string]: ReadonlyArray<Actor> } = {
  counter: [counter],
  account1: [account1],
  account2: [account2],
  errand: [errand(process.pid)],
  poison: [poison],
  rounds: allActors({ policy: quantPolicy })
}

const [url = "", namespace = "", name = "", set = "counter"] = process.argv.slice(2)

const node = layerNode({ name, actors: SETS[set] ?? [], decisionMax: "3 seconds" }).pipe(
  Layer.provide(layerNats({ url, namespace, name, ttlSeconds: 1 }))
)

NodeRuntime.runMain(
  Layer.launch(
    Layer.merge(node, Layer.effectDiscard(Effect.sync(() => console.log("ready"))).pipe(Layer.provide(node)))
  )
)

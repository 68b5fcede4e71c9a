// A node as a process of its own: `node bench/node-main.ts OPTIONS`, the options as JSON, with a channel to who started it.
// It says "ready" when it serves, what memory it takes when it is asked, and ends with the channel.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer, Metric, References, Schema } from "effect"
import { layerNode } from "../runtime/index.ts"
import { layerNats } from "../runtime/nats/index.ts"
import { counter } from "../test/support/counter.ts"
import { board, voter } from "./actors.ts"
import { NodeProcessOptions } from "./node-options.ts"

const options = Schema.decodeSync(Schema.fromJsonString(NodeProcessOptions))(process.argv[2] ?? "{}")

const nats = layerNats({ ...options, ttlSeconds: options.ttlSeconds ?? 5 })
const node = layerNode({
  name: options.name,
  actors: [counter, board, voter],
  ...(options.passivateMillis !== undefined && { passivateAfter: options.passivateMillis, sweepEvery: 200 }),
  ...(options.memoryBytesMax !== undefined && { memoryBytesMax: options.memoryBytesMax })
}).pipe(Layer.provide(nats))

const residents = Effect.map(Metric.snapshot, (all) => {
  const gauge = all.find(({ id }) => id === "conclave_resident_actors")
  return gauge?.type === "Gauge" ? Number(gauge.state.value) : Number.NaN
})

process.on("message", () => {
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send?.({ heap: heapUsed + external, rss, residents: Effect.runSync(residents) })
})
process.on("disconnect", () => process.exit())

const ready = Layer.effectDiscard(Effect.sync(() => process.send?.("ready"))).pipe(Layer.provide(node))

NodeRuntime.runMain(
  Layer.launch(Layer.merge(node, ready)).pipe(Effect.provideService(References.MinimumLogLevel, "Warn"))
)

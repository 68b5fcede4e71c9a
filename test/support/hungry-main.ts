// A node process whose actors are slower than who sends to them, for the test of what memory that takes. Every half second it
// says how many bytes its heap holds after a collection: `node --expose-gc test/support/hungry-main.ts URL NAMESPACE`.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer, Schedule, Schema } from "effect"
import { define, layerNode, persist } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"

export const HungryProtocol = {
  type: "hungry",
  messages: { Eat: { payload: Schema.Struct({ text: Schema.String }) } }
} as const

const hungry = define({
  protocol: HungryProtocol,
  limits: { mailbox: 10_000_000, rate: { messages: 100, per: "1 second" } },
  state: Schema.Struct({ eaten: Schema.Int }),
  initial: () => ({ eaten: 0 }),
  events: { Eaten: {} },
  decide: { Eat: () => [persist({ _tag: "Eaten" })] },
  evolve: { Eaten: ({ eaten }) => ({ eaten: eaten + 1 }) }
})

const [url = "", namespace = ""] = process.argv.slice(2)

const weighing = Effect.sync(() => {
  globalThis.gc?.()
  console.log(`heap ${process.memoryUsage().heapUsed}`)
}).pipe(Effect.repeat(Schedule.spaced("500 millis")))

if (process.argv[1]?.endsWith("hungry-main.ts") === true) {
  const node = layerNode({ name: "hungry", actors: [hungry] }).pipe(
    Layer.provide(layerNats({ url, namespace, name: "hungry", ttlSeconds: 2 }))
  )
  NodeRuntime.runMain(
    Layer.launch(Layer.merge(node, Layer.effectDiscard(Effect.forkScoped(weighing)).pipe(Layer.provide(node))))
  )
}

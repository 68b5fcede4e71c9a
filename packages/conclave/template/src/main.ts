// `npm start`: the trading system with a simulated market, and beside it an actor and an agent of one's own.
import { spawn } from "node:child_process"
import { GatewayClient } from "@conclave/client"
import { Actors, layerNats, layerNode } from "@conclave/runtime"
import { Effect, Layer, Schema } from "effect"
import { voteOn } from "./agent.ts"
import { Decision, Streak, streak } from "./streak.ts"

const { NATS_URL = "nats://127.0.0.1:4222", PORT = "8080" } = process.env

// `conclave run` says where its NATS server is. The trading system uses the same one, in a namespace of its own.
const nats = layerNats({ url: NATS_URL, namespace: "own", name: "own" })
const node = layerNode({ name: "own", actors: [streak] }).pipe(Layer.provideMerge(nats))

const tradingSystem = Effect.acquireRelease(
  Effect.sync(() => spawn("conclave", ["up", "--port", PORT, "--symbols", "ACME"], { stdio: "inherit" })),
  (child) => Effect.sync(() => child.kill())
)

const gatewayClient = Effect.acquireRelease(
  Effect.sync(() => new GatewayClient({ url: `ws://127.0.0.1:${PORT}/ws` })),
  (client) => Effect.sync(() => client.close())
)

const decodeDecision = Schema.decodeUnknownSync(Schema.Struct({ symbol: Schema.String, final_decision: Decision }))

const program = Effect.gen(function* () {
  const { ask } = yield* Actors
  yield* tradingSystem
  const client = yield* gatewayClient
  const run = Effect.runPromiseWith(yield* Effect.context<never>())
  yield* Effect.promise(async () => {
    for await (const { data } of client.subscribe("coordination.final_decision.*")) {
      const { symbol, final_decision } = decodeDecision(data.payload)
      const length = await run(ask(Streak, symbol, "Saw", { decision: final_decision }))
      const { decision, result } = await voteOn(client, symbol, final_decision, length)
      console.log(
        `contrarian  ${symbol}  ${final_decision} ${length} times in a row; it votes ${decision}; together ${result}`
      )
    }
  })
})

const running = Effect.runFork(Effect.scoped(Effect.provide(program, node)))
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => running.interruptUnsafe())

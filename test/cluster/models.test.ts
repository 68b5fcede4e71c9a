import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Schema } from "effect"
import { ulid } from "ulid"
import {
  AgentDecision,
  type AgentReport,
  agentProtocol,
  CoordinatorProtocol,
  ModelUsage,
  toWindow
} from "../../protocols/index.ts"
import { ActorLog, Actors } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { dailyBars } from "../support/bars.ts"
import { start } from "../support/command.ts"
import { decisionText } from "../support/model-servers/decisions.ts"
import { modelServer } from "../support/model-servers/server.ts"
import { natsServer, temporaryFolder } from "../support/nats.ts"

const PANEL = ["market_analyst", "risk_advisor", "strategy_optimizer"] as const
const bars = toWindow(dailyBars(Array.from({ length: 80 }, (_, index) => 100 + 5 * Math.sin(index / 5))))
const decodeDecision = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ data: AgentDecision })))
const decodeUsage = Schema.decodeUnknownSync(ModelUsage)

/** The wants of a model with tools: one question for a tool, then the decision. */
const toolThenDecision = ({ body }: { readonly body: unknown }) => {
  const told = JSON.stringify(body).includes('"role":"tool"')
  if (told) return { does: "say", text: decisionText("SELL", 0.8) } as const
  return { does: "say", tools: [{ name: "rsi", input: {} }], afterMillis: 50 } as const
}

describe("a node that is killed in the middle of a call to a model", () => {
  it.live(
    "leaves it to another one, which asks again: one answer is taken, and both calls are counted",
    () =>
      Effect.gen(function* () {
        const { url } = yield* natsServer()
        // Each node has a server of its own, so that one can see who asked what.
        const silent = yield* modelServer(() => ({ does: "hang" }))
        const sound = yield* modelServer(toolThenDecision)
        const prices = join(yield* temporaryFolder, "prices.json")
        writeFileSync(prices, '{"ollama:*":{"input":10,"output":20}}')
        const env = { NATS_URL: url, LEASE_TTL: "1 second", CONCLAVE_MODEL: "ollama:a", MODEL_PRICES: prices }
        const node = (name: string, base: string) =>
          Effect.tap(start(["node", "--name", name], { ...env, OLLAMA_BASE_URL: base }), ({ says }) =>
            says(/(serves actors)/)
          )
        const victim = yield* node("victim", silent.url)
        yield* node("survivor", sound.url)
        yield* Effect.gen(function* () {
          const actors = yield* Actors
          const log = yield* ActorLog
          const seen: Array<typeof AgentDecision.Type> = []
          yield* log.watch("decision.>", ({ payload }) => seen.push(decodeDecision(payload).data))
          // Shards go to nodes by name: with a few symbols some agents are the victim's.
          const symbols = ["AAA", "BBB", "CCC", "DDD"]
          const question = () => ({ correlation_id: ulid(), bars })
          const asked = yield* Effect.forEach(symbols, (symbol) =>
            Effect.forkChild(actors.ask(CoordinatorProtocol, symbol, "Analyze", question(), { timeout: "30 seconds" }))
          )
          yield* Effect.sleep("20 millis").pipe(Effect.repeat({ until: () => silent.received.length > 0 }))
          yield* Effect.sleep("500 millis")
          yield* victim.signal("SIGKILL")
          const results = yield* Effect.forEach(asked, (fiber) => Fiber.join(fiber))
          yield* Effect.sleep("300 millis")
          assert.deepStrictEqual(
            results.map(({ votes, final_recommendation }) => [votes.length, final_recommendation]),
            symbols.map(() => [PANEL.length, "SELL" as const])
          )
          assert.lengthOf(seen, symbols.length * PANEL.length, "each decides once")
          assert.deepStrictEqual([...new Set(seen.map(({ metadata }) => metadata.policy))], ["ollama:a"])
          const used = seen.map(({ metadata }) => decodeUsage(metadata.usage))
          const total = (key: "calls" | "lost_calls") => used.reduce((sum, usage) => sum + usage[key], 0)
          assert.isAbove(silent.received.length, 0)
          // A shard that changes hands can end a call between its telling and its sending: that is counted as lost, too.
          assert.isAtLeast(total("lost_calls"), silent.received.length)
          assert.strictEqual(total("calls"), total("lost_calls") + sound.received.length)
          for (const { calls, lost_calls, cost_usd, estimated_lost_cost_usd } of used) {
            assert.strictEqual(calls, 2 + lost_calls, "a turn that was answered is not asked again")
            assert.closeTo(cost_usd ?? 0, 2 * 0.011, 1e-9)
            assert.strictEqual((estimated_lost_cost_usd ?? 0) > 0, lost_calls > 0)
          }
          const reports: ReadonlyArray<typeof AgentReport.Type> = yield* Effect.forEach(symbols, (symbol) =>
            actors.ask(agentProtocol("market_analyst"), symbol, "GetStatus", {})
          )
          const decided = seen.filter(({ agent_type }) => agent_type === "market_analyst")
          for (const { agent_id, models } of reports) {
            const decision = decided.find((each) => each.agent_id === agent_id)
            assert.deepStrictEqual(models[0]?.usage, decodeUsage(decision?.metadata.usage))
          }
        }).pipe(Effect.provide(Layer.fresh(layerNats({ url, namespace: "conclave", name: "test", ttlSeconds: 1 }))))
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    90_000
  )
})

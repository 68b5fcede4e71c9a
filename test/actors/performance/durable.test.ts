import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule } from "effect"
import { performanceActor } from "../../../actors/performance/performance.ts"
import { PerformanceProtocol } from "../../../protocols/index.ts"
import { Actors } from "../../../runtime/index.ts"
import { voteOf } from "../../support/bars.ts"
import { NatsServer } from "../../support/nats.ts"
import { system } from "../../support/system.ts"

const HORIZON_MILLIS = 1_500
const ROUND = "01HNZX8JGFACFA36RBXDHEQN6E"
const LATER = "01HNZX8JGFACFA36RBXDHEQN6F"

const actors = [performanceActor({ horizonMillis: HORIZON_MILLIS, patienceMillis: 1_000, threshold: 0.01 })]
const node = (name: string) => Layer.fresh(system({ namespace: "horizon", actors, node: name }))

const tell = <K extends "Price" | "Decided">(
  message: K,
  payload: (typeof PerformanceProtocol)["messages"][K]["payload"]["Type"]
) => Actors.use((all) => all.tell(PerformanceProtocol, "ACME", message, payload))
const report = Actors.use((all) => all.ask(PerformanceProtocol, "ACME", "GetPerformance", {}))

const decided = (consensus_id: string, bar_time: number) =>
  tell("Decided", {
    round: {
      ...{ consensus_id, correlation_id: "c1", final_decision: "BUY", confidence: 0.8, bar_time, price: 100 },
      votes: [voteOf("market_analyst", "BUY", 0.8)]
    }
  })

layer(NatsServer.layer, { excludeTestServices: true })("on a real server", (it) => {
  it.effect("a decision's horizon outlives the node that heard of it", () =>
    Effect.gen(function* () {
      const start = yield* Clock.currentTimeMillis
      yield* Effect.gen(function* () {
        yield* tell("Price", { time: start, price: 100 })
        yield* decided(ROUND, start)
        yield* decided(LATER, start + 60_000)
        assert.deepInclude(yield* report, { waiting: 2, decisions: 2 })
      }).pipe(Effect.provide(node("one")))

      yield* Effect.gen(function* () {
        yield* tell("Price", { time: start + HORIZON_MILLIS, price: 103 })
        const scored = yield* report
        assert.deepInclude(scored, { waiting: 1, scored: 1, consensus_accuracy: 1 })
        assert.closeTo(scored.agents[0]!.brier_score!, 0.04 + 0.02, 1e-12)
        // Of the other one no price comes: only its timer can end it, and the first one's is cancelled.
        const ended = report.pipe(
          Effect.filterOrFail(
            ({ waiting }) => waiting === 0,
            () => "still waiting" as const
          ),
          Effect.retry(Schedule.spaced("100 millis")),
          Effect.timeout("15 seconds")
        )
        const { unscored, scored: count } = yield* ended
        assert.deepInclude(unscored, { no_price: 1, price_forgotten: 0, too_many_open: 0 })
        assert.strictEqual(count, 1)
        assert.isAtLeast((yield* Clock.currentTimeMillis) - start, HORIZON_MILLIS + 1_000)
      }).pipe(Effect.provide(node("two")))
    })
  )
})

import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule } from "effect"
import { experimentActor } from "../../../actors/experiments/experiment.ts"
import { OPEN_MAX, performanceActor } from "../../../actors/performance/performance.ts"
import { type DecidedRound, ExperimentProtocol, PerformanceProtocol } from "../../../protocols/index.ts"
import { Actors } from "../../../runtime/index.ts"
import { voteOf } from "../../support/bars.ts"
import { NatsServer } from "../../support/nats.ts"
import { system } from "../../support/system.ts"

const HORIZON_MILLIS = 1_500
const ROUND = "01HNZX8JGFACFA36RBXDHEQN6E"
const LATER = "01HNZX8JGFACFA36RBXDHEQN6F"

const EXPERIMENT = { a: "quant", b: "weighted", metric: "brier", alpha: 0.05, return_cap: 0.05 } as const

const actorsWith = (patienceMillis: number) => [
  performanceActor({ horizonMillis: HORIZON_MILLIS, patienceMillis, threshold: 0.01 }),
  experimentActor
]
const node = (name: string) => Layer.fresh(system({ namespace: "horizon", actors: actorsWith(1_000), node: name }))

const tell = <K extends "Price" | "Decided">(
  message: K,
  payload: (typeof PerformanceProtocol)["messages"][K]["payload"]["Type"]
) => Actors.use((all) => all.tell(PerformanceProtocol, "ACME", message, payload))
const report = Actors.use((all) => all.ask(PerformanceProtocol, "ACME", "GetPerformance", {}))

const decided = (consensus_id: string, bar_time: number, experiment?: DecidedRound["experiment"]) =>
  tell("Decided", {
    round: {
      ...{ consensus_id, correlation_id: "c1", final_decision: "BUY", confidence: 0.8, bar_time, price: 100 },
      votes: [voteOf("market_analyst", "BUY", 0.8)],
      ...(experiment === undefined ? {} : { experiment })
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

  it.effect("one price settles all decisions that may wait, with all that follows, in one step", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const start = yield* Clock.currentTimeMillis
      yield* all.ask(ExperimentProtocol, "trial", "Start", { experiment: EXPERIMENT })
      const ids = Array.from({ length: OPEN_MAX }, (_, index) => ROUND.slice(0, -3) + String(100 + index))
      yield* Effect.forEach(ids, (id) => all.ask(ExperimentProtocol, "trial", "Assign", { request_id: id }), {
        concurrency: 64
      })
      yield* Effect.forEach(ids, (id) => decided(id, start, { name: "trial", request_id: id }), { concurrency: 64 })
      assert.deepInclude(yield* report, { waiting: OPEN_MAX })
      yield* tell("Price", { time: start + HORIZON_MILLIS, price: 103 })
      assert.deepInclude(yield* report, { waiting: 0, scored: OPEN_MAX })
      const { arms } = yield* all.ask(ExperimentProtocol, "trial", "GetReport", {})
      assert.strictEqual(arms.a.scored + arms.b.scored, OPEN_MAX)
    }).pipe(Effect.provide(system({ namespace: "crowd", actors: actorsWith(60_000) })))
  )
})

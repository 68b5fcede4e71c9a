import { assert, layer } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { ActorLog, Actors } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { NatsServer } from "../support/nats.ts"
import { system } from "../support/system.ts"

/** More than a node holds undone at one time. */
const MANY = 25_000

layer(NatsServer.layer, { excludeTestServices: true })("an actor whose journal cannot be read", (it) => {
  it.effect("stops alone, says so, and keeps its messages", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const log = yield* ActorLog
      const alerts: Array<string> = []
      yield* log.watch("alert.critical", ({ payload }) => alerts.push(payload))
      const owner = { type: "counter", id: "broken" }
      yield* log.append([{ kind: "journal", owner, payload: "rubbish", expected: 0, snapshot: false, truncate: false }])
      yield* Effect.forEach(Array.from({ length: MANY }), () => all.tell(CounterProtocol, "broken", "Add", { n: 1 }), {
        concurrency: 2_000,
        discard: true
      })
      const others = Array.from({ length: 50 }, (_, index) => `k${index}`)
      const counts = yield* Effect.forEach(others, (id) => all.ask(CounterProtocol, id, "Add", { n: 1 }))
      assert.deepStrictEqual(new Set(counts), new Set([1]))
      yield* Effect.sync(() => alerts.length).pipe(
        Effect.repeat({ until: (count) => count > 0, schedule: Schedule.spaced("10 millis") })
      )
      assert.match(alerts[0]!, /counter\/broken cannot go on/)
    }).pipe(Effect.provide(system({ namespace: "corrupt", actors: [counter] })), Effect.scoped)
  )
})

import { Clock, Effect, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { EventLog, EventReads, layerEventLog } from "../../runtime/index.ts"
import { makeServer, openPorts } from "../../sim/index.ts"
import { EventHarness } from "./event-harness.ts"
import { eventConformance } from "./events.ts"
import { SHARDS } from "./harness.ts"

const harness = Layer.effect(
  EventHarness,
  Effect.gen(function* () {
    const clock = yield* TestClock.testClockWith(Effect.succeed)
    const scope = yield* Effect.scope
    const servers = new Map<string, Effect.Success<ReturnType<typeof makeServer>>>()
    return EventHarness.of({
      open: (namespace) =>
        Effect.gen(function* () {
          const opened = yield* makeServer({ shards: SHARDS, ttlMillis: 5_000 }).pipe(
            Effect.provideService(Clock.Clock, clock),
            Effect.provideService(Scope.Scope, scope)
          )
          servers.set(namespace, opened)
          const { log, events } = yield* openPorts(opened.server, opened.host)
          const services = yield* Layer.build(layerEventLog.pipe(Layer.provide(Layer.succeed(EventReads, events))))
          return { append: log.append, log: yield* EventLog.pipe(Effect.provide(services)) }
        }),
      // One that never gets it: half of all pages come from it.
      whileBehind: (namespace, run) =>
        Effect.suspend(() => {
          const { server } = servers.get(namespace)!
          server.events.heldAt = server.store.lastSequence
          return run
        }),
      sleep: (millis) => clock.adjust(millis),
      now: clock.currentTimeMillis
    })
  })
).pipe(Layer.provide(TestClock.layer()))

eventConformance("events in memory", harness)

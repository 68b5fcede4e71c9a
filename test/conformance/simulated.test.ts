import { Clock, Effect, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { makeServer, openPorts } from "../../sim/index.ts"
import { Harness, SHARDS } from "./harness.ts"
import { conformance } from "./log.ts"

const harness = Layer.effect(
  Harness,
  Effect.gen(function* () {
    const clock = yield* TestClock.testClockWith(Effect.succeed)
    const scope = yield* Effect.scope
    const servers = new Map<string, Effect.Success<ReturnType<typeof makeServer>>>()
    const serverOf = (namespace: string) =>
      Effect.gen(function* () {
        const opened =
          servers.get(namespace) ??
          (yield* Effect.provideService(makeServer({ shards: SHARDS, ttlMillis: 5_000 }), Clock.Clock, clock))
        servers.set(namespace, opened)
        return opened
      })
    return Harness.of({
      open: (namespace) =>
        Effect.gen(function* () {
          const { server, host } = yield* serverOf(namespace).pipe(Effect.provideService(Scope.Scope, scope))
          return (yield* openPorts(server, host)).log
        }),
      rememberFor: (namespace, millis) =>
        Effect.sync(() => {
          const opened = servers.get(namespace)
          if (opened !== undefined) opened.server.store.duplicateWindowMillis = millis
        }),
      sleep: (millis) => clock.adjust(millis),
      now: clock.currentTimeMillis
    })
  })
).pipe(Layer.provide(TestClock.layer()))

conformance("the log in memory", harness)

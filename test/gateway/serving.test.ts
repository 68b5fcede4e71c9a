import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, References, Schedule, Scope } from "effect"
import { allActors, quantPolicy } from "../../actors/index.ts"
import { type ServingOptions, serveGateway, statusProbe } from "../../gateway/index.ts"
import { LogFull, layerNode } from "../../runtime/index.ts"
import { layerEvents, layerNats, layerNatsOutside } from "../../runtime/nats/index.ts"
import { http, openClient, startGateway } from "../support/gateway.ts"
import { NatsServer } from "../support/nats.ts"

const SYMBOL = "/api/v1/agents/status?symbol=A"
const COORDINATOR = { symbol: "A", bars: 0, last_bar_time: null, analyzing: null, waiting: 0, decisions: 0 }
const serving: ServingOptions = { everyMillis: 20, timeoutMillis: 1_000, silenceMillis: 1_500, probe: statusProbe }
const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** Waits until an address answers with a status. @returns what it said */
const until = (port: number, path: string, status: number) =>
  http(port, path).pipe(
    Effect.repeat({ while: (answer) => answer.status !== status, schedule: Schedule.spaced("20 millis") }),
    Effect.timeout("20 seconds")
  )

layer(NatsServer.layer, { excludeTestServices: true })("a gateway without nodes", (it) => {
  it.effect("is not ready, and refuses at once what nobody would answer, until a node serves", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const options = { url, namespace: "alone", name: "test", durability: "warn" } as const
      const services = yield* Layer.build(
        Layer.merge(layerNatsOutside(options), layerEvents({ ...options, outside: true }))
      )
      const { port, url: address } = yield* serveGateway({ port: 0, serving }).pipe(Effect.provide(services))
      const unready = yield* http(port, "/readyz")
      assert.deepInclude(unready.json, { status: 503, type: "urn:conclave:problem:not-ready" })
      const waiting = yield* Effect.forkChild(http(port, SYMBOL))
      const refused = yield* until(port, SYMBOL, 503)
      assert.deepInclude(refused.json, { status: 503, type: "urn:conclave:problem:no-node" })
      assert.match(refused.text, /no node serves/)
      assert.match((yield* http(port, "/readyz")).text, /no node serves/)
      assert.strictEqual((yield* Fiber.join(waiting)).status, 503, "what waited for an answer is told too")
      const client = yield* openClient(address)
      const told = yield* client.call({ op: "analyze", id: "1", request: { symbol: "A" }, progress: false })
      assert.deepInclude(told.data, { code: "unavailable", reason: "NoNodeServes" })
      const scope = yield* Scope.make()
      const node = Layer.provide(
        layerNode({ name: "n", actors: allActors({ policy: quantPolicy }) }),
        layerNats(options)
      )
      yield* Scope.provide(Layer.build(node), scope)
      yield* until(port, "/readyz", 200)
      assert.deepInclude((yield* http(port, SYMBOL)).json, { symbol: "A" })
      yield* Scope.close(scope, Exit.void)
      yield* until(port, "/readyz", 503)
    }).pipe(Effect.scoped, quiet)
  )
})

describe("a gateway", () => {
  it.live("is not ready while the log takes nothing, says why, and is as soon as it does", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway({ serving })
      answerWith(() => Effect.fail(new LogFull({ detail: "no room", retry_after_ms: 1_000 })))
      const refused = yield* until(gateway.port, "/readyz", 503)
      assert.match(refused.text, /since this gateway started/)
      answerWith(() => Effect.succeed(COORDINATOR))
      yield* until(gateway.port, "/readyz", 200)
      answerWith(() => Effect.fail(new LogFull({ detail: "no room", retry_after_ms: 1_000 })))
      assert.match((yield* until(gateway.port, "/readyz", 503)).text, /the log is full/)
      // A full log has its own answer, and the next may fit.
      assert.deepInclude((yield* http(gateway.port, SYMBOL)).json, { status: 503 })
    })
  )

  it.live("asks nobody whether they serve while others are answered", () =>
    Effect.gen(function* () {
      const { gateway, answerWith, asked } = yield* startGateway({ serving: { ...serving, everyMillis: 5_000 } })
      answerWith(() => Effect.succeed(COORDINATOR))
      yield* http(gateway.port, SYMBOL)
      yield* until(gateway.port, "/readyz", 200)
      assert.isAtMost(asked.filter(({ id }) => id.startsWith("PROBE")).length, 1)
    })
  )
})

import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, References } from "effect"
import { allActors, quantPolicy } from "../../actors/index.ts"
import { serveGateway } from "../../gateway/index.ts"
import { FEED_BARS_MAX } from "../../protocols/index.ts"
import { ActorLog, AskTimeout, layerNode } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { dailyBars } from "../support/bars.ts"
import { eventually, http, startGateway } from "../support/gateway.ts"
import { NatsServer } from "../support/nats.ts"

const KEY = "6f1c2a54-9c1e-4a34-8a53-2f6b4e1d0c77"

const give = (port: number, symbol: string, bars: unknown, headers: Record<string, string> = {}) =>
  http(port, `/api/v1/market/${symbol}/bars`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ bars })
  })

describe("bars of a market over HTTP", () => {
  it.live("are refused with the field and its rule", () =>
    Effect.gen(function* () {
      const { gateway, asked } = yield* startGateway()
      const { port } = gateway
      const bars = dailyBars([100, 101])
      const many = dailyBars(Array.from({ length: FEED_BARS_MAX + 1 }, () => 100))
      for (const [symbol, given, field] of [
        ["acme", bars, "symbol"],
        ["%ZZ", bars, "symbol"],
        ["ACME", [], "bars"],
        ["ACME", many, "bars"],
        ["ACME", bars.toReversed(), "bars"],
        ["ACME", [{ ...bars[0], high: 1 }], "bars[0]"]
      ] as const) {
        assert.deepInclude((yield* give(port, symbol, given)).json, { status: 400, field }, `${symbol} ${field}`)
      }
      assert.deepInclude((yield* http(port, "/api/v1/market/ACME/bars")).json, { status: 405 })
      assert.deepStrictEqual(asked, [])
    })
  )

  it.live("may be without a volume and of before 1970, of symbols as exchanges write them", () =>
    Effect.gen(function* () {
      const { gateway, asked, answerWith } = yield* startGateway()
      answerWith(() => Effect.succeed({ accepted: true }))
      const silent = { time: -86_400_000, open: 1, high: 2, low: 1, close: 2 }
      const symbols = ["BRK.B", "7203.T", "^GSPC", "BTC/USDT", ".DJI", "M&M.NS", "EURUSD=X"]
      for (const symbol of symbols) {
        const answer = yield* give(gateway.port, encodeURIComponent(symbol), [silent])
        assert.deepStrictEqual(answer.json, { symbol, taken: 1, stale: [] })
      }
      assert.deepStrictEqual(
        asked.map(({ id, payload }) => [id, payload]),
        symbols.map((symbol) => [symbol, { bar: { ...silent, volume: 0 } }])
      )
    })
  )

  it.live("go one by one and stop where one is not answered", () =>
    Effect.gen(function* () {
      const { gateway, asked, answerWith } = yield* startGateway()
      const late = new AskTimeout({ actor: "coordinator/BTC/USD", message_type: "Bar", timeout_ms: 1 })
      answerWith(() => (asked.length < 2 ? Effect.succeed({ accepted: true }) : Effect.fail(late)))
      const answer = yield* give(gateway.port, "BTC%2FUSD", dailyBars([100, 101, 102]))
      assert.deepInclude(answer.json, { status: 504 })
      assert.deepStrictEqual(
        asked.map(({ id, message }) => [id, message]),
        [
          ["BTC/USD", "Bar"],
          ["BTC/USD", "Bar"]
        ]
      )
    })
  )
})

/** Each try has a namespace of its own: what an earlier one stored is no answer. */
let tries = 0

const system = Effect.gen(function* () {
  const namespace = `market-${++tries}`
  const { url } = yield* NatsServer
  const node = layerNode({ name: "floor", actors: allActors({ policy: quantPolicy }) })
  const nats = layerNats({ url, namespace, name: "floor" })
  const events = layerEvents({ url, namespace, name: "events" })
  const services = yield* Layer.build(Layer.mergeAll(Layer.provideMerge(node, nats), events))
  const gateway = yield* serveGateway({ port: 0 }).pipe(Effect.provide(services))
  const log = yield* ActorLog.pipe(Effect.provide(services))
  return { port: gateway.port, log }
}).pipe(Effect.provideService(References.MinimumLogLevel, "None"))

layer(NatsServer.layer, { excludeTestServices: true })("bars of a market on a real server", (it) => {
  it.effect("are taken once and in order, told as stale where they are, and decided on", () =>
    Effect.gen(function* () {
      const { port, log } = yield* system
      const seen: Array<string> = []
      yield* log.watch("market.*", ({ payload }) => {
        seen.push(JSON.parse(payload).data.close)
      })
      const bars = dailyBars([100, 101, 102, 103])
      const [first, second, third] = bars.map(({ time }) => time)
      const begun = yield* give(port, "ACME", bars.slice(1, 3))
      assert.deepStrictEqual(begun.json, { symbol: "ACME", taken: 2, stale: [] })
      const again = yield* give(port, "ACME", bars.slice(0, 3))
      assert.deepStrictEqual(again.json, { symbol: "ACME", taken: 0, stale: [first, second, third] })
      const keyed = yield* give(port, "ACME", bars.slice(2), { "idempotency-key": KEY })
      assert.deepStrictEqual(keyed.json, { symbol: "ACME", taken: 1, stale: [third] })
      const repeated = yield* give(port, "ACME", bars.slice(2), { "idempotency-key": KEY })
      assert.deepStrictEqual(repeated.json, keyed.json, "the same answer, and no second effect")
      const reused = yield* give(port, "ACME", bars, { "idempotency-key": KEY })
      assert.deepInclude(reused.json, { status: 409 })
      yield* eventually("all bars are published", () => seen.length >= 3)
      assert.deepStrictEqual(seen.map(Number), [101, 102, 103])
      const status = yield* http(port, "/api/v1/agents/status?symbol=ACME")
      assert.deepInclude(status.json, { bars: 3, last_bar_time: bars[3]!.time })

      // A symbol with a dot is one token of a subject, and is shown as it is written everywhere else.
      const dotted: Array<readonly [string, string]> = []
      yield* log.watch("market.BRK%2EB", ({ subject, payload }) => {
        dotted.push([subject, JSON.parse(payload).data.symbol])
      })
      const silent = [{ time: -86_400_000, open: 1, high: 2, low: 1, close: 2 }]
      assert.deepStrictEqual((yield* give(port, "BRK.B", silent)).json, { symbol: "BRK.B", taken: 1, stale: [] })
      yield* eventually("it is published", () => dotted.length > 0)
      assert.deepStrictEqual(dotted, [["market.BRK%2EB", "BRK.B"]])
      const known = yield* http(port, "/api/v1/agents/status?symbol=BRK.B")
      assert.deepInclude(known.json, { symbol: "BRK.B", bars: 1, last_bar_time: -86_400_000 })
    }).pipe(Effect.scoped)
  )
})

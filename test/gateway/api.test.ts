import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { HttpApiClient, OpenApi } from "effect/http-api"
import * as fc from "fast-check"
import { api } from "../../gateway/index.ts"
import { http, openClient, startGateway, subscribe } from "../support/gateway.ts"

const ID = "01J00000000000000000000000"

const Description = Schema.Struct({
  openapi: Schema.String,
  paths: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown))
})

const clientOf = (url: string) => HttpApiClient.make(api, { baseUrl: url }).pipe(Effect.provide(FetchHttpClient.layer))

const readDescription = Effect.fnUntraced(function* (port: number) {
  const { json } = yield* http(port, "/openapi.json")
  const { paths } = Schema.decodeUnknownSync(Description)(json)
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ path: path.replace(/\{\w+\}/g, ID), method: method.toUpperCase() }))
  )
})

/** Bodies of every route: fields that there are, with values that fit, nearly fit, or do not. */
const bodies = fc
  .record(
    Object.fromEntries(
      Object.entries({
        symbol: ["ACME", "", "a"],
        correlation_id: ["c-1", "a b"],
        timeout_ms: [500, -1, 1e9],
        bars: [[{ time: 1, open: 1, high: 1, low: 1, close: 1, volume: 1 }], []],
        context: [[{ kind: "news", source: "wire", time: 1, text: "calm" }], { a: 1 }, []],
        market_data: [[{ timestamp: 1e12, open: 1, high: 1, low: 1, close: 1 }], { price: 1 }],
        technical_indicators: [{ rsi: 60, macd: { signal: 1 } }, { rsi: [1] }],
        account_info: [{ equity: 1, positions: { ACME: 1 } }, {}],
        agents: [["risk_advisor"], ["oracle"]],
        required_agents: [["risk_advisor_ACME"], []],
        reason: ["", "over"],
        recipient_agent_id: [null, "oracle", ""],
        text: ["look", ""],
        method: ["unanimous", "dictatorship"],
        invited: [[{ agent_id: "o", agent_type: "o", external: true }], []],
        conflict_resolution: ["escalate_to_human"],
        agent_id: ["o"],
        agent_type: ["o"],
        token: ["secret", ""],
        decision: ["BUY", "ABSTAIN", "KEEP"],
        confidence: [0.5, 2],
        action: ["flatten", "stop_entries", "panic"],
        holdings: [[{ symbol: "ACME", group: "g", current: 0 }], []],
        limits: [{ gross: 1, net: 1, per_symbol: 1, per_group: 1, drawdown: { from: 0, to: 1 }, allow_short: true }]
      }).map(([name, values]) => [
        name,
        fc.oneof({ weight: 5, arbitrary: fc.constantFrom<unknown>(...values) }, { weight: 1, arbitrary: fc.anything() })
      ])
    ),
    { requiredKeys: [] }
  )
  .map((value) => JSON.stringify(value) ?? "")

describe("the description of the API", () => {
  it("says what the numbers are by which rounds decide", () => {
    const text = JSON.stringify(OpenApi.fromApi(api))
    const described = (name: string) =>
      new RegExp(`"${name}":\\{[^{}]*("properties".{0,200})?"description":"([^"]*)"`).exec(text)?.[2]
    assert.match(described("min_confidence") ?? "", /strength of what won is below this/)
    assert.match(described("strength") ?? "", /votes' strengths|their strengths/)
    assert.match(described("strengths") ?? "", /no forecast/)
    assert.match(described("confidence") ?? "", /likely the decision is to turn out right/)
  })

  it.live("gives a client that talks to the gateway, with types for answers and refusals", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway()
      const client = yield* clientOf(gateway.url)
      answerWith(() => Effect.fail({ _tag: "NoMarketData", symbol: "AAPL" }))
      const refused = yield* Effect.result(client.agents.analyze({ headers: {}, payload: { symbol: "AAPL" } }))
      assert.isTrue(Result.isFailure(refused))
      if (Result.isFailure(refused)) assert.deepInclude(refused.failure, { status: 409, field: "bars" })
      yield* subscribe(yield* openClient(gateway.url), "s", "a.*")
      const { clients } = yield* client.clients.list()
      assert.deepStrictEqual(
        clients.map(({ subject, patterns, address }) => [subject, patterns, address]),
        [["anonymous", ["a.*"], "127.0.0.1"]]
      )
      answerWith(() => Effect.succeed({ accepted: true }))
      const message = { symbol: "AAPL", text: "look" }
      assert.deepStrictEqual(yield* client.agents.message({ headers: {}, payload: message }), { accepted: true })
      const unknown = { _tag: "UnknownRound", consensus_id: ID }
      answerWith(() => Effect.fail(unknown))
      const round = yield* Effect.result(client.consensus.show({ params: { id: ID } }))
      if (Result.isFailure(round)) assert.deepInclude(round.failure, { status: 404 })
      assert.isTrue(Result.isFailure(round))
      assert.deepInclude(yield* client.system.health(), { status: "ok", connections: 1 })
      assert.deepStrictEqual(yield* client.system.ready(), { status: "ready" })
    })
  )

  it.live("names only what is there", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway()
      const { port } = gateway
      answerWith(() => Effect.fail({ _tag: "NoMarketData", symbol: "A" }))
      const routes = yield* readDescription(port)
      assert.isAtLeast(routes.length, 16)
      const index = JSON.stringify((yield* http(port, "/")).json).replace(/\{\w+\}/g, ID)
      for (const { path, method } of routes) {
        const { status } = yield* http(port, path, { method })
        assert.notInclude([404, 405, 500], status, `${method} ${path}`)
        assert.include(index, `${method} ${path}`, "GET / names it too")
      }
    })
  )

  it.live("and whatever is sent to those addresses, nothing fails inside", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway({
        limits: { requestsPerSecond: 100_000, symbolsMax: 1_000_000 }
      })
      const { port } = gateway
      answerWith(() => Effect.fail({ _tag: "NoMarketData", symbol: "A" }))
      const routes = yield* readDescription(port)
      const body = fc.oneof(fc.json(), fc.string(), bodies)
      const header = fc.string({ unit: fc.constantFrom(..."abc_-. 1/*") })
      const calls = fc.record({
        route: fc.constantFrom(...routes),
        method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"),
        type: fc.constantFrom("application/json", "text/plain", ""),
        query: header,
        id: header,
        body
      })
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(calls, async ({ route, method, type, query, id, body }) => {
            const headers = { "content-type": type, "x-correlation-id": id.trim() }
            const path = `${route.path}?${encodeURIComponent(query)}`
            const call = method === "POST" || method === "PUT" ? { method, headers, body } : { method, headers }
            const { status } = await Effect.runPromise(http(port, path, call))
            assert.isBelow(status, 500)
          }),
          { numRuns: 200 }
        )
      )
      assert.strictEqual((yield* http(port, "/healthz")).status, 200)
    })
  )
})

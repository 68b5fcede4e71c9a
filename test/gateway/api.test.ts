import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import * as fc from "fast-check"
import { api } from "../../gateway/index.ts"
import { http, openClient, startGateway, subscribe } from "../support/gateway.ts"

const Description = Schema.Struct({
  openapi: Schema.String,
  paths: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown))
})

const clientOf = (url: string) => HttpApiClient.make(api, { baseUrl: url }).pipe(Effect.provide(FetchHttpClient.layer))

const readDescription = Effect.fnUntraced(function* (port: number) {
  const { json } = yield* http(port, "/openapi.json")
  const { paths } = Schema.decodeUnknownSync(Description)(json)
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ path: path.replace(/\{\w+\}/g, "x"), method: method.toUpperCase() }))
  )
})

describe("the description of the API", () => {
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
      assert.deepInclude(yield* client.system.health(), { status: "ok", connections: 1 })
      assert.deepStrictEqual(yield* client.system.ready(), { status: "ready" })
    })
  )

  it.live("names only what is there", () =>
    Effect.gen(function* () {
      const { port } = (yield* startGateway()).gateway
      const routes = yield* readDescription(port)
      assert.isAtLeast(routes.length, 4)
      for (const { path, method } of routes) {
        const { status } = yield* http(port, path, { method })
        assert.notInclude([404, 405, 500], status, `${method} ${path}`)
      }
    })
  )

  it.live("and whatever is sent to those addresses, nothing fails inside", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ limits: { requestsPerSecond: 100_000 } })
      const { port } = gateway
      const routes = yield* readDescription(port)
      const body = fc.oneof(
        fc.json(),
        fc.string(),
        fc
          .record({ symbol: fc.anything(), bars: fc.anything(), timeout_ms: fc.anything() }, { requiredKeys: [] })
          .map((value) => JSON.stringify(value) ?? "")
      )
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
            // An analysis that is asked for in the right way is never answered here.
            if (method === "POST" && !/"(bars|timeout_ms)"/.test(body) && body.includes('"symbol"')) return
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

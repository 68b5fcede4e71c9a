import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"
import { allActors } from "../../actors/index.ts"
import { serveGateway } from "../../gateway/index.ts"
import { AllocationResult, CoordinatorProtocol, Problem } from "../../protocols/index.ts"
import { Actors, layerNode } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { dailyBars, opinionOf } from "../support/bars.ts"
import { http, startGateway } from "../support/gateway.ts"
import { NatsServer } from "../support/nats.ts"

const ALLOCATION = "/api/v1/agents/allocation"
const ANALYZE = "/api/v1/agents/analyze"
const ID = "01J00000000000000000000000"
const BODY = {
  holdings: [
    { symbol: "AAPL", group: "tech", current: 0.1 },
    { symbol: "MSFT", group: "tech", current: 0 },
    { symbol: "XOM", group: "oil", current: 0.05 }
  ],
  limits: { gross: 1, net: 1, per_symbol: 0.3, per_group: 0.4, drawdown: { from: 0.1, to: 0.3 }, allow_short: true }
}
const RESULT = {
  correlation_id: "c-1",
  targets: [],
  budget: 1,
  gross: 0,
  net: 0,
  missing: ["AAPL"],
  missing_because: { AAPL: "deadline" },
  decisions: [],
  closed_by: "deadline",
  closed_at: "2024-01-01T00:00:00.000Z"
}

const post = (port: number, path: string, body: unknown) =>
  http(port, path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })

const problemOf = (json: unknown) => Schema.decodeUnknownSync(Problem)(json)
const Allocated = Schema.Struct({ allocation_id: Schema.String })
const idOf = (json: unknown) => Schema.decodeUnknownSync(Allocated)(json).allocation_id

describe("POST /api/v1/agents/allocation", () => {
  it.live("asks an allocation of its own, answers its targets, and says where they stay", () =>
    Effect.gen(function* () {
      const { asked, answerWith, gateway } = yield* startGateway()
      answerWith(() => Effect.succeed(RESULT))
      const answer = yield* post(gateway.port, ALLOCATION, { ...BODY, correlation_id: "c-1", timeout_ms: 500 })
      const id = idOf(answer.json)
      assert.deepStrictEqual(answer.json, { allocation_id: id, ...RESULT })
      assert.deepStrictEqual([answer.status, answer.headers.location], [200, `${ALLOCATION}/${id}`])
      const address = "127.0.0.1"
      const request = { ...BODY, correlation_id: "c-1", drawdown: 0, vetoed: [], timeout_ms: 500, address }
      assert.deepInclude(asked[0], { id, message: "Allocate" })
      assert.deepStrictEqual(asked[0]?.payload, { request })
      const shown = yield* http(gateway.port, `${ALLOCATION}/${id}`)
      assert.deepStrictEqual(shown.json, { allocation_id: id, result: RESULT })
      answerWith(() => Effect.succeed(null))
      assert.deepInclude((yield* http(gateway.port, `${ALLOCATION}/${id}`)).json, { result: null })
      answerWith(() => Effect.fail({ _tag: "UnknownAllocation", id }))
      assert.strictEqual((yield* http(gateway.port, `${ALLOCATION}/${id}`)).status, 404)
      assert.strictEqual((yield* http(gateway.port, `${ALLOCATION}/a.b`)).status, 400)
      assert.strictEqual((yield* http(gateway.port, ALLOCATION)).headers.allow, "POST")
    })
  )

  it.live("names the field and the rule of what is not valid, and asks nobody", () =>
    Effect.gen(function* () {
      const { asked, gateway } = yield* startGateway()
      const [first, ...others] = BODY.holdings
      const bad: ReadonlyArray<readonly [body: object, field: string, rule: RegExp]> = [
        [{ limits: BODY.limits }, "holdings", /required/],
        [{ ...BODY, holdings: [] }, "holdings[0]", /required/],
        [{ ...BODY, holdings: [first, first] }, "holdings", /a symbol is named twice/],
        [{ ...BODY, holdings: [{ ...first, symbol: "a" }, ...others] }, "holdings[0].symbol", /a symbol is/],
        [{ ...BODY, holdings: [...others, { ...first, current: 11 }] }, "holdings[2].current", /at most 10 times/],
        [{ ...BODY, limits: { ...BODY.limits, gross: -1 } }, "limits.gross", /0 to 10 times/],
        [{ ...BODY, limits: { ...BODY.limits, drawdown: { from: 1, to: 0 } } }, "limits.drawdown", /must be below/],
        [{ ...BODY, drawdown: 2 }, "drawdown", /between 0 and 1/],
        [{ ...BODY, vetoed: ["a"] }, "vetoed[0]", /a symbol is/],
        [{ ...BODY, timeout_ms: 1 }, "timeout_ms", /100/],
        [{ ...BODY, limit: 1 }, "limit", /no such field/]
      ]
      for (const [body, field, rule] of bad) {
        const problem = problemOf((yield* post(gateway.port, ALLOCATION, body)).json)
        assert.deepStrictEqual([problem.status, problem.field], [400, field], problem.detail)
        assert.match(problem.detail, rule)
      }
      assert.deepStrictEqual(asked, [])
    })
  )
})

describe("POST /api/v1/agents/analyze/{correlation_id}/cancel", () => {
  it.live("cancels at the symbol's coordinator, and says what is not known", () =>
    Effect.gen(function* () {
      const { asked, answerWith, gateway } = yield* startGateway()
      answerWith(() => Effect.succeed({ cancelled: "waiting" }))
      const cancel = (id: string, body: object) => post(gateway.port, `${ANALYZE}/${id}/cancel`, body)
      const answer = yield* cancel("c-1", { symbol: "BTC/USDT" })
      assert.deepStrictEqual([answer.status, answer.json], [200, { cancelled: "waiting" }])
      const payload = { correlation_id: "c-1", reason: "cancelled by a client" }
      assert.deepInclude(asked[0], { id: "BTC/USDT", message: "CancelAnalysis", payload })
      answerWith(() => Effect.fail({ _tag: "UnknownAnalysis", symbol: "A", correlation_id: "c-1" }))
      assert.strictEqual((yield* cancel("c-1", { symbol: "A" })).status, 404)
      assert.deepInclude((yield* cancel("c.1", { symbol: "A" })).json, { status: 400, field: "correlation_id" })
      assert.deepInclude((yield* cancel("c-1", {})).json, { status: 400, field: "symbol" })
    })
  )
})

const system = Effect.gen(function* () {
  const { url } = yield* NatsServer
  const policy = ({ symbol }: { readonly symbol: string }) =>
    symbol === "SLOW" ? Effect.never : Effect.succeed(opinionOf(symbol === "XOM" ? "SELL" : "BUY", 0.9))
  const node = layerNode({ name: "desk", actors: allActors({ policy }) })
  const nats = layerNats({ url, namespace: "desk", name: "desk" })
  const services = yield* Layer.build(
    Layer.mergeAll(Layer.provideMerge(node, nats), layerEvents({ url, namespace: "desk", name: "events" }))
  )
  const { port } = yield* serveGateway({ port: 0 }).pipe(Effect.provide(services))
  return { port, actors: yield* Actors.pipe(Effect.provide(services)) }
})

layer(NatsServer.layer, { excludeTestServices: true })("on a real server", (it) => {
  it.effect("a portfolio's round asks the coordinators; an analysis is cancelled, or ends by its deadline", () =>
    Effect.gen(function* () {
      const { port, actors } = yield* system
      const [bar] = dailyBars([100])
      for (const symbol of ["AAPL", "XOM", "SLOW"]) yield* actors.ask(CoordinatorProtocol, symbol, "Bar", { bar: bar! })
      const answer = yield* post(port, ALLOCATION, { ...BODY, vetoed: ["AAPL"] })
      const { targets, missing_because, closed_by } = Schema.decodeUnknownSync(AllocationResult)(answer.json)
      assert.deepStrictEqual(
        targets.map(({ symbol, target, limited_by }) => [symbol, target, limited_by]),
        [
          ["AAPL", 0.1, ["veto"]],
          ["MSFT", 0, []],
          ["XOM", -0.27, []]
        ]
      )
      assert.deepStrictEqual([closed_by, missing_because], ["all_answers", { MSFT: "NoMarketData" }])
      const shown = yield* http(port, `${ALLOCATION}/${idOf(answer.json)}`)
      assert.deepInclude(shown.json, { allocation_id: idOf(answer.json) })

      const late = yield* post(port, ANALYZE, { symbol: "SLOW", timeout_ms: 300 })
      assert.strictEqual(late.status, 504)
      const waiting = yield* Effect.forkChild(post(port, ANALYZE, { symbol: "SLOW", correlation_id: "stop-me" }))
      const cancel = post(port, `${ANALYZE}/stop-me/cancel`, { symbol: "SLOW" })
      let cancelled = yield* cancel
      while (cancelled.status === 404) cancelled = yield* cancel
      assert.strictEqual(cancelled.status, 200)
      assert.deepInclude((yield* Fiber.join(waiting)).json, { status: 409, type: "urn:conclave:problem:cancelled" })
      assert.strictEqual((yield* http(port, `${ALLOCATION}/${ID}`)).status, 404)
    }).pipe(Effect.scoped)
  )
})

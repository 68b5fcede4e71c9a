import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { FEEDBACK_DEFAULTS } from "../../actors/feedback/feedback.ts"
import { reportOf } from "../../actors/feedback/report.ts"
import { initial as noExecutions } from "../../actors/feedback/state.ts"
import { allActors, quantPolicy } from "../../actors/index.ts"
import { serveGateway } from "../../gateway/index.ts"
import { CoordinatorProtocol, FeedbackProtocol, PortfolioView, Problem, ToolReport } from "../../protocols/index.ts"
import { Actors, layerNode } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { dailyBars } from "../support/bars.ts"
import { http, startGateway } from "../support/gateway.ts"
import { NatsServer } from "../support/nats.ts"
import { useOf } from "../support/uses.ts"

const TOOLS = "/api/v1/agents/tools"
const PORTFOLIO = "/api/v1/agents/portfolio"
const RSI = `${TOOLS}?agent_type=market_analyst&tool=rsi`

const post = (port: number, path: string, body: unknown, headers: { readonly [name: string]: string } = {}) =>
  http(port, path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body)
  })

const problemOf = ({ json }: { readonly json: unknown }) => {
  const { status, field, type } = Schema.decodeUnknownSync(Problem)(json)
  return [status, field ?? type]
}

const report = (executions: number) => {
  const state = { ...noExecutions(), total: { executions, succeeded: executions, failed: 0, timed_out: 0 } }
  const subject = { agent_type: "market_analyst", tool: "rsi" } as const
  return reportOf(state, subject, FEEDBACK_DEFAULTS, 0, () => 0.5)
}

describe("GET /api/v1/agents/tools", () => {
  it.live("gives the record of a tool, and none of one that was never used", () =>
    Effect.gen(function* () {
      const { asked, answerWith, gateway } = yield* startGateway()
      answerWith(() => Effect.succeed(report(3)))
      const answer = yield* http(gateway.port, RSI)
      assert.deepStrictEqual([answer.status, answer.json], [200, JSON.parse(JSON.stringify(report(3)))])
      assert.deepInclude(asked[0], { id: "market_analyst:rsi", message: "GetReport" })
      answerWith(() => Effect.succeed(report(0)))
      assert.deepStrictEqual(problemOf(yield* http(gateway.port, RSI)), [404, "urn:conclave:problem:unknown-tool"])
      assert.strictEqual((yield* post(gateway.port, TOOLS, {})).headers.allow, "GET, HEAD")
    })
  )

  it.live("names the field that breaks a rule, asks nobody, and lets nobody name tools without end", () =>
    Effect.gen(function* () {
      const { asked, answerWith, gateway } = yield* startGateway({ limits: { symbolsMax: 2 } })
      const of = (query: string) => Effect.map(http(gateway.port, `${TOOLS}?${query}`), problemOf)
      assert.deepStrictEqual(yield* of(""), [400, "agent_type"])
      assert.deepStrictEqual(yield* of("agent_type=Oracle&tool=rsi"), [400, "agent_type"])
      for (const tool of ["", "a.b", "a:b", "a%2Fb", "x".repeat(65), ">"]) {
        assert.deepStrictEqual(yield* of(`agent_type=risk_advisor&tool=${tool}`), [400, "tool"], tool)
      }
      assert.deepStrictEqual(asked, [])
      answerWith(() => Effect.succeed(report(0)))
      const named = (tool: string) => of(`agent_type=risk_advisor&tool=${tool}`)
      const statuses = [yield* named("a"), yield* named("b"), yield* named("c"), yield* named("a")]
      assert.deepStrictEqual(
        statuses.map(([status]) => status),
        [404, 404, 429, 404]
      )
    })
  )
})

describe("the accounts of the gateway", () => {
  it.live("are shown, and their switches turned once for each key", () =>
    Effect.gen(function* () {
      const { asked, answerWith, gateway } = yield* startGateway()
      answerWith(() => Effect.succeed({ entries_stopped: true, orders: 2 }))
      const turn = (body: object, key?: string) =>
        post(gateway.port, `${PORTFOLIO}/main/switch`, body, key === undefined ? {} : { "idempotency-key": key })
      const answer = yield* turn({ action: "flatten", reason: "holidays" })
      assert.deepStrictEqual(answer.json, { account: "main", entries_stopped: true, orders: 2 })
      yield* turn({ action: "stop_entries" })
      yield* turn({ action: "resume_entries" })
      assert.deepStrictEqual(
        asked.map(({ id, message, payload }) => [id, message, payload]),
        [
          ["main", "Flatten", { reason: "holidays" }],
          ["main", "StopEntries", { reason: "by a client" }],
          ["main", "ResumeEntries", {}]
        ]
      )
      const key = "0b7b2f0e-9c1d-4a63-8f55-6f1f6d1c9a01"
      yield* turn({ action: "flatten" }, key)
      yield* turn({ action: "flatten" }, key)
      const [first, again] = asked.slice(3).map(({ options }) => options?.messageId)
      assert.isString(first)
      assert.strictEqual(first, again)
      answerWith(() => Effect.fail({ _tag: "UnknownAccount", account: "mian" }))
      const unknown = [404, "urn:conclave:problem:unknown-account"]
      assert.deepStrictEqual(problemOf(yield* http(gateway.port, `${PORTFOLIO}/mian`)), unknown)
      assert.deepStrictEqual(problemOf(yield* turn({ action: "flatten" })), unknown)
      assert.strictEqual((yield* http(gateway.port, `${PORTFOLIO}/main/switch`)).headers.allow, "POST")
      assert.strictEqual((yield* post(gateway.port, `${PORTFOLIO}/main`, {})).headers.allow, "GET, HEAD")
    })
  )

  it.live("give all money in the unit of prices too, beside the millionths", () =>
    Effect.gen(function* () {
      const { answerWith, gateway } = yield* startGateway()
      const position = {
        symbol: "A",
        quantity: 3,
        cost: 300_000_000,
        price: 101.5,
        value: 304_500_000,
        unrealized: 4_500_000
      }
      const money = { deposited: 1_000_000_000, cash: 699_999_999, equity: 1_004_499_999, realized: -1, fees: 0 }
      const none = { orders: [], last_vetoes: [], counts: { orders: 0, fills: 1, vetoes: 0, rejected: 0 } }
      const rest = { exposure: 0.3, drawdown: 0, entries: { stopped: false, reason: null }, ...none }
      answerWith(() => Effect.succeed({ account: "main", currency: "USD", ...money, positions: [position], ...rest }))
      const { json } = yield* http(gateway.port, `${PORTFOLIO}/main`)
      const amounts = { deposited: 1_000, cash: 699.999999, equity: 1_004.499999, realized: -0.000001, fees: 0 }
      assert.deepInclude(json, { ...money, amounts })
      assert.deepStrictEqual(Schema.decodeUnknownSync(PortfolioView)(json).positions, [
        { ...position, amounts: { cost: 300, value: 304.5, unrealized: 4.5 } }
      ])
    })
  )

  it.live("name the field that breaks a rule, and ask nobody", () =>
    Effect.gen(function* () {
      const { asked, gateway } = yield* startGateway()
      const turn = (account: string, body: object) =>
        Effect.map(post(gateway.port, `${PORTFOLIO}/${account}/switch`, body), problemOf)
      assert.deepStrictEqual(problemOf(yield* http(gateway.port, `${PORTFOLIO}/a.b`)), [400, "account"])
      assert.deepStrictEqual(yield* turn("a.b", { action: "flatten" }), [400, "account"])
      assert.deepStrictEqual(yield* turn("main", {}), [400, "action"])
      assert.deepStrictEqual(yield* turn("main", { action: "panic" }), [400, "action"])
      assert.deepStrictEqual(yield* turn("main", { action: "flatten", why: "x" }), [400, "why"])
      assert.deepStrictEqual(yield* turn("main", { action: "flatten", reason: "x".repeat(1_001) }), [400, "reason"])
      assert.deepStrictEqual(asked, [])
    })
  )
})

const system = Effect.gen(function* () {
  const { url } = yield* NatsServer
  const node = layerNode({ name: "records", actors: allActors({ policy: quantPolicy, accounts: ["main"] }) })
  const nats = layerNats({ url, namespace: "records", name: "records" })
  const services = yield* Layer.build(
    Layer.mergeAll(Layer.provideMerge(node, nats), layerEvents({ url, namespace: "records", name: "events" }))
  )
  const { port } = yield* serveGateway({ port: 0 }).pipe(Effect.provide(services))
  return { port, actors: yield* Actors.pipe(Effect.provide(services)) }
})

layer(NatsServer.layer, { excludeTestServices: true })("on a real server", (it) => {
  it.effect("a tool's record and an account are what their actors say, and a switch is turned", () =>
    Effect.gen(function* () {
      const { port, actors } = yield* system
      const account = Effect.map(http(port, `${PORTFOLIO}/main`), ({ json }) => json)
      assert.deepInclude(yield* account, { status: 404 })
      const [bar] = dailyBars([100])
      yield* actors.ask(CoordinatorProtocol, "ACME", "Bar", { bar: bar! })
      yield* actors.tell(FeedbackProtocol, "market_analyst:rsi", "Used", { use: useOf() })
      let shown = yield* account
      while (!Schema.is(PortfolioView)(shown)) shown = yield* account
      assert.deepInclude(shown, { account: "main", equity: 100_000_000_000, entries: { stopped: false, reason: null } })
      const turned = yield* post(port, `${PORTFOLIO}/main/switch`, { action: "stop_entries", reason: "holidays" })
      assert.deepStrictEqual(turned.json, { account: "main", entries_stopped: true, orders: 0 })
      assert.deepInclude(yield* account, { entries: { stopped: true, reason: "holidays" } })
      let tool = yield* http(port, RSI)
      while (tool.status === 404) tool = yield* http(port, RSI)
      assert.strictEqual(Schema.decodeUnknownSync(ToolReport)(tool.json).agent_type, "market_analyst")
      const missing = yield* http(port, `${TOOLS}?agent_type=market_analyst&tool=rsl`)
      assert.strictEqual(missing.status, 404)
    }).pipe(Effect.scoped)
  )
})

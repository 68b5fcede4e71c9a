// What a request may bring in the words of others, on one running system: bars, figures and an account; agents by name; the system's own status.

import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, References, Schema } from "effect"
import { allActors, quantPolicy } from "../../actors/index.ts"
import { askStatus } from "../../cli/operate/status.ts"
import { serveGateway } from "../../gateway/index.ts"
import {
  AnalysisResult,
  AnalyzeRequest,
  ConsensusBody,
  marketBars,
  RoundStatus,
  SystemStatus,
  sizedAccount
} from "../../protocols/index.ts"
import { layerNode } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { dailyBars } from "../support/bars.ts"
import { http, openClient, subscribe } from "../support/gateway.ts"
import { NatsServer } from "../support/nats.ts"

const ANALYZE = "/api/v1/agents/analyze"
const CONSENSUS = "/api/v1/agents/consensus"
const bars = dailyBars(Array.from({ length: 80 }, (_, index) => 100 * 1.01 ** index))
const stamped = bars.map(({ time, ...bar }) => ({ ...bar, timestamp: new Date(time).toISOString() }))
const decodeResult = Schema.decodeUnknownSync(AnalysisResult)
const decodeStatus = Schema.decodeUnknownSync(SystemStatus)
const Figures = Schema.Struct({
  metadata: Schema.Struct({ given_indicators: Schema.Unknown, context: Schema.optionalKey(Schema.Unknown) })
})

const system = Effect.gen(function* () {
  const { url } = yield* NatsServer
  const node = layerNode({ name: "mission", actors: allActors({ policy: quantPolicy }) })
  const nats = layerNats({ url, namespace: "mission", name: "mission" })
  const events = layerEvents({ url, namespace: "mission", name: "events" })
  const services = yield* Layer.build(Layer.mergeAll(Layer.provideMerge(node, nats), events))
  const gateway = yield* serveGateway({ port: 0 }).pipe(Effect.provide(services))
  const post = (path: string, body: object) =>
    http(gateway.port, path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body)
    })
  return { gateway, post, get: (path: string) => http(gateway.port, path) }
}).pipe(Effect.provideService(References.MinimumLogLevel, "None"))

layer(NatsServer.layer, { excludeTestServices: true })("a request in the mission's words", (it) => {
  it.effect("is analysed on its bars, shows its figures beside ours, and says how large a position should be", () =>
    Effect.gen(function* () {
      const { gateway, post, get } = yield* system
      const client = yield* openClient(gateway.url)
      yield* subscribe(client, "d", "decision.ACME.market_analyst")
      const plain = decodeResult((yield* post(ANALYZE, { symbol: "ACME", bars })).json)
      assert.isUndefined(plain.position_sizing)
      yield* client.next
      const account_info = { balance: 100_000, positions: [{ symbol: "ACME", quantity: 10 }], name: "desk" }
      const technical_indicators = { rsi: 61.5, macd: { signal: 1.25 }, trend: "up" }
      const asked = { symbol: "ACME", market_data: { bars: stamped }, technical_indicators, account_info }
      const given = decodeResult((yield* post(ANALYZE, asked)).json)
      assert.deepStrictEqual(given.votes, plain.votes, "the same bars")
      assert.strictEqual(given.final_recommendation, "BUY")
      const { fraction = null, target = null, change = null, held, equity } = given.position_sizing ?? assert.fail()
      assert.deepStrictEqual([held, equity], [10, 100_000])
      assert.closeTo(target ?? 0, ((fraction ?? 0) * 100_000) / bars.at(-1)!.close, 1e-9)
      assert.closeTo(change ?? 0, (target ?? 0) - 10, 1e-9)
      const shown = Schema.decodeUnknownSync(Figures)((yield* client.next).data).metadata.given_indicators
      const [rsi, signal, trend] = Array.isArray(shown) ? shown : []
      assert.deepInclude(rsi, { name: "rsi", given: 61.5 })
      assert.isAbove(rsi.ours, 70)
      assert.deepInclude(signal, { name: "macd.signal", given: 1.25 })
      assert.isNumber(signal.ours)
      assert.deepStrictEqual(trend, { name: "trend", given: "up", ours: null })
      const few = decodeResult((yield* post(ANALYZE, { ...asked, market_data: stamped.slice(0, 5) })).json)
      assert.deepInclude(few.position_sizing, { fraction: null, change: few.final_recommendation === "BUY" ? null : 0 })
      assert.match(few.position_sizing?.reason ?? "", /position_size needs 21 bars and has 5/)

      const before = decodeStatus((yield* get("/api/v1/agents/system/status")).json)
      assert.deepInclude(before.performance_summary, {
        ...{ active_agents: 3, symbols: 1, total_decisions: 3, analyses_under_way: 0, model_calls: 0, partial: false }
      })
      assert.isAbove(before.performance_summary.tool_executions, 20)
      assert.deepStrictEqual(
        [before.component_health.log.status, before.component_health.models.status],
        ["healthy", "unknown"]
      )
      assert.deepStrictEqual(
        (yield* askStatus(gateway.url, undefined)).performance_summary.total_decisions,
        before.performance_summary.total_decisions
      )
      yield* Effect.sleep("2100 millis")
      yield* post(ANALYZE, { symbol: "GLOBEX", bars })
      const after = decodeStatus((yield* get("/api/v1/agents/system/status")).json).performance_summary
      assert.deepStrictEqual([after.symbols, after.total_decisions, after.active_agents], [2, 4, 6])
    }).pipe(Effect.scoped)
  )

  it.effect("opens a round of the agents that it names, who all have to vote where they are required", () =>
    Effect.gen(function* () {
      const { gateway, post, get } = yield* system
      const fed = yield* post("/api/v1/market/NAMED/bars", { bars: bars.slice(-60) })
      assert.strictEqual(fed.status, 200)
      const open = {
        symbol: "NAMED",
        agents: ["performance_coach"],
        required_agents: ["risk_advisor", "market_analyst_NAMED"]
      }
      const { json, status } = yield* post(CONSENSUS, open)
      assert.strictEqual(status, 201, JSON.stringify(json))
      const { consensus_id } = Schema.decodeUnknownSync(Schema.Struct({ consensus_id: Schema.String }))(json)
      const read = Effect.map(get(`${CONSENSUS}/${consensus_id}`), (answer) =>
        Schema.decodeUnknownSync(RoundStatus)(answer.json)
      )
      const round = yield* Effect.repeat(read, { until: ({ phase }) => phase === "closed", times: 200 })
      assert.deepStrictEqual(round.result?.participating_agents, [
        "performance_coach_NAMED",
        "risk_advisor_NAMED",
        "market_analyst_NAMED"
      ])
      const client = yield* openClient(gateway.url)
      const wrong = yield* client.call({
        op: "request_consensus",
        id: "1",
        request: { symbol: "NAMED", agents: ["oracle"] }
      })
      assert.include(JSON.stringify(wrong.data), "there is no agent type oracle")
    }).pipe(Effect.scoped)
  )
})

describe("what a request may not bring", () => {
  const fault = (schema: typeof AnalyzeRequest | typeof ConsensusBody, body: object) => {
    const decoded = Schema.decodeUnknownResult(schema, { onExcessProperty: "error" })({ symbol: "ACME", ...body })
    return decoded._tag === "Failure" ? String(decoded.failure) : "none"
  }
  const [bar] = stamped
  it.each([
    ["a price alone", { market_data: { price: 150 } }, "the one at 0 is none"],
    ["bars twice", { bars: bars.slice(0, 1), market_data: bars.slice(0, 1) }, "and not as both"],
    ["bars backwards", { market_data: [stamped[1], stamped[0]] }, "bars go from oldest to newest: the one at 1"],
    ["how many bars a year has, of no bars", { bars_per_year: 252 }, '["bars_per_year"]'],
    ["no bars", { market_data: [] }, "must be one bar at the least"],
    [
      "a bar in the far future",
      { market_data: [{ ...bar, timestamp: "2999-01-01T00:00:00Z" }] },
      "the timestamp of the bar at 0 is not of the years 1700 to 2099"
    ],
    ["an account without money", { account_info: { positions: {} } }, "`equity`, `balance` or `cash` must be given"],
    [
      "too many figures",
      { technical_indicators: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`f${n}`, n])) },
      "at most 64 figures"
    ]
  ] as const)("is %s, for an analysis", (_, body, rule) => {
    assert.include(fault(AnalyzeRequest, body), rule)
  })

  it.each([
    ...["03/04/2024", "1", "", "2024", "2024-02-30", "2023-02-29T10:00Z", "2024-13-01", "March 4, 2024", "20240304"],
    ...[
      "2024-03-04T24:00Z",
      "2024-03-04T10:60",
      "2024-03-04T10:00+99:00",
      "2024-03-04T10",
      "2024-03-04Z",
      null,
      1e12 + 0.5
    ]
  ])("is a timestamp that has to be guessed: %j", (timestamp) => {
    assert.include(fault(AnalyzeRequest, { market_data: [{ ...bar, timestamp }] }), "the bar at 0 is no time")
  })

  it.each([1_709_544_600, -86_400, 0])("is a timestamp that looks like seconds: %d", (timestamp) => {
    assert.include(fault(AnalyzeRequest, { market_data: [{ ...bar, timestamp }] }), "the bar at 0 looks like seconds")
  })

  it.each(["1699-12-31", "2100-01-02"])("is a timestamp of %s", (timestamp) => {
    assert.include(fault(AnalyzeRequest, { market_data: [{ ...bar, timestamp }] }), "is not of the years 1700 to 2099")
  })

  it.each([{ bars }, { market_data: stamped }])("is not how many bars a year has, beside bars", (body) => {
    assert.strictEqual(fault(AnalyzeRequest, { ...body, bars_per_year: 252 }), "none")
  })

  it("is an agent that there is none of, for a round", () => {
    assert.include(fault(ConsensusBody, { agents: ["Oracle"] }), "must be an agent type, such as market_analyst")
    assert.include(fault(ConsensusBody, { required_agents: ["Oracle"] }), "or invited")
    const invited = [{ agent_id: "oracle", agent_type: "oracle", external: true }]
    assert.strictEqual(fault(ConsensusBody, { required_agents: ["oracle"], invited }), "none")
  })
})

describe("the positions of an account", () => {
  it.each([[{ "brk.b": 10 }], [{ "BRK.B": 10 }], [[{ symbol: "Brk.b", quantity: 10 }]]])(
    "%j are ten of BRK.B",
    (positions) => {
      assert.strictEqual(sizedAccount({ equity: 1, positions }, "BRK.B").held, 10)
      assert.strictEqual(sizedAccount({ equity: 1, positions }, "BRK.A").held, 0)
    }
  )
})

describe("a timestamp", () => {
  it.each([
    ["2024-03-04", "2024-03-04T00:00:00.000Z"],
    ["2024-02-29T10:00", "2024-02-29T10:00:00.000Z"],
    ["2024-03-04 10:00:05", "2024-03-04T10:00:05.000Z"],
    ["2024-03-04T10:00:05.123456", "2024-03-04T10:00:05.123Z"],
    ["2024-03-04T10:00+05:30", "2024-03-04T04:30:00.000Z"],
    ["2024-03-04t10:00:00z", "2024-03-04T10:00:00.000Z"],
    ["1789-07-14", "1789-07-14T00:00:00.000Z"],
    [1_709_544_600_000, "2024-03-04T09:30:00.000Z"]
  ])("%j is the same wherever the server stands", (timestamp, time) => {
    const before = process.env.TZ
    try {
      for (const zone of ["America/New_York", "Asia/Tokyo"]) {
        process.env.TZ = zone
        const [bar] = marketBars([{ ...stamped[0], timestamp }])
        assert.strictEqual(new Date(bar?.time ?? 0).toISOString(), time)
      }
    } finally {
      if (before === undefined) delete process.env.TZ
      else process.env.TZ = before
    }
  })
})

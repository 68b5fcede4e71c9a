import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Schema } from "effect"
import { SignJWT } from "jose"
import { http, openClient, openClientWith, startGateway } from "../support/gateway.ts"

const ROUND = "01J00000000000000000000000"
const KEY = "6f1c2a54-9c1e-4a34-8a53-2f6b4e1d0c77"
const ANALYSIS = {
  symbol: "AAPL",
  final_recommendation: "BUY",
  confidence: 0.75,
  consensus_id: ROUND,
  consensus_achieved: true,
  votes: [],
  missing_agents: [],
  correlation_id: "c-1"
}
const STATUS = { symbol: "AAPL", bars: 5, last_bar_time: 1, analyzing: null, waiting: 0, decisions: 2 }
const post = (port: number, path: string, body: unknown, headers: Record<string, string> = {}) =>
  http(port, `/api/v1/agents/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body)
  })
const Opened = Schema.Struct({ tokens: Schema.Record(Schema.String, Schema.String) })
const tokensOf = (data: unknown) => Schema.decodeUnknownSync(Opened)(data).tokens

const coordination = (message_type: string, payload: object) => ({
  sender_agent_id: "consensus_AAPL",
  recipient_agent_id: null,
  message_type,
  payload: { symbol: "AAPL", ...payload },
  timestamp: "2024-01-01T00:00:00.000Z"
})

describe("an analysis over a WebSocket", () => {
  it.live("tells how far it has come, and nothing of other rounds, before its result", () =>
    Effect.gen(function* () {
      const { log, gateway, answerWith, asked } = yield* startGateway()
      const say = (type: string, payload: object) =>
        log.publish(`coordination.${type}.AAPL`, "agent_coordination", coordination(type, payload))
      answerWith(() =>
        Effect.sync(() => {
          const other = "01J00000000000000000000001"
          say("consensus_request", { consensus_id: other, correlation_id: "c-2", invited: [] })
          say("consensus_request", { consensus_id: ROUND, correlation_id: "c-1", invited: [] })
          say("vote", { consensus_id: other, agent_id: "a", decision: "SELL", confidence: 1 })
          say("vote", { consensus_id: ROUND, agent_id: "a", decision: "BUY", confidence: 0.7 })
          return ANALYSIS
        }).pipe(
          // The answer overtakes the last events.
          Effect.tap(() =>
            Effect.forkDetach(
              Effect.andThen(
                Effect.sleep("20 millis"),
                Effect.sync(() => {
                  say("abstention", { consensus_id: ROUND, agent_id: "b", reason: "no model" })
                  say("consensus_result", { consensus_id: ROUND })
                })
              )
            )
          ),
          Effect.delay("5 millis"),
          Effect.tap(() => Effect.sleep("5 millis"))
        )
      )
      const client = yield* openClient(gateway.url)
      const item = { kind: "news", source: "wire", time: 1, text: "calm" }
      client.send({ op: "analyze", id: "1", request: { symbol: "AAPL", correlation_id: "c-1", context: [item] } })
      const frames = [
        yield* client.next,
        yield* client.next,
        yield* client.next,
        yield* client.next,
        yield* client.next
      ]
      const round = { id: "1", op: "analyze", consensus_id: ROUND }
      assert.deepStrictEqual(
        frames.map(({ type, data }) => [type, data]),
        [
          ["progress", { id: "1", op: "analyze", stage: "accepted", correlation_id: "c-1", followed: true }],
          ["progress", { ...round, stage: "round_opened", invited: [] }],
          ["progress", { ...round, stage: "vote", agent_id: "a", decision: "BUY", confidence: 0.7 }],
          ["progress", { ...round, stage: "abstention", agent_id: "b", reason: "no model" }],
          ["result", { id: "1", op: "analyze", ok: true, ...ANALYSIS }]
        ]
      )
      assert.deepInclude(asked[0]?.payload, { correlation_id: "c-1", context: [item] })
      assert.deepStrictEqual(log.watching(), [], "nobody reads the log for it any more")
      client.send({ op: "analyze", id: "2", request: { symbol: "AAPL", correlation_id: "c-1" }, progress: false })
      assert.deepInclude((yield* client.next).data, { id: "2", ok: true })
    })
  )

  it.live("does not wait for events that cannot be read", () =>
    Effect.gen(function* () {
      const { gateway, answerWith, log } = yield* startGateway()
      answerWith(() => Effect.succeed(ANALYSIS))
      log.setBroken(true)
      const client = yield* openClient(gateway.url)
      const began = performance.now()
      const accepted = yield* client.call({ op: "analyze", id: "1", request: { symbol: "A" } })
      assert.deepInclude(accepted.data, { stage: "accepted", followed: false })
      assert.deepInclude((yield* client.next).data, { id: "1", ok: true })
      assert.isBelow(performance.now() - began, 5_000, "the log is asked again for longer than that")
    })
  )

  it.live("is refused with the rule that was broken, as over HTTP", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway()
      answerWith(() => Effect.fail({ _tag: "LookAhead", symbol: "A", index: 2, time: 9, bar_time: 5 }))
      const client = yield* openClient(gateway.url)
      const context = [{ kind: "news", source: "wire", time: 9, text: "late" }]
      const refused = yield* client.call({ op: "analyze", id: "1", request: { symbol: "A", context }, progress: false })
      assert.deepInclude(refused.data, { id: "1", code: "refused", reason: "LookAhead" })
      assert.match(JSON.stringify(refused.data), /context\[2\]\.time.*9 is later than the last bar, whose time is 5/)
      const answer = yield* post(gateway.port, "analyze", { symbol: "A", context })
      assert.deepInclude(answer.json, { status: 400, field: "context[2].time" })
      const bad = yield* post(gateway.port, "analyze", { symbol: "A", context: [{ ...context[0], kind: "rumour" }] })
      assert.deepInclude(bad.json, { status: 400, field: "context[0].kind" })
    })
  )
})

describe("what else a client can do", () => {
  it.live("says something to an agent, asks how things are, and cancels; over a WebSocket and HTTP alike", () =>
    Effect.gen(function* () {
      const { gateway, answerWith, asked } = yield* startGateway()
      const { port } = gateway
      const client = yield* openClient(gateway.url)
      answerWith(() => Effect.succeed({ accepted: true }))
      const message = { symbol: "AAPL", recipient_agent_id: "oracle", text: "look" }
      assert.deepInclude((yield* client.call({ op: "message", id: "1", message })).data, { id: "1", accepted: true })
      assert.deepStrictEqual((yield* post(port, "message", { symbol: "AAPL", text: "look" })).json, { accepted: true })
      const sent = { sender_agent_id: "client:anonymous", text: "look" }
      assert.deepStrictEqual(
        asked.map(({ payload }) => payload),
        [{ message: { ...sent, recipient_agent_id: "oracle" } }, { message: { ...sent, recipient_agent_id: null } }]
      )
      answerWith(() => Effect.succeed(STATUS))
      assert.deepInclude((yield* client.call({ op: "status", id: "2", of: { symbol: "AAPL" } })).data, STATUS)
      assert.deepStrictEqual((yield* http(port, "/api/v1/agents/status?symbol=AAPL")).json, STATUS)
      assert.deepInclude((yield* http(port, "/api/v1/agents/status?symbol=a")).json, { status: 400, field: "symbol" })
      answerWith(() => Effect.succeed({ cancelled: "running" }))
      const analysis = { symbol: "AAPL", correlation_id: "c-1" }
      const cancelled = yield* client.call({ op: "cancel", id: "3", of: analysis })
      assert.deepInclude(cancelled.data, { id: "3", op: "cancel", cancelled: "running" })
      answerWith(() => Effect.succeed({ accepted: true }))
      yield* client.call({ op: "cancel", id: "4", of: { consensus_id: ROUND, reason: "over" } })
      assert.deepInclude(asked.at(-1), { id: ROUND, message: "Cancel", payload: { reason: "over" } })
      const both = yield* client.call({ op: "cancel", id: "5", of: {} })
      assert.deepInclude(both.data, { id: "5", code: "invalid_operation" })
    })
  )

  it.live("needs a permission for each", () =>
    Effect.gen(function* () {
      const secret = "0123456789abcdef0123456789abcdef"
      const { gateway, asked } = yield* startGateway({ auth: { secret: Redacted.make(secret) } })
      const token = yield* Effect.promise(() =>
        new SignJWT({ patterns: [">"] })
          .setProtectedHeader({ alg: "HS256" })
          .setSubject("ada")
          .setExpirationTime(Math.floor(Date.now() / 1_000) + 60)
          .sign(Buffer.from(secret))
      )
      const headers = { authorization: `Bearer ${token}` }
      const client = yield* openClientWith(gateway.url, { headers })
      yield* client.next
      const operations = [
        { op: "analyze", id: "1", request: { symbol: "A" } },
        { op: "message", id: "2", message: { symbol: "A", text: "x" } },
        { op: "status", id: "3", of: { symbol: "A" } },
        { op: "cancel", id: "4", of: { consensus_id: ROUND } }
      ]
      for (const operation of operations) {
        assert.deepInclude((yield* client.call(operation)).data, { id: operation.id, code: "forbidden" })
      }
      assert.strictEqual((yield* post(gateway.port, "message", {}, headers)).status, 403)
      assert.strictEqual((yield* http(gateway.port, "/api/v1/agents/status?symbol=A", { headers })).status, 403)
      assert.deepStrictEqual(asked, [])
    })
  )
})

describe("an operation whose id is a UUID", () => {
  it.live("is the same one wherever it is sent again, with the same secrets; any other id is not", () =>
    Effect.gen(function* () {
      const { gateway, answerWith, asked } = yield* startGateway()
      answerWith(() => Effect.succeed({ consensus_id: ROUND }))
      const request = { symbol: "A", invited: [{ agent_id: "o", agent_type: "o", external: true }] }
      const open = (id: string) =>
        Effect.gen(function* () {
          const client = yield* openClient(gateway.url)
          return tokensOf((yield* client.call({ op: "request_consensus", id, request })).data).o
        })
      const secrets = [yield* open(KEY), yield* open(KEY), yield* open("1"), yield* open("1")]
      const posted = yield* post(gateway.port, "consensus", request, { "idempotency-key": KEY.toUpperCase() })
      assert.strictEqual(secrets[0], secrets[1])
      assert.strictEqual(tokensOf(posted.json).o, secrets[0])
      assert.lengthOf(new Set(secrets), 3)
      const ids = asked.map(({ options }) => options?.messageId)
      assert.match(ids[0]!, /^[0-9a-f]{64}$/)
      assert.deepStrictEqual(ids, [ids[0], ids[0], undefined, undefined, ids[0]])
      assert.notInclude(JSON.stringify(asked), secrets[0]!)
      const bad = yield* post(gateway.port, "consensus", request, { "idempotency-key": "1" })
      assert.deepInclude(bad.json, { status: 400, field: "idempotency-key" })
    })
  )
})

describe("a client", () => {
  it.live("names no more symbols than it may, over whatever connection", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway({ limits: { symbolsMax: 2 } })
      answerWith(() => Effect.succeed(undefined))
      const say = (symbol: string) =>
        Effect.map(post(gateway.port, "message", { symbol, text: "t" }), ({ status }) => status)
      assert.deepStrictEqual([yield* say("A"), yield* say("B"), yield* say("C")], [200, 200, 429])
      assert.strictEqual(yield* say("A"), 200)
      const client = yield* openClient(gateway.url)
      const refused = yield* client.call({ op: "analyze", id: "1", request: { symbol: "D" } })
      assert.deepInclude(refused.data, { code: "too_many_requests", reason: "TooManySymbols" })
      assert.match(JSON.stringify(refused.data), /GATEWAY_SYMBOLS/)
    })
  )

  it.live("reads, and turns the switches of accounts, whatever its quotas and its rate", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway({ limits: { symbolsMax: 1, requestsPerSecond: 10 } })
      answerWith(({ message }) =>
        Effect.succeed(message === "GetStatus" ? STATUS : { entries_stopped: true, orders: 0 })
      )
      const status = (symbol: string) => http(gateway.port, `/api/v1/agents/status?symbol=${symbol}`)
      for (const symbol of ["A", "B", "C"]) assert.strictEqual((yield* status(symbol)).status, 200)
      const seen: Array<number> = []
      while (!seen.includes(429)) seen.push((yield* status("A")).status)
      for (const action of ["stop_entries", "flatten", "resume_entries"]) {
        const turned = yield* post(gateway.port, "portfolio/main/switch", { action })
        assert.deepInclude(turned.json, { account: "main", entries_stopped: true })
      }
    })
  )

  it.live("has no more rounds under way than it may, for as long as each may take", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway({ limits: { roundsMax: 2 } })
      answerWith(() => Effect.succeed({ consensus_id: ROUND }))
      const open = (timeout_ms: number) => post(gateway.port, "consensus", { symbol: "A", timeout_ms })
      const statuses = [yield* open(60_000), yield* open(200), yield* open(200)].map(({ status }) => status)
      assert.deepStrictEqual(statuses, [201, 201, 429])
      assert.match((yield* open(200)).text, /GATEWAY_ROUNDS/)
      assert.match((yield* open(1)).text, /at least 100 ms/)
      yield* Effect.sleep("250 millis")
      assert.strictEqual((yield* open(200)).status, 201)
    })
  )
})

describe("a gateway that stops", () => {
  it.live("says so for as long as it was told before it takes nobody any more", () =>
    Effect.gen(function* () {
      let port = 0
      const ready = Effect.map(
        Effect.suspend(() => http(port, "/readyz")),
        ({ status }) => status
      )
      const stopping = yield* Effect.forkChild(
        Effect.scoped(
          Effect.gen(function* () {
            port = (yield* startGateway({ limits: { graceMillis: 500 } })).gateway.port
            assert.strictEqual(yield* ready, 200)
          })
        )
      )
      yield* Effect.sleep("250 millis")
      assert.strictEqual(yield* ready, 503)
      const client = yield* openClient(`http://127.0.0.1:${port}`)
      assert.strictEqual((yield* client.next).type, "going_away")
      yield* Fiber.join(stopping)
    })
  )
})

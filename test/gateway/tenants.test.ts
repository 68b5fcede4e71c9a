import { createHmac, randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Redacted, References, Schema } from "effect"
import { SignJWT } from "jose"
import { allActors, type Policy, quantPolicy } from "../../actors/index.ts"
import { serveGateway } from "../../gateway/index.ts"
import { AllocationProtocol } from "../../protocols/index.ts"
import { ActorLog, Actors, layerNode } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { dailyBars } from "../support/bars.ts"
import { eventually, http, openClientWith } from "../support/gateway.ts"
import { NatsServer } from "../support/nats.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const CONSENSUS = "/api/v1/agents/consensus"
const BARS = dailyBars(Array.from({ length: 60 }, (_, index) => 100 + index))
const EVERYTHING = ["analyze", "request_consensus", "vote", "cancel", "status", "feed"]

const Opened = Schema.Struct({
  consensus_id: Schema.String,
  correlation_id: Schema.String,
  tokens: Schema.Record(Schema.String, Schema.String)
})
const decodeOpened = Schema.decodeUnknownSync(Opened)

/** A token's header. */
const bearer = (sub: string, operations: ReadonlyArray<string>, patterns: ReadonlyArray<string> = []) =>
  Effect.promise(() =>
    new SignJWT({ operations, patterns })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(sub)
      .setExpirationTime("5m")
      .sign(Buffer.from(SECRET))
  ).pipe(Effect.map((token) => ({ authorization: `Bearer ${token}` })))

/** Two gateways that tell their clients apart, and a node. */
const system = Effect.gen(function* () {
  const { url } = yield* NatsServer
  const namespace = "tenants"
  const silent = new Set(["STUCK"])
  const policy: Policy = (request) => (silent.has(request.symbol) ? Effect.never : quantPolicy(request))
  const node = layerNode({ name: "tenants", actors: allActors({ policy, accounts: ["main"] }) })
  const nats = layerNats({ url, namespace, name: "tenants" })
  const events = layerEvents({ url, namespace, name: "events" })
  const services = yield* Layer.build(Layer.mergeAll(Layer.provideMerge(node, nats), events))
  const auth = { secret: Redacted.make(SECRET) }
  const gateways = yield* Effect.all([serveGateway({ port: 0, auth }), serveGateway({ port: 0, auth })]).pipe(
    Effect.provide(services)
  )
  const log = yield* ActorLog.pipe(Effect.provide(services))
  const actors = yield* Actors.pipe(Effect.provide(services))
  const published: Array<string> = []
  yield* log.watch(">", ({ payload }) => {
    published.push(payload)
  })
  const post = (path: string, body: object, headers: Record<string, string>, { port } = gateways[0]!) =>
    http(port, path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body)
    })
  const get = (path: string, headers: Record<string, string>) => http(gateways[0]!.port, path, { headers })
  return { gateways, log, actors, published, post, get, silent }
}).pipe(Effect.provideService(References.MinimumLogLevel, "None"))

class System extends Context.Service<System, Effect.Success<typeof system>>()("conclave/test/Tenants") {
  static readonly layer = Layer.effect(this, system).pipe(Layer.provide(NatsServer.layer))
}

const outside = (agent_id: string) => ({ agent_id, agent_type: "outsider", external: true })
const vote = (agent_id: string, token: string) => ({
  ...{ agent_id, agent_type: "outsider", token, decision: "BUY", confidence: 1 }
})

layer(System.layer, { excludeTestServices: true })("tenants of one system", (it) => {
  it.effect("cannot compute a voter's secret from what is published, and who asked gets it again at any gateway", () =>
    Effect.gen(function* () {
      const { gateways, published, post } = yield* System
      const ada = yield* bearer("ada", EVERYTHING)
      const key = randomUUID()
      const body = { symbol: "ACME", invited: ["a", "b"].map(outside), timeout_ms: 60_000 }
      const keyed = { ...ada, "idempotency-key": key }
      const first = yield* post(CONSENSUS, body, keyed)
      const opened = decodeOpened(first.json)
      const again = yield* post(CONSENSUS, body, keyed, gateways[1])
      assert.deepStrictEqual(again.json, first.json, "the same round, secrets and correlation id")
      yield* eventually("the round is announced", () => published.some((each) => each.includes(opened.consensus_id)))
      const seen = published.join("\n")
      assert.notInclude(seen, key)
      // Nothing that is seen is the key that the secrets come of.
      const words = new Set([...(seen.match(/[A-Za-z0-9_-]{8,}/g) ?? []), opened.correlation_id])
      const secrets = new Set(Object.values(opened.tokens))
      for (const word of words) {
        for (const [subject, voter] of [["ada", "a"] as const, ["anonymous", "a"] as const]) {
          const guess = createHmac("sha256", word)
            .update(JSON.stringify([subject, voter]))
            .digest("base64url")
          assert.isFalse(secrets.has(guess))
        }
      }
      const mallory = yield* bearer("mallory", EVERYTHING, ["coordination.>"])
      const copied = yield* post(CONSENSUS, body, { ...mallory, "idempotency-key": opened.correlation_id })
      assert.notDeepEqual(decodeOpened(copied.json).tokens, opened.tokens)
      const votes = `${CONSENSUS}/${opened.consensus_id}/votes`
      const stolen = decodeOpened(copied.json).tokens.a!
      assert.strictEqual((yield* post(votes, vote("a", stolen), mallory)).status, 403)
      assert.strictEqual((yield* post(votes, vote("a", opened.tokens.a!), ada)).status, 200)
    })
  )

  it.effect("neither read nor cancel what is another's, and read no more than their patterns show", () =>
    Effect.gen(function* () {
      const { post, get } = yield* System
      const ada = yield* bearer("ada", EVERYTHING)
      const mallory = yield* bearer("mallory", EVERYTHING, ["coordination.>"])
      const operator = yield* bearer("root", [...EVERYTHING, "operate"])
      const nobody = yield* bearer("nobody", ["status"])
      const body = { symbol: "ACME", invited: [outside("a")], timeout_ms: 60_000, question: "private" }
      const { consensus_id } = decodeOpened((yield* post(CONSENSUS, body, ada)).json)
      const round = `${CONSENSUS}/${consensus_id}`
      for (const headers of [mallory, nobody]) {
        const { status, text } = yield* get(round, headers)
        assert.strictEqual(status, 403)
        assert.notInclude(text, "private")
      }
      assert.deepInclude((yield* post(`${round}/cancel`, {}, mallory)).json, {
        type: "urn:conclave:problem:not-owner"
      })
      for (const headers of [ada, operator]) assert.strictEqual((yield* get(round, headers)).status, 200)
      assert.strictEqual((yield* post(`${round}/cancel`, {}, operator)).status, 200)
      for (const path of ["portfolio/main", "status?symbol=ACME", "tools?agent_type=risk_advisor&tool=rsi"]) {
        assert.strictEqual((yield* get(`/api/v1/agents/${path}`, nobody)).status, 403, path)
      }
      assert.strictEqual((yield* get("/api/v1/agents/status?symbol=ACME", mallory)).status, 200)
    })
  )

  it.effect("read no allocation of the house that their patterns do not show", () =>
    Effect.gen(function* () {
      const { actors, get } = yield* System
      const request = {
        ...{ correlation_id: "c", drawdown: 0, vetoed: [], timeout_ms: 100 },
        holdings: [{ symbol: "NONE", group: "g", current: 0 }] as const,
        limits: {
          ...{ gross: 1, net: 1, per_symbol: 0.3, per_group: 0.4, allow_short: true },
          drawdown: { from: 0.1, to: 0.3 }
        }
      }
      yield* actors.ask(AllocationProtocol, "of-the-house", "Allocate", { request })
      const read = (headers: Record<string, string>) => get("/api/v1/agents/allocation/of-the-house", headers)
      const unseen = yield* read(yield* bearer("eve", ["status"], ["coordination.*.ACME", "decision.>"]))
      assert.strictEqual(unseen.status, 403)
      assert.include(unseen.text, "coordination.allocation.of-the-house")
      assert.notInclude(unseen.text, "targets")
      for (const pattern of ["coordination.>", "coordination.allocation.of-the-house"]) {
        assert.strictEqual((yield* read(yield* bearer("eve", ["status"], [pattern]))).status, 200)
      }
    })
  )

  it.effect("do not hear of another's analysis under the correlation id that it has", () =>
    Effect.gen(function* () {
      const { gateways } = yield* System
      const clients = yield* Effect.forEach(["mallory", "ada"], (name) =>
        Effect.gen(function* () {
          const client = yield* openClientWith(gateways[0]!.url, { headers: yield* bearer(name, ["analyze"]) })
          yield* client.next
          return client
        })
      )
      const request = { symbol: "SHARED", bars: BARS, correlation_id: "same", timeout_ms: 20_000 }
      for (const client of clients) client.send({ op: "analyze", id: "1", request })
      const rounds: Array<unknown> = []
      for (const client of clients) {
        const heard: Array<Record<string, unknown>> = []
        for (;;) {
          const frame = yield* client.next
          heard.push(decodeData(frame.data))
          if (frame.type !== "progress") break
        }
        const { consensus_id } = heard.at(-1)!
        rounds.push(consensus_id)
        const told = heard.filter(({ stage }) => stage !== "accepted").map((each) => each.consensus_id)
        assert.deepStrictEqual(told, Array(told.length).fill(consensus_id))
        assert.isAbove(told.length, 1, "its own it hears of")
      }
      assert.notStrictEqual(rounds[0], rounds[1])
    }).pipe(Effect.scoped)
  )

  it.effect("stop no symbol by times that cannot be", () =>
    Effect.gen(function* () {
      const { post } = yield* System
      const ada = yield* bearer("ada", EVERYTHING, ["market.>"])
      const at = (time: number) => [{ ...BARS[0]!, time }]
      const give = (time: number) => post("/api/v1/market/LIVE/bars", { bars: at(time) }, ada)
      const analyze = (body: object) => post("/api/v1/agents/analyze", { symbol: "LIVE", ...body }, ada)
      for (const time of [Number.MAX_SAFE_INTEGER, 8.64e15, Date.UTC(2100, 0, 1) + 1]) {
        assert.deepInclude((yield* analyze({ bars: at(time) })).json, { status: 400, field: "bars[0].time" })
        assert.deepInclude((yield* give(time)).json, { status: 400, field: "bars[0].time" })
        const context = [{ kind: "news", source: "s", time, text: "t" }]
        assert.deepInclude((yield* analyze({ context })).json, { status: 400, field: "context[0].time" })
      }
      const future = yield* give(Date.now() + 30 * 86_400_000)
      assert.deepInclude(future.json, { status: 400, type: "urn:conclave:problem:future-time", field: "bars" })
      assert.deepInclude((yield* give(Date.now())).json, { taken: 1, stale: [] })
      const deep = `{"symbol":"LIVE","context":[{"kind":"news","source":"s","time":1,"text":"t","x":${"[".repeat(9_000)}${"]".repeat(9_000)}}]}`
      const { gateways } = yield* System
      const headers = { "content-type": "application/json", ...ada }
      const nested = yield* http(gateways[0]!.port, "/api/v1/agents/analyze", { method: "POST", headers, body: deep })
      assert.strictEqual(nested.status, 400)
    })
  )

  it.effect("wait for nothing whose end cannot be processed", () =>
    Effect.gen(function* () {
      const { post, log, silent } = yield* System
      const ada = yield* bearer("ada", EVERYTHING)
      // Its agents say nothing, and what is told as the end of its round is no result.
      const to = { type: "coordinator", id: "STUCK" }
      const garbage = JSON.stringify({ kind: "message", message: "RoundClosed", body: { result: 1 }, correlation: "c" })
      const asked = yield* Effect.forkChild(
        post("/api/v1/agents/analyze", { symbol: "STUCK", bars: BARS, timeout_ms: 60_000 }, ada)
      )
      yield* Effect.sleep("300 millis")
      yield* log.append([{ kind: "mail", to, payload: garbage }])
      const lost = yield* Effect.timeout(Fiber.join(asked), "8 seconds")
      assert.deepInclude(lost.json, { status: 503, type: "urn:conclave:problem:analysis-lost" })
      silent.clear()
      const again = yield* post("/api/v1/agents/analyze", { symbol: "STUCK", bars: BARS, timeout_ms: 20_000 }, ada)
      assert.strictEqual(again.status, 200)
    })
  )

  it.effect("have no more stored than they may, by whatever connection, and turn no market away", () =>
    Effect.gen(function* () {
      const { post } = yield* System
      const flood = yield* bearer("flood", EVERYTHING, [">"])
      const body = { symbol: "FLOOD", invited: [outside("a")], timeout_ms: 100 }
      const began = performance.now()
      const answers = yield* Effect.forEach(
        Array.from({ length: 120 }, (_, index) => index),
        () => post(CONSENSUS, body, flood),
        { concurrency: 8 }
      )
      // As many as may be at once, and five more for each second that this takes.
      const opened = answers.filter(({ status }) => status === 201)
      assert.isAtMost(opened.length, 60 + 5 * Math.ceil((performance.now() - began) / 1_000))
      const refused = answers.filter(({ status }) => status === 429)
      assert.strictEqual(opened.length + refused.length, answers.length)
      assert.match(refused[0]!.text, /GATEWAY_ROUNDS_PER_(MINUTE|SECOND)/)
      assert.isNotEmpty(refused[0]!.headers["retry-after"])
      assert.match((yield* post(CONSENSUS, { ...body, timeout_ms: 1 }, flood)).text, /at least 100 ms/)
      const fed = yield* post("/api/v1/market/FLOOD/bars", { bars: BARS.slice(0, 1) }, flood)
      assert.strictEqual(fed.status, 200)
    })
  )
})

const decodeData = Schema.decodeUnknownSync(Schema.Record(Schema.String, Schema.Unknown))

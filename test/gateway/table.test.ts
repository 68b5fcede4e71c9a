// Every operation of the table, over every protocol that it has.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { OpenApi } from "effect/http-api"
import { SignJWT } from "jose"
import { Operation } from "../../gateway/auth/grant.ts"
import { api } from "../../gateway/index.ts"
import { operations } from "../../gateway/operations/table/index.ts"
import { Problem } from "../../protocols/index.ts"
import { http, openClient, startGateway } from "../support/gateway.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const ROUND = "01J00000000000000000000000"
const TASK = "0b7c3d52-6b1f-4c6e-9a53-2f1f3f0f8d11"
const BAR = { time: 1, open: 1, high: 1, low: 1, close: 1, volume: 1 }
const VOTE = { agent_id: "o", agent_type: "o", token: "s", decision: "BUY", confidence: 0.5 }
const HOLDINGS = [{ symbol: "A", group: "g", current: 0 }]
const SPAN = { from: 0, to: 1 }
const LIMITS = { gross: 1, net: 1, per_symbol: 1, per_group: 1, drawdown: SPAN, allow_short: true }

interface Sample {
  /** The path with its parameters and query. */
  readonly path: string
  readonly body?: object
  /** What the operation of the WebSocket holds besides its id. */
  readonly frame?: { readonly op: string } & Record<string, unknown>
  readonly right?: Operation
  readonly cost?: "ask"
  /** What is answered here to who has the right; `REFUSAL` of the actors unless given. */
  readonly answer?: readonly [status: number, problem: string]
}

const AGENTS = "/api/v1/agents"
const of = { symbol: "A", correlation_id: "c-1" }

/** Something that each operation takes, the right that it needs and what it costs. */
const samples: { readonly [operation: string]: Sample } = {
  "POST /api/v1/agents/analyze": {
    path: `${AGENTS}/analyze`,
    body: { symbol: "A" },
    frame: { op: "analyze", request: { symbol: "A" }, progress: false },
    right: "analyze",
    cost: "ask"
  },
  "POST /api/v1/agents/analyze/:correlation_id/cancel": {
    path: `${AGENTS}/analyze/c-1/cancel`,
    body: { symbol: "A" },
    frame: { op: "cancel", of },
    right: "cancel",
    cost: "ask"
  },
  "POST /api/v1/agents/message": {
    path: `${AGENTS}/message`,
    body: { symbol: "A", text: "look" },
    frame: { op: "message", message: { symbol: "A", text: "look" } },
    right: "message",
    cost: "ask"
  },
  "GET /api/v1/agents/status": {
    path: `${AGENTS}/status?symbol=A`,
    frame: { op: "status", of: { symbol: "A" } },
    right: "status",
    cost: "ask"
  },
  "GET /api/v1/agents/system/status": { path: `${AGENTS}/system/status`, right: "status", cost: "ask" },
  "GET /api/v1/agents/tools": {
    path: `${AGENTS}/tools?agent_type=risk_advisor&tool=rsi`,
    right: "status",
    cost: "ask"
  },
  "POST /api/v1/agents/consensus": {
    path: `${AGENTS}/consensus`,
    body: { symbol: "A" },
    frame: { op: "request_consensus", request: { symbol: "A" } },
    right: "request_consensus",
    cost: "ask"
  },
  "GET /api/v1/agents/consensus/:id": {
    path: `${AGENTS}/consensus/${ROUND}`,
    frame: { op: "status", of: { consensus_id: ROUND } },
    right: "status",
    cost: "ask"
  },
  "POST /api/v1/agents/consensus/:id/votes": {
    path: `${AGENTS}/consensus/${ROUND}/votes`,
    body: VOTE,
    frame: { op: "vote", consensus_id: ROUND, vote: VOTE },
    right: "vote",
    cost: "ask"
  },
  "POST /api/v1/agents/consensus/:id/cancel": {
    path: `${AGENTS}/consensus/${ROUND}/cancel`,
    body: {},
    frame: { op: "cancel", of: { consensus_id: ROUND } },
    right: "cancel",
    cost: "ask"
  },
  "POST /api/v1/agents/allocation": {
    path: `${AGENTS}/allocation`,
    body: { holdings: HOLDINGS, limits: LIMITS },
    right: "analyze",
    cost: "ask"
  },
  "GET /api/v1/agents/allocation/:id": { path: `${AGENTS}/allocation/a`, right: "status", cost: "ask" },
  "GET /api/v1/agents/portfolio/:account": { path: `${AGENTS}/portfolio/main`, right: "status", cost: "ask" },
  "POST /api/v1/agents/portfolio/:account/switch": {
    path: `${AGENTS}/portfolio/main/switch`,
    body: { action: "flatten" },
    right: "trade"
  },
  "POST /api/v1/market/:symbol/bars": {
    path: "/api/v1/market/BTC%2FUSDT/bars",
    body: { bars: [BAR] },
    right: "feed"
  },
  "POST /api/v1/agents/tests": {
    path: `${AGENTS}/tests`,
    body: { runs: 1 },
    right: "analyze",
    cost: "ask",
    answer: [503, "not-offered"]
  },
  "POST /api/v1/market/simulations": {
    path: "/api/v1/market/simulations",
    body: { bars: 1 },
    right: "feed",
    cost: "ask",
    answer: [503, "not-offered"]
  },
  "GET /api/v1/agents/tasks/:id": {
    path: `${AGENTS}/tasks/${TASK}`,
    right: "status",
    cost: "ask",
    answer: [404, "unknown-task"]
  },
  "POST /api/v1/agents/tasks/:id/cancel": {
    path: `${AGENTS}/tasks/${TASK}/cancel`,
    body: {},
    right: "cancel",
    cost: "ask",
    answer: [404, "unknown-task"]
  },
  "GET /healthz": { path: "/healthz" },
  "GET /readyz": { path: "/readyz" }
}

/** What needs no actor's answer. */
const ANSWERED = ["GET /api/v1/agents/system/status", "GET /healthz", "GET /readyz"]
/** What the actors of this test answer to everything. */
const REFUSAL = { _tag: "RoundClosed", consensus_id: ROUND }

const rows = operations.map((operation) => {
  const name = `${operation.method} ${operation.path}`
  return { name, operation, sample: samples[name] ?? { path: "no sample" } }
})

const sign = (rights: ReadonlyArray<Operation>): Effect.Effect<string> =>
  Effect.promise(() =>
    new SignJWT({ patterns: [">"], operations: rights })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("ada")
      .setExpirationTime("1m")
      .sign(Buffer.from(SECRET))
  )

const call = (port: number, { path, body }: Sample, token?: string) => {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return body === undefined
    ? http(port, path, { headers })
    : http(port, path, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(body)
      })
}

const typeOf = (json: unknown) => Schema.decodeUnknownSync(Problem)(json).type.replace("urn:conclave:problem:", "")

const started = Effect.gen(function* () {
  const world = yield* startGateway({ auth: { secret: Redacted.make(SECRET) } })
  world.answerWith(() => Effect.fail(REFUSAL))
  return { ...world, port: world.gateway.port }
})

describe("every operation of the table", () => {
  it("needs the right that is known of it, costs what is known, and has the name that is known over a WebSocket", () => {
    const known = Object.entries(samples).map(([name, { right, cost, frame }]) => [name, right, cost, frame?.op])
    assert.deepStrictEqual(
      rows.map(({ name, operation: { access, socket } }) => [name, access.right, access.cost, socket?.op]),
      known
    )
  })

  it.live("is in the description of the API and in the list of addresses", () =>
    Effect.gen(function* () {
      const { paths } = OpenApi.fromApi(api)
      const index = JSON.stringify((yield* http((yield* started).port, "/")).json)
      for (const { name, operation } of rows) {
        const path = operation.path.replaceAll(/:(\w+)/g, "{$1}")
        assert.containsAllKeys(paths[path], [operation.method.toLowerCase()], name)
        assert.include(index, `"${operation.method} ${path}`, name)
      }
    })
  )

  it.live("does over HTTP what it is for, for who has its right, and for nobody else", () =>
    Effect.gen(function* () {
      const { port } = yield* started
      for (const { name, operation, sample } of rows) {
        const { guarded, right } = operation.access
        const stranger = yield* call(port, sample)
        assert.strictEqual(stranger.status, guarded ? 401 : 200, name)
        if (right === undefined) continue
        const others = yield* call(port, sample, yield* sign(Operation.literals.filter((each) => each !== right)))
        assert.deepStrictEqual([others.status, typeOf(others.json)], [403, "forbidden"], name)
        assert.include(others.text, `does not allow ${right}`, name)
        const own = yield* call(port, sample, yield* sign([right]))
        if (ANSWERED.includes(name)) assert.strictEqual(own.status, 200, name)
        else assert.deepStrictEqual([own.status, typeOf(own.json)], sample.answer ?? [409, "round-closed"], name)
        const other = yield* http(port, sample.path, { method: "PUT", headers: { authorization: "Bearer x" } })
        assert.strictEqual(other.status, 401, name)
      }
    })
  )

  it.live("does the same over a WebSocket, where it has a name there", () =>
    Effect.gen(function* () {
      const { gateway } = yield* started
      const client = yield* openClient(gateway.url)
      const named = rows.flatMap(({ operation, sample: { frame } }) =>
        operation.socket === undefined || frame === undefined ? [] : [{ right: operation.access.right, frame }]
      )
      assert.strictEqual(named.length, operations.filter(({ socket }) => socket !== undefined).length)
      for (const { frame } of named) {
        assert.deepInclude((yield* client.call({ id: "q", ...frame })).data, { id: "q", code: "unauthenticated" })
      }
      for (const { right, frame } of named) {
        if (right === undefined) continue
        const without = yield* sign(Operation.literals.filter((each) => each !== right))
        yield* client.call({ op: "auth", id: "a", token: without })
        const refused = yield* client.call({ id: "q", ...frame })
        const message = `your token or key does not allow ${right}`
        assert.deepStrictEqual(refused.data, { id: "q", code: "forbidden", message })
        yield* client.call({ op: "auth", id: "a", token: yield* sign([right]) })
        const done = yield* client.call({ id: "q", ...frame })
        assert.deepInclude(done.data, { id: "q", code: "refused", reason: "RoundClosed" })
      }
    })
  )
})

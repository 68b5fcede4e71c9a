import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Schema } from "effect"
import { NotReady } from "../../gateway/index.ts"
import { Problem } from "../../protocols/index.ts"
import {
  ActorFailed,
  ActorUnavailable,
  AskTimeout,
  LogFull,
  LogRefused,
  LogUnavailable,
  MailboxFull,
  TooLarge
} from "../../runtime/index.ts"
import { type Answer, type Call, eventually, http, openSocket, startGateway } from "../support/gateway.ts"

const ANALYZE = "/api/v1/agents/analyze"

const post = (port: number, body: unknown, headers: Call["headers"] = {}) =>
  http(port, ANALYZE, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  })

const problemOf = (answer: Answer): Problem => {
  assert.strictEqual(answer.headers["content-type"], "application/problem+json")
  assert.isBelow(answer.text.length, 500, "a problem is short, whatever was sent")
  const problem = Schema.decodeUnknownSync(Problem)(answer.json)
  assert.strictEqual(problem.status, answer.status)
  return problem
}

const result = (correlationId: string) => ({
  symbol: "AAPL",
  final_recommendation: "BUY",
  confidence: 0.75,
  consensus_id: "01J00000000000000000000000",
  consensus_achieved: true,
  votes: [],
  missing_agents: ["risk_advisor_AAPL"],
  correlation_id: correlationId,
  from_a_newer_version: 1
})

const bar = (time: number, high = 11) => ({ time, open: 10, high, low: 9, close: 10, volume: 5 })

const working = Effect.fnUntraced(function* () {
  const world = yield* startGateway()
  const answerResult = () => world.answerWith(({ options }) => Effect.succeed(result(options?.correlationId ?? "none")))
  answerResult()
  return { ...world, port: world.gateway.port, answerResult }
})

describe("POST /api/v1/agents/analyze", () => {
  it.live("asks the symbol's coordinator and answers its result", () =>
    Effect.gen(function* () {
      const { port, asked } = yield* working()
      const answer = yield* post(port, { symbol: "AAPL", correlation_id: "c-1", timeout_ms: 500 })
      assert.deepStrictEqual([answer.status, answer.headers["x-correlation-id"]], [200, "c-1"])
      assert.deepStrictEqual(answer.json, result("c-1"))
      assert.deepStrictEqual(asked, [
        {
          id: "AAPL",
          message: "Analyze",
          payload: { correlation_id: "c-1", timeout_ms: 500, address: "127.0.0.1" },
          // What its round comes to at the deadline is still awaited.
          options: { correlationId: "c-1", timeout: 2_500 }
        }
      ])
    })
  )

  it.live("takes the correlation id of the header first, and makes one where there is none", () =>
    Effect.gen(function* () {
      const { port } = yield* working()
      const given = yield* post(port, { symbol: "A", correlation_id: "body" }, { "x-correlation-id": "header" })
      assert.strictEqual(given.headers["x-correlation-id"], "header")
      const made = yield* post(port, { symbol: "A" })
      assert.match(String(made.headers["x-correlation-id"]), /^[0-9a-f-]{36}$/)
      const bad = problemOf(yield* post(port, { symbol: "A" }, { "x-correlation-id": "no spaces" }))
      assert.deepInclude(bad, { status: 400, field: "x-correlation-id" })
    })
  )

  it.live("sends the last bars that came along as a window", () =>
    Effect.gen(function* () {
      const { port, asked } = yield* working()
      const bars = Array.from({ length: 200 }, (_, index) => bar(index))
      assert.strictEqual((yield* post(port, { symbol: "AAPL", bars })).status, 200)
      const window = Schema.Struct({ bars: Schema.Struct({ time: Schema.Array(Schema.Int) }) })
      const { time } = Schema.decodeUnknownSync(window)(asked[0]?.payload).bars
      assert.deepStrictEqual([time.length, time[0], time.at(-1)], [128, 72, 199])
    })
  )

  it.live("names the field and the rule of what is not valid, asks nobody, and goes on", () =>
    Effect.gen(function* () {
      const { port, asked } = yield* working()
      const bad: ReadonlyArray<readonly [body: unknown, field: string | undefined, rule: RegExp]> = [
        [{ symbol: "*" }, "symbol", /a symbol is 1 to 32 of/],
        [{ symbol: "A B" }, "symbol", /a symbol is/],
        [{ symbol: "A.*" }, "symbol", /a symbol is/],
        [{ symbol: "..A" }, "symbol", /a symbol is/],
        [{ symbol: "A", bars: [{ ...bar(1), time: -9e12 }] }, "bars[0].time", /before the year 1700/],
        [{ symbol: "A".repeat(1_000_000) }, "symbol", /a symbol is/],
        [{ symbol: 5 }, "symbol", /expected a string/],
        [{}, "symbol", /required/],
        [{ symbol: "A", symbols: ["A"] }, "symbols", /no such field/],
        [{ symbol: "A", ["x".repeat(900_000)]: 1 }, `${"x".repeat(64)}…`, /no such field/],
        [{ symbol: "A", timeout_ms: 5 }, "timeout_ms", /100/],
        [{ symbol: "A", correlation_id: "a b" }, "correlation_id", /letters, digits/],
        [{ symbol: "A", bars: [] }, "bars", /at least 1/],
        [{ symbol: "A", bars: [bar(1), bar(2, 8)] }, "bars[1]", /high is below low/],
        [{ symbol: "A", bars: [bar(1), { ...bar(2), volume: "5" }] }, "bars[1].volume", /number/],
        [{ symbol: "A", bars: [bar(2), bar(2)] }, "bars", /oldest to newest: the one at 1/],
        [[], undefined, /./],
        ["null", undefined, /JSON object/],
        ["", undefined, /not a whole JSON text/],
        ['{"symbol":"AA', undefined, /not a whole JSON text/],
        [Buffer.from([0x22, 0xff, 0xfe, 0x22]), undefined, /UTF-8/]
      ]
      for (const [body, field, rule] of bad) {
        const problem = problemOf(yield* post(port, body))
        assert.deepStrictEqual([problem.status, problem.field], [400, field], problem.detail)
        assert.match(problem.detail, rule)
      }
      assert.deepStrictEqual(asked, [])
      assert.strictEqual((yield* post(port, { symbol: "AAPL" })).status, 200)
    })
  )

  it.live("refuses a body over a megabyte, declared or not, and one that is not JSON", () =>
    Effect.gen(function* () {
      const { port, asked } = yield* working()
      const large = Buffer.alloc(1_500_000, "x")
      assert.deepInclude(problemOf(yield* post(port, large)), { status: 413 })
      const chunked = problemOf(yield* post(port, large, { "transfer-encoding": "chunked" }))
      assert.match(chunked.detail, /1048576 bytes/)
      const plain = yield* post(port, { symbol: "A" }, { "content-type": "text/plain" })
      assert.deepInclude(problemOf(plain), { status: 415, field: "content-type" })
      assert.deepStrictEqual(asked, [])
      const utf8 = yield* post(port, { symbol: "A" }, { "content-type": "application/json; charset=utf-8" })
      assert.strictEqual(utf8.status, 200)
    })
  )

  it.live("refuses a body that is declared too large before it comes", () =>
    Effect.gen(function* () {
      const { port } = yield* working()
      const socket = yield* openSocket(port)
      let received = ""
      socket.on("data", (chunk) => {
        received += String(chunk)
      })
      const headers = "Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 5000000"
      socket.write(`POST ${ANALYZE} HTTP/1.1\r\n${headers}\r\n\r\n`)
      yield* eventually("an answer", () => received.startsWith("HTTP/1.1 413 "))
    })
  )

  it.live("answers each failure with its status, and nothing of the inside", () =>
    Effect.gen(function* () {
      const { port, answerWith, answerResult } = yield* working()
      const secret = "wss://inside/secret"
      const busy = { _tag: "CoordinatorBusy", symbol: "A", waiting: 8 }
      const asking = { actor: "coordinator/A", message_type: "Analyze" }
      const failures = [
        [{ _tag: "NoMarketData", symbol: "A" }, 409, undefined, /bars, oldest first/],
        [busy, 429, "1", /8 analyses are waiting/],
        [new MailboxFull({ actor: "a/b", waiting: 9, retry_after_ms: 2500 }), 503, "3", /waiting/],
        [new LogFull({ detail: secret, retry_after_ms: 30_000 }), 503, "30", /full/],
        [new LogUnavailable({ detail: secret }), 503, "1", /does not answer/],
        [new AskTimeout({ ...asking, timeout_ms: 700 }), 504, undefined, /700 ms/],
        [new ActorUnavailable({ ...asking, timeout_ms: 700, detail: secret }), 503, "10", /paused, or no live node/],
        [new TooLarge({ what: "message", size: 2, limit: 1 }), 413, undefined, /more than/],
        [new ActorFailed({ ...asking, detail: secret }), 500, undefined, /failed inside/],
        [new LogRefused({ code: 1, detail: secret }), 500, undefined, /failed inside/]
      ] as const
      for (const [error, status, retryAfter, detail] of failures) {
        answerWith(() => Effect.fail(error))
        const answer = yield* post(port, { symbol: "A" }, { "x-correlation-id": "c-2" })
        const problem = problemOf(answer)
        assert.deepStrictEqual([answer.status, answer.headers["retry-after"]], [status, retryAfter], error._tag)
        assert.match(problem.detail, detail)
        assert.deepStrictEqual([problem.correlation_id, answer.headers["x-correlation-id"]], ["c-2", "c-2"])
        assert.notInclude(answer.text, secret)
      }
      answerWith(() => Effect.die(new Error(secret)))
      assert.strictEqual(problemOf(yield* post(port, { symbol: "A" })).status, 500)
      answerWith(() => Effect.succeed({ not: "a result" }))
      assert.strictEqual(problemOf(yield* post(port, { symbol: "A" })).status, 500)
      answerResult()
      assert.strictEqual((yield* post(port, { symbol: "A" })).status, 200)
    })
  )

  it.live("stops waiting when the client goes away, in the body or after it", () =>
    Effect.gen(function* () {
      const { port, asked, answerWith, answerResult } = yield* working()
      const interrupted = yield* Deferred.make<void>()
      answerWith(() => Effect.never.pipe(Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))))
      const head = (length: number) =>
        `POST ${ANALYZE} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
      const half = yield* openSocket(port)
      half.write(`${head(100)}{"symbol"`)
      const whole = yield* openSocket(port)
      whole.write(`${head(14)}{"symbol":"A"}`)
      yield* eventually("the actor is asked", () => asked.length === 1)
      half.destroy()
      whole.destroy()
      yield* Deferred.await(interrupted).pipe(Effect.timeout("5 seconds"))
      answerResult()
      assert.strictEqual((yield* post(port, { symbol: "AAPL" })).status, 200)
      assert.strictEqual(asked.length, 2)
    })
  )
})

describe("the other addresses", () => {
  it.live("say that the gateway lives, whether it is ready, and what there is", () =>
    Effect.gen(function* () {
      let ready = false
      const check = Effect.suspend(() =>
        ready ? Effect.void : Effect.fail(new NotReady({ detail: "the disk is full" }))
      )
      const options = { version: "1.2.3", ready: check }
      const { port } = (yield* startGateway(options)).gateway
      const health = yield* http(port, "/healthz")
      assert.deepInclude(health.json, { status: "ok", version: "1.2.3", connections: 0, subscriptions: 0, watches: 0 })
      const unready = problemOf(yield* http(port, "/readyz"))
      assert.deepInclude(unready, { status: 503, type: "urn:conclave:problem:not-ready" })
      assert.include(unready.detail, "the disk is full")
      ready = true
      assert.deepStrictEqual((yield* http(port, "/readyz")).json, { status: "ready" })
      assert.match((yield* http(port, "/")).text, /POST \/api\/v1\/agents\/analyze/)
    })
  )

  it.live("answer HEAD as they answer GET, without the body, and say how long a connection is kept", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway()
      answerWith(() => Effect.fail({ _tag: "UnknownAccount" }))
      const paths = [
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/docs",
        "/client/index.ts",
        "/api/v1/agents/portfolio/x",
        "/none"
      ]
      for (const path of paths) {
        const get = yield* http(gateway.port, path)
        const head = yield* http(gateway.port, path, { method: "HEAD" })
        assert.deepStrictEqual([head.status, head.text], [get.status, ""], path)
        assert.strictEqual(head.headers["content-type"], get.headers["content-type"])
        assert.strictEqual(get.headers["keep-alive"], "timeout=8")
      }
      const events = yield* http(gateway.port, "/api/v1/events", { method: "HEAD" })
      assert.deepStrictEqual([events.status, events.headers["content-type"]], [200, "text/event-stream"])
      assert.strictEqual((yield* http(gateway.port, ANALYZE, { method: "HEAD" })).status, 405)
    })
  )

  it.live("are not ready when the check fails", () =>
    Effect.gen(function* () {
      const { port } = (yield* startGateway({ ready: Effect.die(new Error("down")) })).gateway
      assert.strictEqual((yield* http(port, "/readyz")).status, 503)
    })
  )

  it.live("answer problems where there is nothing, or not by this method", () =>
    Effect.gen(function* () {
      const { port } = (yield* startGateway()).gateway
      assert.strictEqual(problemOf(yield* http(port, "/nothing")).status, 404)
      assert.strictEqual(problemOf(yield* http(port, `${ANALYZE}/more`, { method: "POST" })).status, 404)
      const get = yield* http(port, ANALYZE)
      assert.deepStrictEqual([problemOf(get).status, get.headers.allow], [405, "POST"])
      const post = yield* http(port, "/healthz", { method: "POST" })
      assert.deepStrictEqual([problemOf(post).status, post.headers.allow], [405, "GET, HEAD"])
      assert.strictEqual(problemOf(yield* http(port, "/ws")).status, 426)
    })
  )
})

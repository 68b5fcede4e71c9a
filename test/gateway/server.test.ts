import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Redacted, Schedule, Scope } from "effect"
import { eventually, http, openClient, openSocket, startGateway, subscribe } from "../support/gateway.ts"

const analyze = (port: number, headers: { readonly [name: string]: string }) =>
  http(port, "/api/v1/agents/analyze", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: '{"symbol":"*"}'
  })

const upgrade = (port: number, headers: { readonly [name: string]: string }) =>
  http(port, "/ws", {
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
      ...headers
    }
  })

describe("the gateway's port", () => {
  it.live("is the one asked for, or any free one, on loopback", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway()
      assert.isAbove(gateway.port, 0)
      assert.deepStrictEqual([gateway.host, gateway.url], ["127.0.0.1", `http://127.0.0.1:${gateway.port}`])
    })
  )

  it.live("is an error when another gateway has it", () =>
    Effect.gen(function* () {
      // A port that was asked for by number: only those does the library share unless told otherwise.
      const { port } = (yield* Effect.scoped(startGateway())).gateway
      yield* startGateway({ port })
      const error = yield* Effect.flip(Effect.scoped(startGateway({ port })))
      assert.strictEqual(error._tag, "PortTaken")
      assert.match(error.message, new RegExp(`^port ${port} on 127.0.0.1 is taken by another program`))
      assert.strictEqual((yield* http(port, "/healthz")).status, 200)
    })
  )

  it.live("is an error when any other program has it, and free again once that is gone", () =>
    Effect.gen(function* () {
      const other = createServer()
      const port = yield* Effect.callback<number>((resume) => {
        other.listen(0, "127.0.0.1", () => {
          const address = other.address()
          resume(Effect.succeed(typeof address === "object" ? (address?.port ?? 0) : 0))
        })
      })
      const error = yield* Effect.flip(Effect.scoped(startGateway({ port })))
      assert.strictEqual(error._tag, "PortTaken")
      yield* Effect.callback<void>((resume) => void other.close(() => resume(Effect.void)))
      assert.strictEqual((yield* startGateway({ port })).gateway.port, port)
    })
  )

  it.live("says so when the machine does not have the address", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Effect.scoped(startGateway({ host: "192.0.2.1", auth: { secret: Redacted.make("s".repeat(32)) } }))
      )
      assert.strictEqual(error._tag, "ListenFailed")
      assert.match(error.message, /192\.0\.2\.1.*EADDRNOTAVAIL/)
    })
  )
})

describe("the gateway's connections", () => {
  it.live("are no more than it has files for: one too many is closed, and taken once another has gone", () =>
    Effect.gen(function* () {
      const { port, url } = (yield* startGateway({ limits: { socketsMax: 3 } })).gateway
      const client = yield* openClient(url)
      const held = yield* Effect.all([openSocket(port), openSocket(port)])
      const rejected = yield* Effect.exit(http(port, "/healthz"))
      assert.isTrue(Exit.isFailure(rejected))
      assert.strictEqual((yield* client.call({ op: "ping", id: "p" })).type, "result", "who is in is served")
      yield* client.close
      const answered = http(port, "/healthz").pipe(
        Effect.catchDefect((cause) => Effect.fail(cause)),
        Effect.retry(Schedule.spaced("10 millis")),
        Effect.timeout("5 seconds")
      )
      assert.strictEqual((yield* answered).status, 200)
      for (const socket of held) socket.destroy()
      for (let count = 0; count < 5; count++) assert.strictEqual((yield* answered).status, 200)
      yield* openClient(url)
    })
  )
})

describe("the gateway's origins", () => {
  const cases: ReadonlyArray<
    readonly [who: string, headers: (port: number) => { [name: string]: string }, passes: boolean, status?: number]
  > = [
    ["a program, with no origin", () => ({}), true],
    ["its own page", (port) => ({ origin: `http://127.0.0.1:${port}` }), true],
    ["its own page by name, behind another port", () => ({ host: "localhost:9", origin: "http://localhost:9" }), true],
    ["a page that was allowed", () => ({ origin: "https://desk.example" }), true],
    ["a page elsewhere", () => ({ origin: "https://evil.example" }), false],
    ["a page on another port here", () => ({ origin: "http://127.0.0.1:1" }), false],
    [
      "a page whose name was pointed at us",
      () => ({ host: "evil.example", origin: "http://evil.example" }),
      false,
      421
    ],
    ["a program that believes us to be another", () => ({ host: "evil.example" }), false, 421],
    ["a picture of another site", () => ({ "sec-fetch-site": "cross-site" }), false],
    ["a picture of another port here", () => ({ "sec-fetch-site": "same-site" }), false],
    ["a picture of its own page", () => ({ "sec-fetch-site": "same-origin" }), true],
    [
      "a page that was allowed, and says where it is",
      () => ({ origin: "https://desk.example", "sec-fetch-site": "cross-site" }),
      true
    ],
    ["a page with no origin of its own", () => ({ origin: "null" }), false]
  ]
  for (const [who, headers, passes, status = 403] of cases) {
    it.live(`${passes ? "let in" : "refuse"} ${who}`, () =>
      Effect.gen(function* () {
        const { port } = (yield* startGateway({ allowedOrigins: ["https://desk.example"] })).gateway
        assert.strictEqual((yield* upgrade(port, headers(port))).status, passes ? 101 : status)
        const posted = yield* analyze(port, headers(port))
        assert.strictEqual(posted.status, passes ? 400 : status)
        assert.strictEqual(posted.headers["content-type"], "application/problem+json")
      })
    )
  }

  it.live("let a browser read the answers of a page that was allowed, and of no other", () =>
    Effect.gen(function* () {
      const { port } = (yield* startGateway({ allowedOrigins: ["https://desk.example"] })).gateway
      const preflight = (origin: string) =>
        http(port, "/api/v1/agents/analyze", { method: "OPTIONS", headers: { origin } })
      const allowed = yield* preflight("https://desk.example")
      assert.strictEqual(allowed.status, 204)
      assert.strictEqual(allowed.headers["access-control-allow-origin"], "https://desk.example")
      assert.strictEqual((yield* preflight("https://evil.example")).status, 405)
      const answer = yield* analyze(port, { origin: "https://desk.example" })
      assert.strictEqual(answer.headers["access-control-allow-origin"], "https://desk.example")
    })
  )
})

describe("a stopping gateway", () => {
  const startIn = Effect.fnUntraced(function* (scope: Scope.Scope, drainMillis: number) {
    return yield* Scope.provide(startGateway({ limits: { drainMillis } }), scope)
  })

  it.live("tells every client, ends its watches and frees the port", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { gateway, log } = yield* startIn(scope, 1_000)
      const clients = [yield* openClient(gateway.url), yield* openClient(gateway.url)]
      for (const client of clients) yield* subscribe(client, "a", "decision.>")
      yield* Scope.close(scope, Exit.void)
      for (const client of clients) {
        assert.deepStrictEqual(yield* client.closed, { code: 1001, reason: "the gateway is stopping" })
      }
      assert.deepStrictEqual(log.watching(), [])
      const again = yield* startGateway({ port: gateway.port })
      assert.strictEqual((yield* http(again.gateway.port, "/healthz")).status, 200)
    })
  )

  it.live("finishes the requests under way", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { gateway, asked, answerWith } = yield* startIn(scope, 2_000)
      const failure = { _tag: "CoordinatorBusy", symbol: "A", waiting: 1 }
      answerWith(() => Effect.delay(Effect.fail(failure), "200 millis"))
      const request = http(gateway.port, "/api/v1/agents/analyze", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"symbol":"A"}'
      })
      const answer = yield* Effect.forkChild(request)
      yield* eventually("the actor is asked", () => asked.length === 1)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Fiber.join(answer)).status, 429)
    })
  )

  it.live("answers those it cannot finish that it is stopping", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { gateway, asked } = yield* startIn(scope, 50)
      const request = http(gateway.port, "/api/v1/agents/analyze", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"symbol":"A"}'
      })
      const answer = yield* Effect.forkChild(request)
      yield* eventually("the actor is asked", () => asked.length === 1)
      yield* Scope.close(scope, Exit.void)
      const { status, text, headers } = yield* Fiber.join(answer)
      assert.deepStrictEqual([status, headers["retry-after"]], [503, "5"])
      assert.match(text, /stopping/)
    })
  )
})

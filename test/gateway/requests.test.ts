// What is asked of every request, before anything of it is looked at.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { fresh } from "../../gateway/fresh.ts"
import { eventually, http, startGateway } from "../support/gateway.ts"
import { connectTo } from "../support/hostile.ts"

describe("requests", () => {
  const post = (headers: string) =>
    `POST /api/v1/agents/analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${headers}\r\n\r\n`
  const second = "GET /second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

  it.live("that can be read in two ways end their connection, and nothing more is read from it", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway()
      const unclear = {
        "two lengths": `Content-Length: 0\r\nContent-Length: ${second.length}`,
        "the same length twice": "Content-Length: 0\r\nContent-Length: 0",
        "a length and chunks": "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "an unknown coding": "Transfer-Encoding: xchunked",
        "two codings": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "two codings in one": "Transfer-Encoding: gzip, chunked",
        "a length that is none": "Content-Length: +0",
        "two hosts": "Host: evil.example\r\nContent-Length: 0",
        "two origins": "Origin: http://127.0.0.1\r\nOrigin: http://evil.example\r\nContent-Length: 0"
      }
      for (const [what, headers] of Object.entries(unclear)) {
        const { seen } = yield* connectTo(gateway.port, `${post(headers)}0\r\n\r\n${second}`)
        yield* eventually(`the connection ends: ${what}`, () => seen.over)
        // The library answers some of them itself; none is answered twice.
        assert.match(seen.text, /^(HTTP\/1\.1 400 (?!.*HTTP\/1\.1 ))?/s, what)
        assert.notInclude(seen.text, "urn:conclave", what)
      }
      const clear = yield* connectTo(gateway.port, `${post("Transfer-Encoding: Chunked")}2\r\n{}\r\n0\r\n\r\n`)
      yield* eventually("chunks are read", () => clear.seen.text.includes("`symbol`"))
    })
  )

  it.live("that are answered before their body has come may go on, end or break off: it costs nobody anything", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({
        auth: { secret: Redacted.make("0123456789abcdef0123456789abcdef") },
        limits: { bodiesBytesMax: 300_000 }
      })
      const head = (length: number) => post(`Authorization: Bearer x\r\nContent-Length: ${length}\r\n`.trimEnd())
      // As much as would fill the room for bodies several times.
      for (let index = 0; index < 8; index++) {
        const { socket, seen } = yield* connectTo(gateway.port, `${head(200_000)}${"x".repeat(150_000)}`)
        yield* eventually("an answer", () => seen.text.includes("HTTP/1.1 401"))
        socket.destroy()
      }
      const { socket, seen } = yield* connectTo(gateway.port, head(20_000_000))
      yield* eventually("an answer", () => seen.text.includes("HTTP/1.1 401"))
      for (let index = 0; index < 20 && !seen.over; index++) {
        socket.write("x".repeat(1_000_000))
        yield* Effect.sleep("10 millis")
      }
      const large = yield* connectTo(gateway.port, `${head(200_000)}${"x".repeat(200_000)}`)
      yield* eventually("an answer", () => large.seen.text !== "")
      assert.include(large.seen.text, "HTTP/1.1 401", "there is room, and the gateway is there")
    })
  )

  it.live("go to the names of the gateway, over whatever protocol", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ hosts: ["desk.example", "proxy.example:8443"] })
      const ours = ["127.0.0.1", `localhost:${gateway.port}`, "LOCALHOST", "[::1]:80", "127.8.8.8", "Desk.Example:1"]
      const others = [
        "evil.example",
        "127.0.0.1.evil.example",
        "127.evil.example",
        "localhost.",
        "10.0.0.1",
        "proxy.example",
        "@",
        "::1",
        "desk.example,evil.example"
      ]
      const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" }
      for (const host of [...ours, "proxy.example:8443"]) {
        assert.strictEqual((yield* http(gateway.port, "/ws", { headers: { ...upgrade, host } })).status, 101, host)
        assert.strictEqual((yield* http(gateway.port, "/api/v1/clients", { headers: { host } })).status, 200, host)
      }
      for (const host of others) {
        for (const path of ["/api/v1/events?pattern=a", "/api/v1/clients", "/healthz", "/docs", "/nothing"]) {
          const answer = yield* http(gateway.port, path, { headers: { host } })
          assert.deepInclude(answer.json, { status: 421, type: "urn:conclave:problem:misdirected" }, `${host} ${path}`)
        }
        assert.strictEqual((yield* http(gateway.port, "/ws", { headers: { ...upgrade, host } })).status, 421, host)
      }
      const old = { ...upgrade, "sec-websocket-version": "8" }
      const version = yield* http(gateway.port, "/ws", { headers: old })
      assert.deepStrictEqual([version.status, version.headers["sec-websocket-version"]], [426, "13"])
      for (const path of ["/healthz", "/docs", "/nothing"]) {
        assert.strictEqual((yield* http(gateway.port, path)).headers["x-content-type-options"], "nosniff", path)
      }
    })
  )

  it.live("with bodies that are much, deep or slow keep nobody from turning a switch", () =>
    Effect.gen(function* () {
      const limits = { bodiesBytesMax: 100_000, bodyBytesPerSecond: 300_000, bodyBytesMax: 200_000, bodyMillis: 500 }
      const { gateway, answerWith } = yield* startGateway({ limits })
      answerWith(() => Effect.succeed({ entries_stopped: true, orders: 0 }))
      const held = yield* connectTo(gateway.port, post("Content-Length: 150000"))
      held.socket.write("x".repeat(90_000))
      yield* Effect.sleep("50 millis")
      const send = (body: string, path = "analyze") =>
        http(gateway.port, `/api/v1/agents/${path}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body
        })
      const stop = send('{"action":"flatten"}', "portfolio/main/switch")
      assert.match((yield* send("x".repeat(50_000))).text, /"status":503.*GATEWAY_BODIES_BYTES/)
      assert.strictEqual((yield* stop).status, 200)
      yield* Effect.sleep("600 millis")
      held.socket.write("x")
      yield* eventually("it is refused", () => /^HTTP\/1\.1 408 .*GATEWAY_BODY_MILLIS/s.test(held.seen.text))
      const deep = yield* send(`{"symbol":"A","context":[{"x":${"[".repeat(20_000)}${"]".repeat(20_000)}}]}`)
      assert.match(deep.text, /"status":400.*at most 64 deep/)
      const statuses: Array<number> = []
      for (let count = 0; count < 5; count++) statuses.push((yield* send("x".repeat(90_000))).status)
      assert.deepStrictEqual([statuses[0], statuses.at(-1)], [400, 429])
      assert.strictEqual((yield* stop).status, 200)
    })
  )
})

describe("a check that many ask for", () => {
  it.live("is made once for all of them, and again once it has failed or is old", () =>
    Effect.gen(function* () {
      const made = { count: 0, fails: false }
      const check = Effect.suspend(() => {
        made.count++
        return Effect.delay(made.fails ? Effect.fail("no" as const) : Effect.void, "20 millis")
      })
      const asked = yield* fresh(check, 100)
      // Who asked first leaves before it is known.
      yield* Effect.timeoutOption(asked, "5 millis")
      yield* Effect.all(
        Array.from({ length: 50 }, () => asked),
        { concurrency: "unbounded" }
      )
      yield* asked
      assert.strictEqual(made.count, 1)
      yield* Effect.sleep("120 millis")
      made.fails = true
      assert.strictEqual(yield* Effect.flip(asked), "no")
      made.fails = false
      yield* asked
      assert.strictEqual(made.count, 3)
    })
  )
})

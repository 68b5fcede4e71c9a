// What strangers and hostile clients do, and what those who are honest notice of it.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SignJWT } from "jose"
import { fresh } from "../../gateway/fresh.ts"
import {
  type Client,
  eventually,
  http,
  openClient,
  openClientWith,
  startGateway,
  upgradeText
} from "../support/gateway.ts"
import { bombFrame, connectTo, flood, textFrame, welcomed } from "../support/hostile.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const auth = { secret: Redacted.make(SECRET) }
const tokenOf = (patterns: ReadonlyArray<string>) =>
  Effect.promise(() =>
    new SignJWT({ patterns })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("ada")
      .setExpirationTime("1m")
      .sign(Buffer.from(SECRET))
  )

/** How long pings of a client take, at the median, in milliseconds. */
const medianPing = Effect.fnUntraced(function* (client: Client, pings = 25) {
  const took: Array<number> = []
  for (let count = 0; count < pings; count++) {
    const sent = performance.now()
    assert.strictEqual((yield* client.call({ op: "ping", id: "p" })).type, "result")
    took.push(performance.now() - sent)
    yield* Effect.sleep("10 millis")
  }
  return took.sort((one, other) => one - other)[pings >> 1]!
})
const PING_MILLIS_MAX = 50

describe("a flood of frames", () => {
  const brackets = `${"[".repeat(30_000)}${"]".repeat(30_000)}`
  const floods: ReadonlyArray<readonly [what: string, bytes: Buffer]> = [
    ["nested as deep as a frame can be", textFrame(brackets)],
    ["of bytes past the rate", textFrame(JSON.stringify({ op: "ping", id: "p", filler: "f".repeat(60_000) }))],
    ["of pings past the rate", Buffer.concat(Array.from({ length: 500 }, () => textFrame('{"op":"ping","id":"p"}')))],
    [
      "that the library answers",
      Buffer.concat(Array.from({ length: 500 }, () => Buffer.from([0x89, 0x80, 0, 0, 0, 0])))
    ],
    ["that are inflated", Buffer.concat(Array.from({ length: 50 }, () => bombFrame(60_000)))],
    ["that would be inflated past all measure", bombFrame(10_000_000)]
  ]

  it.live("is refused before it is read, and ends with its connection; nobody else notices", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ limits: { compressBytesMin: 10_000 } })
      const honest = yield* openClient(gateway.url)
      const deflate = ["Sec-WebSocket-Extensions: permessage-deflate"]
      for (const [what, bytes] of floods) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const counts = yield* flood(welcomed(gateway.port, deflate), bytes)
            const median = yield* medianPing(honest)
            assert.isBelow(median, PING_MILLIS_MAX, what)
            yield* eventually(`a connection ended: ${what}`, () => counts.connections > 1)
          })
        )
      }
    })
  )

  it.live("is answered for a while, and says why it ends", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ limits: { operationsPerSecond: 20 } })
      const client = yield* openClient(gateway.url)
      for (let count = 0; count < 60; count++) client.sendRaw("nonsense")
      assert.deepStrictEqual(yield* client.closed, { code: 1008, reason: "too many refusals" })
      const codes = client.waiting().map(({ data }) => Object(data).code)
      assert.deepStrictEqual([codes[0], codes.at(-1), codes.length], ["malformed_json", "rate_limited", 21])
    })
  )
})

describe("strangers", () => {
  it.live("say little before it is known who they are", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth })
      const client = yield* openClient(gateway.url)
      client.send({ op: "auth", id: "a", token: "t".repeat(20_000) })
      assert.match(JSON.stringify((yield* client.next).data), /16384 bytes.*GATEWAY_UNAUTHENTICATED_BYTES/)
      assert.deepStrictEqual(yield* client.closed, { code: 1008, reason: "authentication needed" })
      const known = yield* openClient(gateway.url)
      known.send({ op: "auth", id: "a", token: yield* tokenOf(["a.*"]) })
      assert.strictEqual((yield* known.next).type, "result")
      assert.strictEqual((yield* known.call({ op: "ping", id: "p", filler: "f".repeat(20_000) })).type, "result")
    })
  )

  it.live("take no place of those who are known, nor keep them from saying who they are", () =>
    Effect.gen(function* () {
      const limits = { connectionsPerAddressMax: 3, unauthenticatedPerAddressMax: 5 }
      const { gateway } = yield* startGateway({ auth, limits })
      const token = yield* tokenOf(["a.*"])
      const strangers = yield* Effect.forEach(Array.from({ length: 8 }), () => welcomed(gateway.port))
      yield* eventually("the oldest are gone", () => strangers.filter(({ seen }) => seen.over).length === 3)
      assert.deepStrictEqual(
        strangers.slice(0, 3).map(({ seen }) => seen.over),
        [true, true, true]
      )
      const first = yield* openClient(gateway.url)
      assert.deepInclude((yield* first.call({ op: "auth", id: "a", token })).data, { ok: true })
      const bearer = { headers: { authorization: `Bearer ${token}` } }
      for (let count = 0; count < 2; count++) {
        assert.deepInclude((yield* (yield* openClientWith(gateway.url, bearer)).next).data, { ok: true })
      }
      // Now the places of the address are taken, by those who are known.
      assert.deepInclude((yield* http(gateway.port, "/healthz")).json, { connections: 3 })
      const late = yield* openClient(gateway.url)
      const refused = yield* late.call({ op: "auth", id: "a", token })
      assert.match(JSON.stringify(refused.data), /"unavailable".*GATEWAY_CONNECTIONS_PER_ADDRESS/)
      assert.strictEqual((yield* late.closed).code, 1013)
      const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" }
      const full = yield* http(gateway.port, "/ws", { headers: { ...upgrade, ...bearer.headers } })
      assert.strictEqual(full.status, 429)
    })
  )

  it.live("open so many WebSockets a second and no more, while those who are known come in", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth, limits: { handshakesPerSecond: 5 } })
      const bad = ["Authorization: Bearer nonsense"]
      const answers = yield* Effect.forEach(
        Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? [] : bad)),
        (headers) => connectTo(gateway.port, upgradeText(headers))
      )
      yield* eventually("all are answered", () => answers.every(({ seen }) => seen.text !== ""))
      const statuses = answers.map(({ seen }) => seen.text.slice(9, 12))
      assert.deepStrictEqual(statuses.filter((status) => status === "101").length, 5)
      assert.include(answers.at(-1)?.seen.text, "GATEWAY_HANDSHAKES_PER_SECOND")
      const headers = { authorization: `Bearer ${yield* tokenOf(["a.*"])}` }
      assert.deepInclude((yield* (yield* openClientWith(gateway.url, { headers })).next).data, { ok: true })
    })
  )
})

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

describe("a client that reads nothing", () => {
  it.live("is closed after a while whatever its policy, and all of them hold no more than the budget", () =>
    Effect.gen(function* () {
      const limits = { queueBytesMax: 1_000_000, stallMillis: 1_000, socketBytesMax: 10_000, farewellMillis: 500 }
      const { log, gateway } = yield* startGateway({ limits })
      const reader = yield* openClient(gateway.url)
      reader.send({ op: "subscribe", id: "s", pattern: "m.*" })
      yield* reader.next
      const stuck = yield* Effect.forEach(["drop", "conflate", "drop", "conflate", "close"], (on_slow) =>
        Effect.gen(function* () {
          const { socket, seen } = yield* welcomed(gateway.port)
          socket.write(textFrame(JSON.stringify({ op: "subscribe", id: "s", pattern: "m.*", on_slow })))
          yield* eventually("it is subscribed", () => seen.text.includes('"subscribed"'))
          socket.pause()
          return socket
        })
      )
      const silent = yield* connectTo(
        gateway.port,
        "GET /api/v1/events?pattern=m.*&on_slow=drop HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
      )
      yield* eventually("it is subscribed", () => silent.seen.text.includes('"subscribed"'))
      silent.socket.pause()
      let most = 0
      // More than the buffers of a socket take, on both sides.
      for (let count = 1; count <= 1_500; count++) {
        log.publish(`m.${count}`, "t", { filler: "f".repeat(8_000) })
        if (count % 50 !== 0) continue
        for (let index = 0; index < 50; index++) yield* reader.next
        const { text } = yield* http(gateway.port, "/metrics")
        most = Math.max(most, Number(/^conclave_gateway_events_waiting (\d+)$/m.exec(text)?.[1]))
      }
      assert.isAbove(most, 0)
      assert.isAtMost(most * 8_000, 1_000_000)
      const connections = Effect.map(http(gateway.port, "/healthz"), ({ json }) => Object(json).connections as unknown)
      let left: unknown
      while (left !== 1) {
        left = yield* connections
        yield* Effect.sleep("100 millis")
      }
      assert.strictEqual((yield* reader.call({ op: "ping", id: "p" })).type, "result")
      for (const socket of [...stuck, silent.socket]) socket.destroy()
    }).pipe(Effect.timeout("20 seconds"))
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

// What strangers and hostile clients do, and what those who are honest notice of it.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SignJWT } from "jose"
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
const tokenOf = (patterns: ReadonlyArray<string>, subject = "ada") =>
  Effect.promise(() =>
    new SignJWT({ patterns })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(subject)
      .setExpirationTime("1m")
      .sign(Buffer.from(SECRET))
  )

/** How long pings of a client take, at the median, in milliseconds. */
const medianPing = Effect.fnUntraced(function* (client: Client, pings = 15) {
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
      for (const [what, bytes] of floods) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { gateway } = yield* startGateway({ limits: { compressBytesMin: 10_000 } })
            const honest = yield* openClient(gateway.url)
            const counts = yield* flood(gateway.port, bytes, ["Sec-WebSocket-Extensions: permessage-deflate"])
            assert.isBelow(yield* medianPing(honest), PING_MILLIS_MAX, what)
            yield* eventually(`a connection ended: ${what}`, () => counts.connections > 1)
          })
        )
      }
    })
  )

  it.live("of empty parts of a message, which the library does not show, costs no more than its bytes", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway()
      const honest = yield* openClient(gateway.url)
      const parts = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([0, 0x80, 0, 0, 0, 0])))
      for (let count = 0; count < 4; count++) {
        const { socket } = yield* welcomed(gateway.port)
        socket.write(Buffer.from([1, 0x81, 0, 0, 0, 0, 0x41]))
        const more = Effect.suspend(() => {
          if (socket.writableLength < 1_000_000) socket.write(parts)
          return Effect.sleep("1 millis")
        })
        yield* Effect.forkScoped(Effect.forever(more))
      }
      assert.isBelow(yield* medianPing(honest), PING_MILLIS_MAX)
    }).pipe(Effect.scoped)
  )

  it.live("that goes on over new connections has to wait before each", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ limits: { operationsPerSecond: 1 } })
      const honest = yield* openClient(gateway.url)
      const counts = yield* flood(gateway.port, textFrame("nonsense"))
      let refused = ""
      while (refused === "") {
        const { seen } = yield* connectTo(gateway.port, upgradeText())
        yield* eventually("it is answered", () => seen.text !== "")
        if (seen.text.startsWith("HTTP/1.1 429")) refused = seen.text
      }
      assert.include(refused, "too-many-refusals")
      assert.isBelow(counts.connections, 30)
      assert.strictEqual((yield* honest.call({ op: "ping", id: "p" })).type, "result")
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

describe("who is known and refused too often", () => {
  it.live("has to wait wherever it comes from, and nobody else of its address", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth, limits: { operationsPerSecond: 1 } })
      const headersOf = (subject: string) =>
        Effect.map(tokenOf([], subject), (token) => [`Authorization: Bearer ${token}`])
      const mallory = yield* headersOf("mallory")
      yield* flood(gateway.port, textFrame("nonsense"), mallory)
      let status = ""
      while (status !== "429") {
        const { seen } = yield* connectTo(gateway.port, upgradeText(mallory))
        yield* eventually("it is answered", () => seen.text !== "")
        status = seen.text.slice(9, 12)
      }
      yield* welcomed(gateway.port, yield* headersOf("ada"))
      const first = yield* openClient(gateway.url)
      assert.deepInclude((yield* first.call({ op: "auth", id: "a", token: yield* tokenOf([]) })).data, { ok: true })
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

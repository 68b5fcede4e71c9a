import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { clientFrame, eventually, http, openClient, openRaw, startGateway, subscribe } from "../support/gateway.ts"

const works = Effect.fnUntraced(function* (client: Effect.Success<ReturnType<typeof openClient>>) {
  const answer = yield* client.call({ op: "ping", id: "still" })
  assert.deepStrictEqual(answer.data, { id: "still", op: "ping", ok: true })
})

describe("a WebSocket client", () => {
  it.live("sees the events of its pattern with sequence, subject and subscription, and no others", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const client = yield* openClient(gateway.url)
      yield* subscribe(client, "mine", "decision.AAPL.*")
      log.publish("decision.MSFT.market_analyst", "agent_decision", {})
      const seq = log.publish("decision.AAPL.market_analyst", "agent_decision", { decision: "BUY", text: '"é✓' })
      assert.deepStrictEqual(yield* client.next, {
        type: "agent_decision",
        seq,
        subject: "decision.AAPL.market_analyst",
        data: { decision: "BUY", text: '"é✓' },
        sub: "mine"
      })
      assert.deepStrictEqual((yield* client.call({ op: "unsubscribe", id: "mine" })).data, {
        id: "mine",
        op: "unsubscribe",
        ok: true
      })
      log.publish("decision.AAPL.market_analyst", "agent_decision", {})
      yield* works(client)
    })
  )

  it.live("gets an event once per subscription that matches it", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const client = yield* openClient(gateway.url)
      yield* subscribe(client, "all", ">")
      yield* subscribe(client, "same", ">")
      yield* subscribe(client, "apple", "decision.AAPL.*")
      yield* subscribe(client, "tools", "tool.>")
      for (let count = 0; count < 50; count++) log.publish("decision.AAPL.risk_advisor", "agent_decision", { count })
      const seen = new Map<string, Array<number>>()
      for (let count = 0; count < 150; count++) {
        const { sub = "", seq } = yield* client.next
        seen.set(sub, [...(seen.get(sub) ?? []), seq ?? 0])
      }
      yield* works(client)
      const inOrder = Array.from({ length: 50 }, (_, index) => index + 1)
      assert.deepStrictEqual(Object.fromEntries(seen), { all: inOrder, same: inOrder, apple: inOrder })
    })
  )

  it.live("shares one watch with others, which ends when the last of them unsubscribes or leaves", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const [one, two] = [yield* openClient(gateway.url), yield* openClient(gateway.url)]
      yield* subscribe(one, "a", "coordination.>")
      yield* subscribe(two, "a", "coordination.>")
      assert.deepStrictEqual([log.watching(), log.opened()], [["coordination.>"], 1])
      yield* one.call({ op: "unsubscribe", id: "a" })
      assert.deepStrictEqual(log.watching(), ["coordination.>"])
      yield* two.close
      yield* eventually("the watch ends", () => log.watching().length === 0)
      const health = yield* http(gateway.port, "/healthz")
      assert.deepInclude(health.json, { status: "ok", connections: 1, subscriptions: 0, watches: 0 })
    })
  )

  it.live("may end a subscription that is still being opened, and use its id again", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const client = yield* openClient(gateway.url)
      log.setSlow(true)
      client.send({ op: "subscribe", id: "a", pattern: "decision.>" })
      assert.strictEqual((yield* client.call({ op: "unsubscribe", id: "a" })).type, "result")
      client.send({ op: "subscribe", id: "a", pattern: "tool.>" })
      log.setSlow(false)
      assert.deepInclude((yield* client.next).data, { id: "a", pattern: "tool.>" })
      assert.deepStrictEqual(log.watching(), ["tool.>"])
    })
  )

  it.live("waits for a moment in which events cannot be read", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const client = yield* openClient(gateway.url)
      log.setBroken(true)
      client.send({ op: "subscribe", id: "a", pattern: "decision.>" })
      assert.strictEqual((yield* client.call({ op: "ping", id: "p" })).type, "result")
      log.setBroken(false)
      assert.strictEqual((yield* client.next).type, "subscribed")
    })
  )

  it.live("shares a bound on different patterns with all others, but for those that are covered", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ limits: { patternsMax: 2 } })
      const [one, two] = [yield* openClient(gateway.url), yield* openClient(gateway.url)]
      yield* subscribe(one, "a", "decision.>")
      yield* subscribe(one, "b", "tool.>")
      const refused = yield* two.call({ op: "subscribe", id: "c", pattern: "alert.*" })
      assert.deepInclude(refused.data, { id: "c", code: "too_many_patterns" })
      assert.match(JSON.stringify(refused.data), /GATEWAY_PATTERNS/)
      yield* subscribe(two, "c", "decision.AAPL.*")
      yield* one.call({ op: "unsubscribe", id: "b" })
      yield* subscribe(two, "d", "alert.*")
    })
  )

  it.live("survives its own bad frames: truncated, binary, oversized, unknown, invalid", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway()
      const client = yield* openClient(gateway.url)
      const bad: ReadonlyArray<readonly [string | Uint8Array, string]> = [
        ['{"op":"subscribe","id":"a","patt', "malformed_json"],
        [new Uint8Array([1, 2, 3]), "binary_frame"],
        [JSON.stringify({ op: "ping", id: "x".repeat(70_000) }), "frame_too_large"],
        [JSON.stringify({ op: "subscribe", id: "a", pattern: "A".repeat(120_000) }), "frame_too_large"],
        [new Uint8Array(1024), "binary_frame"],
        [`${"[".repeat(30_000)}${"]".repeat(30_000)}`, "malformed_json"],
        [JSON.stringify({ op: "explode", id: "a" }), "invalid_operation"],
        [JSON.stringify({ op: "subscribe", id: "a", pattern: "decision..x" }), "invalid_pattern"]
      ]
      for (const [data, code] of bad) {
        client.sendRaw(data)
        const frame = yield* client.next
        assert.deepInclude(frame, { type: "error", seq: null, subject: null })
        assert.deepInclude(frame.data, { code })
        assert.isBelow(JSON.stringify(frame).length, 300)
        yield* works(client)
      }
    })
  )

  it.live("is disconnected by a frame past all measure, and the gateway goes on", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway()
      const client = yield* openClient(gateway.url)
      client.sendRaw("x".repeat(256 * 1024))
      yield* client.closed
      yield* works(yield* openClient(gateway.url))
    })
  )

  it.live("has at most 64 subscriptions and 200 operations per second", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway()
      const client = yield* openClient(gateway.url)
      for (let count = 0; count < 64; count++) yield* subscribe(client, `s${count}`, `market.S${count}`)
      const refused = yield* client.call({ op: "subscribe", id: "s64", pattern: "market.S64" })
      assert.deepInclude(refused.data, { id: "s64", code: "too_many_subscriptions" })
      yield* client.call({ op: "unsubscribe", id: "s0" })
      yield* subscribe(client, "s64", "market.S64")
      for (let count = 0; count < 300; count++) client.send({ op: "ping", id: `p${count}` })
      const answers: Array<string> = []
      for (let count = 0; count < 300; count++) {
        const { type, data } = yield* client.next
        answers.push(type === "error" ? JSON.stringify(data) : type)
      }
      assert.isAbove(answers.filter((answer) => answer === "result").length, 100)
      const limited = answers.filter((answer) => answer.includes('"rate_limited"'))
      assert.isAbove(limited.length, 50)
      assert.match(limited.at(-1) ?? "", /"id":"p\d+".*at most 200 operations per second/)
      yield* Effect.sleep("50 millis")
      yield* works(client)
    })
  )

  it.live("is closed with a reason when it does not read, and slows nobody", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway({ limits: { pendingBytesMax: 256 * 1024 } })
      const reader = yield* openClient(gateway.url)
      yield* subscribe(reader, "a", "market.>")
      const { socket, received } = yield* openRaw(gateway.port)
      socket.write(clientFrame('{"op":"subscribe","id":"a","pattern":"market.>"}'))
      yield* eventually("it is subscribed too", () => received().includes('"subscribed"'))
      socket.pause()
      const data = { filler: "f".repeat(60_000) }
      for (let count = 0; count < 200; count++) {
        log.publish("market.AAPL", "market_update", data)
        assert.strictEqual((yield* reader.next).seq, count + 1)
      }
      const health = yield* http(gateway.port, "/healthz")
      assert.deepInclude(health.json, { subscriptions: 1 })
      socket.resume()
      yield* eventually("the socket ends", () => socket.readableEnded)
      const tail = received().slice(-200)
      assert.match(
        tail,
        /"code":"slow_consumer","message":"more than 262144 bytes were waiting to be read \(GATEWAY_PENDING_BYTES\)"/
      )
      assert.isTrue(tail.endsWith(`${String.fromCharCode(1013 >> 8, 1013 & 255)}slow consumer`))
      yield* works(reader)
    })
  )

  it.live("is dropped when it does not read its farewell either", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway({ limits: { pendingBytesMax: 1024, farewellMillis: 1_000 } })
      const { socket, received } = yield* openRaw(gateway.port)
      socket.write(clientFrame('{"op":"subscribe","id":"a","pattern":"market.>"}'))
      yield* eventually("it is subscribed", () => received().includes('"subscribed"'))
      socket.pause()
      for (let count = 0; count < 400; count++) log.publish("market.A", "market_update", { filler: "f".repeat(60_000) })
      yield* eventually("its watch ends", () => log.watching().length === 0)
      let connections = 1
      const ask = Effect.map(http(gateway.port, "/healthz"), ({ text }) => {
        connections = Number(/"connections":(\d+)/.exec(text)?.[1])
      })
      yield* ask
      assert.strictEqual(connections, 1)
      yield* Effect.sleep("1500 millis")
      yield* ask
      assert.strictEqual(connections, 0)
    })
  )

  it.live("is refused by status where there are too many", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ limits: { connectionsMax: 1 } })
      const first = yield* openClient(gateway.url)
      const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" }
      const refused = yield* http(gateway.port, "/ws", { headers: upgrade })
      assert.strictEqual(refused.status, 503)
      assert.match(refused.text, /at most 1 clients/)
      yield* works(first)
      yield* first.close
      yield* works(yield* openClient(gateway.url))
    })
  )

  it.live("may break the protocol below: bad opcode, bad UTF-8, no mask, half a frame; the gateway goes on", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway()
      const bytes = [
        clientFrame("x", 5),
        Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]),
        Buffer.from([0x81, 0x01, 0x41]),
        Buffer.from([0x81, 0xff, 0xff]),
        Buffer.from("GET / HTTP/1.1\r\n\r\n")
      ]
      for (const bad of bytes) {
        const { socket } = yield* openRaw(gateway.port)
        socket.end(bad)
        yield* works(yield* openClient(gateway.url))
      }
    })
  )
})

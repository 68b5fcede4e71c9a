import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { clientFrame, eventually, http, openClient, openRaw, startGateway } from "../support/gateway.ts"

/** A part of a message: without its end if `more`, and of no type of its own if it goes on. */
const part = (payload: string, opcode: number, more: boolean): Buffer => {
  const frame = clientFrame(payload, opcode)
  frame[0] = (more ? 0 : 0x80) | opcode
  return frame
}

const works = (socket: { write: (bytes: Buffer) => unknown }, received: () => string) =>
  Effect.andThen(
    Effect.sync(() => socket.write(clientFrame('{"op":"ping","id":"still"}'))),
    eventually("it still works", () => received().includes('"id":"still"'))
  )

const [TEXT, CONTINUATION, CLOSE, PING] = [1, 0, 8, 9]
const ping = '{"op":"ping","id":"p"}'

describe("frames at the edge of the protocol", () => {
  it.live("a message in parts is one message, also with a ping in between", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway()
      const { socket, received } = yield* openRaw(gateway.port)
      socket.write(part(ping.slice(0, 5), TEXT, true))
      socket.write(clientFrame("still there?", PING))
      socket.write(part(ping.slice(5, 6), CONTINUATION, true))
      socket.write(part("", CONTINUATION, true))
      socket.write(part(ping.slice(6), CONTINUATION, false))
      yield* eventually("both are answered", () => /still there\?.*"ok":true/s.test(received()))
    })
  )

  it.live("parts that are larger together than a frame may be are refused, and read no further", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ limits: { frameBytesMax: 500 } })
      const { socket, received } = yield* openRaw(gateway.port)
      socket.write(part("x".repeat(120), TEXT, true))
      for (let count = 0; count < 4; count++) socket.write(part("x".repeat(120), CONTINUATION, true))
      socket.write(part("", CONTINUATION, false))
      yield* eventually("it is told", () => received().includes("at most 500 bytes (GATEWAY_FRAME_BYTES)"))
    })
  )

  it.live("what breaks the protocol ends the connection, and no other", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway()
      const client = yield* openClient(gateway.url)
      const bad: ReadonlyArray<readonly [string, Buffer]> = [
        ["a continuation of nothing", part("x", CONTINUATION, false)],
        ["a new message within one", Buffer.concat([part("x", TEXT, true), part("y", TEXT, false)])],
        ["a ping in parts", part("x", PING, true)],
        ["a reserved opcode", clientFrame("x", 3)],
        ["a reserved bit", Buffer.from([0xf1, 0x80, 0, 0, 0, 0])],
        ["text that is no UTF-8", Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28])],
        ["a close with one byte", clientFrame("x", CLOSE)],
        ["a length past all measure", Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0])]
      ]
      for (const [what, bytes] of bad) {
        const { socket } = yield* openRaw(gateway.port)
        let ended = false
        socket.on("close", () => {
          ended = true
        })
        socket.write(bytes)
        yield* eventually(`the connection ends: ${what}`, () => ended || socket.readableEnded)
        assert.strictEqual((yield* client.call({ op: "ping", id: "p" })).type, "result")
      }
    })
  )

  it.live("a flood of pings whose answers nobody reads fills nothing up", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ limits: { pendingBytesMax: 64 * 1024, farewellMillis: 200 } })
      const { socket } = yield* openRaw(gateway.port)
      socket.pause()
      const flood = Buffer.concat(Array.from({ length: 1_000 }, () => clientFrame("x".repeat(125), PING)))
      for (let count = 0; count < 200 && !socket.destroyed; count++) socket.write(flood)
      let connections = 1
      const ask = Effect.map(http(gateway.port, "/healthz"), ({ text }) => {
        connections = Number(/"connections":(\d+)/.exec(text)?.[1])
      })
      for (let count = 0; count < 100 && connections > 0; count++) yield* Effect.andThen(Effect.sleep("30 millis"), ask)
      assert.strictEqual(connections, 0)
    })
  )

  it.live("large frames are compressed where that is set, for clients that offer it, and small ones are not", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway({ limits: { compressBytesMin: 1_000 } })
      const offering = yield* openRaw(gateway.port, ["Sec-WebSocket-Extensions: permessage-deflate"])
      const plain = yield* openRaw(gateway.port)
      for (const { socket, received } of [offering, plain]) {
        socket.write(clientFrame('{"op":"subscribe","id":"s","pattern":"a.*"}'))
        yield* eventually("it is subscribed", () => received().includes('"subscribed"'))
      }
      log.publish("a.b", "t", { filler: "f".repeat(5_000) })
      log.publish("a.b", "t", {})
      for (const { received } of [offering, plain]) yield* eventually("both came", () => received().includes('"seq":2'))
      assert.match(offering.received(), /sec-websocket-extensions: permessage-deflate/i)
      assert.isBelow(offering.received().length, 2_000)
      assert.isAbove(plain.received().length, 5_000)
      yield* works(offering.socket, offering.received)
    })
  )

  it.live("connections of one address are limited, by name", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ limits: { connectionsPerAddressMax: 1 } })
      const first = yield* openClient(gateway.url)
      const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" }
      const refused = yield* http(gateway.port, "/ws", { headers: upgrade })
      assert.deepStrictEqual([refused.status, refused.text.includes("GATEWAY_CONNECTIONS_PER_ADDRESS")], [429, true])
      yield* first.close
      yield* openClient(gateway.url)
    })
  )
})

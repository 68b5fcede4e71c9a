import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Frame } from "../../protocols/index.ts"
import { clientFrame, eventually, http, openClient, openRaw, startGateway, subscribe } from "../support/gateway.ts"

const FILLER = "f".repeat(4_000)

/** The frames in what a server sent: it sends no fragments and no mask. */
const framesIn = (bytes: Buffer): ReadonlyArray<Frame> => {
  const found: Array<Frame> = []
  let at = 0
  while (at + 2 <= bytes.length) {
    const short = bytes[at + 1]! & 0x7f
    const [head, length] =
      short === 126
        ? [4, bytes.readUInt16BE(at + 2)]
        : short === 127
          ? [10, Number(bytes.readBigUInt64BE(at + 2))]
          : [2, short]
    if (at + head + length > bytes.length) break
    if ((bytes[at]! & 0x0f) === 1) found.push(JSON.parse(bytes.subarray(at + head, at + head + length).toString()))
    at += head + length
  }
  return found
}

/** A client that stops reading, and what it finds when it reads again. */
const slowClient = Effect.fnUntraced(function* (port: number, operation: object) {
  const { socket, received } = yield* openRaw(port)
  socket.write(clientFrame(JSON.stringify({ op: "subscribe", id: "s", pattern: "m.*", ...operation })))
  yield* eventually("it is subscribed", () => received().includes('"subscribed"'))
  socket.pause()
  // Looking at all of it each time would take longer than the test may.
  let tail = ""
  socket.on("data", (chunk: Buffer) => {
    tail = (tail + chunk.toString("latin1")).slice(-10_000)
  })
  const frames = () => {
    const bytes = Buffer.from(received(), "latin1")
    return framesIn(bytes.subarray(bytes.indexOf("\r\n\r\n") + 4))
  }
  return { socket, frames, tail: () => tail }
})

const metricOf = (text: string, outcome: string): number =>
  Number(new RegExp(`^conclave_gateway_events_(?:total{outcome="${outcome}"}|${outcome}) (\\d+)$`, "m").exec(text)?.[1])

const EVENTS = 3_000
// More than the buffers of two sockets take, together.
const HISTORY = 4_000

describe("a client that reads slowly", () => {
  for (const policy of ["drop", "conflate"] as const) {
    it.live(`and chose to ${policy} gets the newest, is told of each loss, and slows nobody`, () =>
      Effect.gen(function* () {
        const { log, gateway } = yield* startGateway({ limits: { pendingBytesMax: 200_000 } })
        const { port } = gateway
        const fast = yield* openClient(gateway.url)
        yield* subscribe(fast, "f", "m.*")
        const slow = yield* slowClient(port, { on_slow: policy, pending_bytes: 100_000 })
        for (let count = 1; count <= EVENTS; count++) {
          log.publish(`m.${count % 5}`, "t", { filler: FILLER, count })
          if (count % 20 === 0) assert.strictEqual((yield* Effect.andThen(fastNext(fast, 20), fast.next)).seq, count)
        }
        const counted = yield* http(port, "/metrics")
        assert.isAbove(metricOf(counted.text, "waiting"), 0)
        slow.socket.resume()
        yield* eventually("it has the last event", () => slow.tail().includes(`"seq":${EVENTS},`))
        yield* Effect.sleep("20 millis")
        const seqs = slow.frames().flatMap(({ seq }) => (seq === null ? [] : [seq]))
        const told = slow
          .frames()
          .filter(({ type }) => type === "gap")
          .reduce((sum, { data }) => sum + Number(Object(data).count), 0)
        assert.deepStrictEqual(
          seqs,
          seqs.toSorted((one, other) => one - other)
        )
        assert.isBelow(seqs.length, EVENTS)
        const after = (yield* http(port, "/metrics")).text
        const [produced, sent, dropped, conflated] = ["produced", "sent", "dropped", "conflated"].map((outcome) =>
          metricOf(after, outcome)
        )
        assert.deepStrictEqual([produced, sent], [2 * EVENTS, EVENTS + seqs.length])
        assert.deepStrictEqual([dropped, seqs.length + told + conflated!], [told, EVENTS])
        if (policy === "drop") assert.deepStrictEqual([conflated, told > 0], [0, true])
        else assert.deepStrictEqual([told, conflated! > 0], [0, true])
        assert.match(counted.text, /^conclave_gateway_clients_behind 1$/m)
        assert.match(after, /^# TYPE conclave_gateway_events_total counter$/m)
        // As many lines however many clients there are.
        assert.notMatch(after, /client=|session=/)
      })
    )
  }

  it.live("gets its history at its own speed, with nothing dropped", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway({ limits: { pendingBytesMax: 200_000 } })
      for (let count = 1; count <= HISTORY; count++) log.publish("m.a", "t", { filler: FILLER })
      const slow = yield* slowClient(gateway.port, { start: { seq: 1 } })
      yield* Effect.sleep("100 millis")
      const { text } = yield* http(gateway.port, "/metrics")
      assert.isBelow(metricOf(text, "produced"), HISTORY, "what it cannot take is not read")
      slow.socket.resume()
      yield* eventually("it caught up", () => slow.tail().includes('"caught_up"'))
      assert.strictEqual(slow.frames().filter(({ seq }) => seq !== null).length, HISTORY)
    })
  )
})

/** Takes all but the last of some frames. */
const fastNext = (client: Effect.Success<ReturnType<typeof openClient>>, count: number) =>
  Effect.forEach(Array.from({ length: count - 1 }), () => client.next, { discard: true })

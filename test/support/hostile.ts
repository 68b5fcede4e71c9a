// What hostile clients send, byte by byte.
import { deflateRawSync } from "node:zlib"
import { Effect } from "effect"
import { eventually, openSocket, upgradeText } from "./gateway.ts"

const [TEXT, COMPRESSED] = [0x81, 0xc1]

const masked = (first: number, payload: Buffer): Buffer => {
  const head =
    payload.length < 126
      ? [first, 0x80 | payload.length]
      : payload.length < 65_536
        ? [first, 0x80 | 126, payload.length >> 8, payload.length & 255]
        : [first, 0x80 | 127, 0, 0, 0, 0, 0, payload.length >> 16, (payload.length >> 8) & 255, payload.length & 255]
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), payload])
}

/** A text frame of any length. */
export const textFrame = (text: string): Buffer => masked(TEXT, Buffer.from(text))

/** A compressed frame of so many brackets. */
export const bombFrame = (brackets: number): Buffer => {
  const deflated = deflateRawSync(Buffer.alloc(brackets, "["), { level: 9, finishFlush: 2 })
  return masked(COMPRESSED, deflated.subarray(0, -4))
}

/** A connection of its own, what came on it, and whether it is over. */
export const connectTo = Effect.fnUntraced(function* (port: number, sent: string | Buffer) {
  const socket = yield* openSocket(port)
  const seen = { text: "", over: false }
  socket.on("error", () => {})
  socket.on("data", (chunk) => {
    if (seen.text.length < 100_000) seen.text += chunk.toString("latin1")
  })
  socket.on("close", () => {
    seen.over = true
  })
  socket.on("end", () => {
    seen.over = true
  })
  socket.write(sent)
  return { socket, seen }
})

/** A WebSocket that has been welcomed. */
export const welcomed = Effect.fnUntraced(function* (port: number, headers: ReadonlyArray<string> = []) {
  const raw = yield* connectTo(port, upgradeText(headers))
  yield* eventually("a welcome", () => raw.seen.text.includes('"welcome"'))
  return raw
})

/**
 * Sends the same again and again, as fast as it is taken, until the scope closes; over a new connection where one has ended, as
 * soon as one is let in.
 */
export const flood = Effect.fnUntraced(function* (port: number, bytes: Buffer, headers: ReadonlyArray<string> = []) {
  const counts = { connections: 0, frames: 0 }
  const once = Effect.gen(function* () {
    const { socket, seen } = yield* connectTo(port, upgradeText(headers))
    yield* eventually("an answer", () => seen.text !== "" || seen.over)
    if (!seen.text.startsWith("HTTP/1.1 101")) return yield* Effect.sleep("200 millis")
    counts.connections++
    while (!seen.over && !socket.destroyed) {
      if (socket.writableLength < 1_000_000) {
        socket.write(bytes)
        counts.frames++
      } else yield* Effect.sleep("1 millis")
      if (counts.frames % 10 === 0) yield* Effect.sleep(0)
    }
  }).pipe(Effect.scoped)
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(once, Effect.sleep("1 millis"))))
  return counts
})

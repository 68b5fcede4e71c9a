import { connect, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { type Kind, MARKER, nowMicros, PATTERNS, TIME_DIGITS } from "./wire.ts"

/** What a client waits for, and then says. */
interface Step {
  readonly await: string
  readonly say: string
}

/** Clients that count events and do nothing else: on two cores, what they take the servers do not have. */
export interface Clients {
  /** Events that all of them got. */
  readonly received: () => number
  /** How many of them the server closed. */
  readonly lost: () => number
  /** The microseconds that each sampled event took, since this was last asked. */
  readonly takeSamples: () => ReadonlyArray<number>
}

const PATHS: { readonly [K in Kind]: string } = {
  gateway: "/ws",
  bare: "/",
  ws: "/",
  "socket.io": "/socket.io/?EIO=4&transport=websocket",
  nats: "/"
}

const CONNECT_AT_ONCE = 100
/** A server takes a client for gone that answers no ping in a minute. These do not look for pings: they say that they live. */
const ALIVE_EVERY_MILLIS = 15_000
const TEXT = 0x81
const PONG = 0x8a
/** At most so many clients look at the times of their events. */
const SAMPLED_MAX = 100

const stepsOf = (kind: Kind, pattern: string): ReadonlyArray<Step> => {
  const subscribe = JSON.stringify({ op: "subscribe", id: "s", pattern })
  switch (kind) {
    case "gateway":
      return [
        { await: '"welcome"', say: subscribe },
        { await: '"subscribed"', say: "" }
      ]
    case "bare":
    case "ws":
      return [
        { await: "\r\n\r\n", say: subscribe },
        { await: '"subscribed"', say: "" }
      ]
    case "socket.io":
      return [
        { await: "0{", say: "40" },
        { await: "40{", say: `42${JSON.stringify(["subscribe", pattern])}` },
        { await: '"subscribed"', say: "" }
      ]
    case "nats":
      return [
        { await: "INFO ", say: `CONNECT {"verbose":false}\r\nSUB ${pattern} 1\r\nPING\r\n` },
        { await: "PONG", say: "" }
      ]
  }
}

/** Opens clients that are subscribed, until the scope closes. */
export const openClients = (kind: Kind, port: number, count: number): Effect.Effect<Clients, never, Scope.Scope> =>
  Effect.gen(function* () {
    let received = 0
    let lost = 0
    const sockets = new Set<Socket>()
    let samples: Array<number> = []
    const every = Math.ceil(count / SAMPLED_MAX)
    const open = (index: number) =>
      Effect.acquireRelease(
        Effect.callback<Socket>((resume) => {
          const socket = connect(port, "127.0.0.1")
          const steps = stepsOf(kind, PATTERNS[index % PATTERNS.length] ?? ">")
          const see = counterOf(index % every === 0 ? (took) => samples.push(took) : undefined)
          const ready = () => {
            sockets.add(socket)
            socket.on("close", () => {
              if (sockets.delete(socket)) lost++
            })
            socket.on("data", (chunk) => {
              received += see(chunk)
            })
            resume(Effect.succeed(socket))
          }
          socket.setNoDelay(true)
          socket.on("error", () => {})
          shakeHands(socket, PATHS[kind], steps, ready)
        }),
        (socket) =>
          Effect.sync(() => {
            sockets.delete(socket)
            socket.destroy()
          })
      )
    const alive = maskedFrame("", PONG)
    yield* Effect.acquireRelease(
      Effect.sync(() => setInterval(() => sockets.forEach((socket) => void socket.write(alive)), ALIVE_EVERY_MILLIS)),
      (timer) => Effect.sync(() => clearInterval(timer))
    )
    yield* Effect.forEach(Array.from({ length: count }).keys(), open, { concurrency: CONNECT_AT_ONCE, discard: true })
    return {
      received: () => received,
      lost: () => lost,
      takeSamples: () => {
        const taken = samples
        samples = []
        return taken
      }
    }
  })

const shakeHands = (socket: Socket, path: string, steps: ReadonlyArray<Step>, ready: () => void): void => {
  let text = ""
  let step = 0
  socket.write(
    [
      `GET ${path} HTTP/1.1`,
      "Host: 127.0.0.1",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
      "",
      ""
    ].join("\r\n")
  )
  const see = (chunk: Buffer) => {
    text += chunk.toString("latin1")
    for (let next = steps[step]; next !== undefined && text.includes(next.await); next = steps[step]) {
      text = text.slice(text.indexOf(next.await) + next.await.length)
      if (next.say !== "") socket.write(maskedFrame(next.say))
      step++
    }
    if (step < steps.length) return
    socket.off("data", see)
    ready()
  }
  socket.on("data", see)
}

/** A frame as a client sends it, with the mask of zeros. */
const maskedFrame = (payload: string, opcode = TEXT): Buffer => {
  const body = Buffer.from(payload)
  if (body.length > 125) throw new Error("a short frame is enough here")
  return Buffer.concat([Buffer.from([opcode, 0x80 | body.length, 0, 0, 0, 0]), body])
}

/** Counts the events in what a socket brings, also one that is cut in two. Times are looked at where they are whole. */
const counterOf = (sample: ((micros: number) => void) | undefined) => {
  const marker = Buffer.from(MARKER)
  const overlap = marker.length - 1
  let tail = Buffer.alloc(0)
  return (chunk: Buffer): number => {
    let count = tail.length > 0 && Buffer.concat([tail, chunk.subarray(0, overlap)]).includes(marker) ? 1 : 0
    for (let at = chunk.indexOf(marker); at >= 0; at = chunk.indexOf(marker, at + marker.length)) {
      count++
      const start = at + marker.length
      if (sample === undefined || start + TIME_DIGITS > chunk.length) continue
      sample(nowMicros() - Number(chunk.toString("latin1", start, start + TIME_DIGITS)))
    }
    const end = chunk.subarray(-overlap)
    tail = end.includes(0x22) ? Buffer.from(end) : Buffer.alloc(0)
    return count
  }
}

// A way to a nats-server on which answers get lost: it reads what the server sends message by message, and can swallow some.
import { createConnection, createServer, type Server, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

/** A message from the server to the client. */
export interface Passing {
  readonly subject: string
  readonly payload: string
}

export interface NatsProxy {
  readonly url: string
  /** Swallows the messages for which it says so; it is asked of each, in order. */
  readonly swallow: (chosen: (message: Passing) => boolean) => void
  /** Ends all connections at once. New ones are taken. */
  readonly cut: () => void
  /** Takes nothing from the server any more, as a client whose process is stuck, or goes on. */
  readonly hold: (held: boolean) => void
  /** How many connections were made so far. */
  readonly connections: () => number
}

/** Opens the way for the scope. */
export const natsProxy = (port: number): Effect.Effect<NatsProxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    const fars = new Set<Socket>()
    let chosen: (message: Passing) => boolean = () => false
    let held = false
    let connections = 0
    const join = (near: Socket) => {
      connections++
      const far = createConnection({ host: "127.0.0.1", port })
      fars.add(far)
      for (const [one, other] of [
        [near, far],
        [far, near]
      ] as const) {
        sockets.add(one)
        one.on("error", () => one.destroy())
        one.on("close", () => {
          other.destroy()
          sockets.delete(one)
          fars.delete(one)
        })
      }
      near.pipe(far)
      const frames = makeFrames((message) => chosen(message))
      far.on("data", (chunk) => near.write(frames(chunk)))
      if (held) far.pause()
    }
    const server = yield* Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const made = createServer(join)
        made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
      }),
      (made) => Effect.sync(() => made.close())
    )
    const cut = () => {
      for (const socket of [...sockets]) socket.destroy()
    }
    yield* Effect.addFinalizer(() => Effect.sync(cut))
    const address = server.address()
    return {
      url: `nats://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`,
      swallow: (next) => {
        chosen = next
      },
      cut,
      connections: () => connections,
      hold: (now) => {
        held = now
        for (const far of fars) now ? far.pause() : far.resume()
      }
    }
  })

/** Takes what the server sends apart into what the protocol says, and puts together what is not swallowed. */
const makeFrames = (swallowed: (message: Passing) => boolean): ((chunk: Buffer) => Buffer) => {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    const kept: Array<Buffer> = []
    while (true) {
      const lineEnd = rest.indexOf("\r\n")
      if (lineEnd < 0) break
      const words = rest.subarray(0, lineEnd).toString("utf8").split(" ")
      const isMessage = words[0] === "MSG" || words[0] === "HMSG"
      const end = isMessage ? lineEnd + 2 + Number(words.at(-1)) + 2 : lineEnd + 2
      if (rest.length < end) break
      const payload = rest.subarray(lineEnd + 2, end - 2).toString("utf8")
      if (!isMessage || !swallowed({ subject: words[1] ?? "", payload })) kept.push(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
    return Buffer.concat(kept)
  }
}

/** Whether a message says that something was stored in a stream. */
export const isStoreAck = (stream: string, { payload }: Passing): boolean =>
  payload.startsWith(`{"stream":"${stream}"`) && /"seq":\s?\d+/.test(payload)

import { request } from "node:http"
import { connect, type Socket } from "node:net"
import { Effect, Layer, References, Schema } from "effect"
import { type GatewayOptions, serveGateway } from "../../gateway/index.ts"
import { Frame } from "../../protocols/index.ts"
import { Actors, type AskError, type AskOptions } from "../../runtime/index.ts"
import { type FakeLog, makeFakeLog } from "./fake-log.ts"

export interface Asked {
  readonly id: string
  readonly message: string
  readonly payload: unknown
  readonly options: AskOptions | undefined
}

export interface World {
  readonly log: FakeLog
  readonly gateway: { readonly host: string; readonly port: number; readonly url: string }
  /** What was asked of actors, and what they answer from now on. */
  readonly asked: Array<Asked>
  readonly answerWith: (answer: (asked: Asked) => Effect.Effect<unknown, AskError | { readonly _tag: string }>) => void
}

/** A gateway on a free port, over a log and actors that are the test's own. */
export const startGateway = (options: Partial<GatewayOptions> = {}) => startGatewayOn(makeFakeLog(), options)

/** The same, over a log that is there already. */
export const startGatewayOn = Effect.fnUntraced(function* (log: FakeLog, options: Partial<GatewayOptions>) {
  const asked: Array<Asked> = []
  let answer: Parameters<World["answerWith"]>[0] = () => Effect.never
  const ask: unknown = (_protocol: unknown, id: string, message: string, payload: unknown, options?: AskOptions) =>
    Effect.suspend(() => {
      const question = { id, message, payload, options }
      asked.push(question)
      return answer(question)
    })
  // What a fake answers is checked by the gateway's own encoding of the reply.
  const actors = Layer.mock(Actors, {
    ask: ask as Actors["Service"]["ask"],
    ref: () => {
      throw new Error("a gateway asks")
    }
  })
  const gateway = yield* serveGateway({ port: 0, ...options }).pipe(
    Effect.provide(Layer.merge(log.layer, actors)),
    Effect.provideService(References.MinimumLogLevel, "None")
  )
  const world: World = {
    log,
    gateway,
    asked,
    answerWith: (next) => {
      answer = next
    }
  }
  return world
})

export interface Client {
  readonly send: (data: unknown) => void
  readonly sendRaw: (data: string | Uint8Array) => void
  /** The next frame. Frames come in order and none is lost. */
  readonly next: Effect.Effect<Frame>
  /** Sends an operation and gives the next frame. */
  readonly call: (operation: unknown) => Effect.Effect<Frame>
  /** The subprotocol that the gateway chose. */
  readonly protocol: () => string
  /** The frames that came and were not taken. */
  readonly waiting: () => ReadonlyArray<Frame>
  readonly closed: Effect.Effect<{ readonly code: number; readonly reason: string }>
  readonly close: Effect.Effect<void>
}

const decodeFrame = Schema.decodeUnknownSync(Schema.fromJsonString(Frame), { onExcessProperty: "error" })

/** How long anything that has to come may take: less than a test may, and more than a busy machine needs. */
const WAIT = "25 seconds"

/** A WebSocket client that has been welcomed; it is closed with the scope. */
export const openClient = (url: string) => openClientWith(url)

/** The same, with more in its handshake. */
export const openClientWith = Effect.fnUntraced(function* (
  url: string,
  handshake: { readonly protocols?: Array<string>; readonly headers?: Record<string, string> } = {}
) {
  const socket = yield* Effect.acquireRelease(
    // The options are those of Node's own client; browsers have none.
    Effect.sync((): WebSocket => Reflect.construct(WebSocket, [`${url.replace("http", "ws")}/ws`, handshake])),
    (socket) => Effect.sync(() => socket.close())
  )
  const frames: Array<Frame> = []
  const waiters: Array<(frame: Frame) => void> = []
  socket.onmessage = ({ data }) => {
    const frame = decodeFrame(data)
    const waiter = waiters.shift()
    if (waiter === undefined) frames.push(frame)
    else waiter(frame)
  }
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.onclose = ({ code, reason }) => resolve({ code, reason })
  })
  const next = Effect.promise(
    () =>
      new Promise<Frame>((resolve) => {
        const frame = frames.shift()
        if (frame === undefined) waiters.push(resolve)
        else resolve(frame)
      })
  ).pipe(Effect.timeoutOrElse({ duration: WAIT, orElse: () => Effect.die(new Error("no frame came")) }))
  const sendRaw = (data: string | Uint8Array) => socket.send(data)
  const send = (operation: unknown) => sendRaw(JSON.stringify(operation))
  const client: Client = {
    send,
    sendRaw,
    next,
    call: (operation) =>
      Effect.andThen(
        Effect.sync(() => send(operation)),
        next
      ),
    protocol: () => socket.protocol,
    waiting: () => frames,
    closed: Effect.promise(() => closed),
    close: Effect.andThen(
      Effect.sync(() => socket.close()),
      Effect.promise(() => closed)
    )
  }
  const welcome = yield* next
  if (welcome.type !== "welcome") return yield* Effect.die(new Error(`expected a welcome, got ${welcome.type}`))
  return client
})

/** A subscription that was confirmed. */
export const subscribe = Effect.fnUntraced(function* (client: Client, id: string, pattern: string) {
  const frame = yield* client.call({ op: "subscribe", id, pattern })
  if (frame.type !== "subscribed") return yield* Effect.die(new Error(`not subscribed: ${JSON.stringify(frame)}`))
})

/** Waits until something is true, for at most 25 seconds. */
export const eventually = (what: string, check: () => boolean): Effect.Effect<void> => {
  const poll: Effect.Effect<void> = Effect.suspend(() =>
    check() ? Effect.void : Effect.andThen(Effect.sleep("5 millis"), poll)
  )
  return poll.pipe(
    Effect.timeoutOrElse({ duration: WAIT, orElse: () => Effect.die(new Error(`not in time: ${what}`)) })
  )
}

/** The handshake of RFC 6455 by hand. The key is that of the RFC's example. */
export const upgradeText = (headers: ReadonlyArray<string> = []): string =>
  [
    "GET /ws HTTP/1.1",
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...headers,
    "",
    ""
  ].join("\r\n")

/** A frame as a client sends it, with the mask of zeros. `opcode` 1 is text. */
export const clientFrame = (payload: string, opcode = 1): Buffer => {
  const body = Buffer.from(payload)
  if (body.length > 125) throw new Error("a short frame is enough here")
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | body.length, 0, 0, 0, 0]), body])
}

/** A TCP connection to the gateway, destroyed with the scope. */
export const openSocket = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = connect(port, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

/** A WebSocket by hand, past its handshake and welcome. `received` is all the bytes so far, one a character. */
export const openRaw = Effect.fnUntraced(function* (port: number, headers: ReadonlyArray<string> = []) {
  const socket = yield* openSocket(port)
  const chunks: Array<Buffer> = []
  const received = () => Buffer.concat(chunks).toString("latin1")
  socket.on("error", () => {})
  socket.on("data", (chunk) => chunks.push(chunk))
  socket.write(upgradeText(headers))
  yield* eventually("a welcome", () => received().includes('"welcome"'))
  return { socket, received }
})

export interface Answer {
  readonly status: number
  readonly headers: { readonly [name: string]: string | ReadonlyArray<string> | undefined }
  readonly text: string
  readonly json: unknown
}

export interface Call {
  readonly method?: string
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string | Buffer
}

/** One HTTP request over a connection of its own, with no header that was not asked for. */
export const http = (port: number, path: string, call: Call = {}): Effect.Effect<Answer> =>
  Effect.callback<Answer>((resume, signal) => {
    const body = call.body ?? ""
    const chunked = call.headers?.["transfer-encoding"] !== undefined
    const length = call.body === undefined || chunked ? {} : { "content-length": Buffer.byteLength(body) }
    const headers = { ...length, ...call.headers }
    const sent = request({ host: "127.0.0.1", port, path, method: call.method ?? "GET", headers, agent: false, signal })
    sent.on("error", (cause) => resume(Effect.die(cause)))
    sent.on("upgrade", (response, socket) => {
      socket.destroy()
      resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, text: "", json: undefined }))
    })
    sent.on("response", (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString()
        const isJson = response.headers["content-type"]?.includes("json") ?? false
        const json: unknown = isJson && text !== "" ? JSON.parse(text) : undefined
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, text, json }))
      })
    })
    sent.end(body)
  })

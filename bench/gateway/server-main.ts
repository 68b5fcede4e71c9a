// A process that sends events to clients, started by `server.ts`. Each kind reads the same events from the same nats-server.

import { App, type WebSocket as Library } from "uWebSockets.js"
import { createServer } from "node:http"
import { connect } from "@nats-io/transport-node"
import { Effect, References, Schema } from "effect"
import { Server as SocketServer } from "socket.io"
import { WebSocketServer } from "ws"
import { matcherOf } from "../../gateway/streams/trie.ts"
import { openNamespace } from "../../test/support/nats-gateway.ts"
import { ServerOptions } from "./server-options.ts"
import { frameOf } from "./wire.ts"

const CONNECTIONS_MAX = 20_000
const QUIET_MILLIS = 600_000

const { kind, url, namespace } = Schema.decodeUnknownSync(Schema.fromJsonString(ServerOptions))(process.argv[2])

/** Who wants the events of a pattern. */
interface Group<Client> {
  readonly matches: (subject: string) => boolean
  readonly clients: Set<Client>
}

/** Groups by pattern, so that an event is matched once for each pattern and not for each client. */
const groups = <Client>() => {
  const all = new Map<string, Group<Client>>()
  const join = (pattern: string, client: Client) => {
    const group = all.get(pattern) ?? { matches: matcherOf(pattern), clients: new Set<Client>() }
    group.clients.add(client)
    all.set(pattern, group)
    return () => void group.clients.delete(client)
  }
  return { all, join }
}

/** Calls back with each event, its frame made once. */
const eachEvent = async (see: (subject: string, frame: string) => void): Promise<void> => {
  const connection = await connect({ servers: url })
  const prefix = `${namespace}.event.`
  let sequence = 0
  connection.subscribe(`${prefix}bench.>`, {
    callback: (error, message) => {
      if (error !== null) throw error
      const subject = message.subject.slice(prefix.length)
      see(subject, frameOf(subject, message.string(), ++sequence))
    }
  })
  await connection.flush()
}

const Subscribe = Schema.fromJsonString(Schema.Struct({ pattern: Schema.String }))
const patternOf = (text: string): string => Schema.decodeUnknownSync(Subscribe)(text).pattern
const SUBSCRIBED = '{"type":"subscribed"}'

/** To be called when a client is gone. */
interface Leaving {
  leave: () => void
}

const serveBare = async (): Promise<number> => {
  const { all, join } = groups<Library<Leaving>>()
  const app = App()
  app.ws<Leaving>("/*", {
    maxBackpressure: 64 * 1024 * 1024,
    sendPingsAutomatically: false,
    idleTimeout: 0,
    upgrade: (res, req, context) => {
      const [key, protocol, extensions] = ["key", "protocol", "extensions"].map((name) =>
        req.getHeader(`sec-websocket-${name}`)
      )
      res.upgrade<Leaving>({ leave: () => {} }, key!, protocol!, extensions!, context)
    },
    message: (socket, message) => {
      socket.getUserData().leave = join(patternOf(Buffer.from(message).toString()), socket)
      socket.send(SUBSCRIBED)
    },
    close: (socket) => socket.getUserData().leave()
  })
  // What comes in one turn is written together, as by the gateway: a call to the system costs more than a frame.
  let gathered: Array<{ readonly subject: string; readonly frame: string }> = []
  const write = () => {
    const events = gathered
    gathered = []
    for (const { matches, clients } of all.values()) {
      const frames = events.filter(({ subject }) => matches(subject)).map(({ frame }) => frame)
      for (const client of clients) client.cork(() => frames.forEach((frame) => void client.send(frame)))
    }
  }
  await eachEvent((subject, frame) => {
    if (gathered.length === 0) queueMicrotask(write)
    gathered.push({ subject, frame })
  })
  const { us_socket_local_port } = await import("uWebSockets.js")
  return new Promise((resolve) => {
    app.listen("127.0.0.1", 0, (socket) => resolve(socket === false ? 0 : us_socket_local_port(socket)))
  })
}

const portOf = (server: { readonly address: () => unknown }): number => Number(Object(server.address()).port)

const serveWs = async (): Promise<number> => {
  const { all, join } = groups<{ readonly send: (text: string) => void }>()
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4_096 })
  const listening = new Promise<number>((resolve) => server.on("listening", () => resolve(portOf(server))))
  server.on("connection", (socket) => {
    socket.on("message", (text) => {
      const leave = join(patternOf(String(text)), socket)
      socket.on("close", leave)
      socket.send(SUBSCRIBED)
    })
  })
  await eachEvent((subject, frame) => {
    for (const { matches, clients } of all.values()) {
      if (matches(subject)) for (const client of clients) client.send(frame)
    }
  })
  return listening
}

const serveSocketIo = async (): Promise<number> => {
  const http = createServer()
  const server = new SocketServer(http, { transports: ["websocket"], pingInterval: QUIET_MILLIS, serveClient: false })
  const { all, join } = groups<string>()
  server.on("connection", (socket) => {
    socket.on("subscribe", async (pattern: string) => {
      join(pattern, socket.id)
      await socket.join(pattern)
      socket.emit("subscribed")
    })
  })
  await eachEvent((subject, frame) => {
    const event: unknown = JSON.parse(frame)
    for (const [pattern, { matches }] of all) if (matches(subject)) server.to(pattern).emit("event", event)
  })
  return new Promise((resolve) => http.listen(0, "127.0.0.1", 4_096, () => resolve(portOf(http))))
}

/** The gateway as it is, until the process ends. */
const serveGateway = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const serving = Effect.gen(function* () {
      const { gateway } = yield* openNamespace(url, namespace)
      const limits = { connectionsMax: CONNECTIONS_MAX, connectionsPerAddressMax: CONNECTIONS_MAX }
      resolve((yield* gateway({ limits })).port)
      return yield* Effect.never
    }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None"))
    Effect.runPromise(serving).catch(reject)
  })

const serve = { gateway: serveGateway, bare: serveBare, ws: serveWs, "socket.io": serveSocketIo }[kind]
const port = await serve()
process.on("message", (question) => {
  if (question === "taken") globalThis.gc?.()
  const [{ rss, heapUsed: heap }, { user, system }] = [process.memoryUsage(), process.cpuUsage()]
  process.send?.({ rss, heap, cpu: user + system })
})
process.send?.({ port })

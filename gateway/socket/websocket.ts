import { randomUUID } from "node:crypto"
import { Effect, type Fiber } from "effect"
import type { Authenticator } from "../auth/authenticator.ts"
import { credentialOf } from "../auth/credential.ts"
import type { Census } from "../census.ts"
import { forbiddenOrigin, noRoomFor, stopping } from "../http/problem.ts"
import { type GatewayLimits, type OriginPolicy, originFault } from "../policy.ts"
import type { Sockets } from "../sockets.ts"
import type { Fanout } from "../streams/fanout.ts"
import {
  addressOf,
  exchange,
  type HttpRequest,
  type HttpResponse,
  type Reply,
  SHARED_COMPRESSOR,
  type TemplatedApp,
  textOf,
  type UpgradeContext,
  type WebSocket
} from "../uws.ts"
import { makeBatch } from "./batch.ts"
import { type Connection, connect } from "./connection.ts"
import type { Asked, Question } from "./question.ts"
import type { Inbound } from "./session.ts"

export interface SocketOptions {
  /** Kept by the route: those who are connected now. */
  readonly census: Census
  /** Told of each WebSocket that ends. */
  readonly sockets: Sockets
  readonly fanout: Fanout
  readonly limits: GatewayLimits
  readonly origins: OriginPolicy
  readonly authenticator: Authenticator
  /** True once no more clients are taken. */
  readonly draining: () => boolean
  /** Asks actors; what goes wrong is an answer too. */
  readonly ask: (question: Question) => Effect.Effect<Asked>
  /** Runs what belongs to clients; the gateway interrupts what is left when it stops. */
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

/** What travels with a socket from its upgrade to its end. */
interface Attachment {
  readonly address: string
  readonly credential: string | undefined
  client: Client | undefined
}

interface Client {
  readonly connection: Connection
  /** To be called when bytes were taken by the network. */
  readonly drained: () => void
  /** To be called when the socket is gone: it must not be touched any more. */
  readonly gone: () => void
}

// RFC 6455, section 7.4.1.
const INTERNAL_ERROR = 1011
// Not in RFC 6455 but registered since: "try again later".
const TRY_AGAIN_LATER = 1013

// Longer frames end the connection in the library. Between this and our own limit a frame is read, to be refused with
// an error, so that a client which sends a megabyte learns why.
const HARD_FRAME_BYTES_MAX = 1024 * 1024 + 64 * 1024

/** Adds `/ws` to the app. */
export const addSocketRoute = (app: TemplatedApp, options: SocketOptions): void => {
  const { limits, census } = options
  app.ws<Attachment>("/ws", {
    maxPayloadLength: HARD_FRAME_BYTES_MAX,
    idleTimeout: limits.idleSeconds,
    compression: limits.compressBytesMin > 0 ? SHARED_COMPRESSOR : 0,
    sendPingsAutomatically: true,
    // The connection itself looks at what is pending, so that nothing is dropped in silence.
    maxBackpressure: 0,
    upgrade: (res, req, context) => upgrade(options, res, req, context),
    open: (ws) => guard(ws, options, () => open(ws, options)),
    message: (ws, message, isBinary) =>
      guard(ws, options, () => ws.getUserData().client?.connection.receive(inbound(message, isBinary, limits))),
    // The library answers it. Who sends pings and reads no answers would fill our memory.
    ping: (ws) =>
      guard(ws, options, () => {
        if (ws.getBufferedAmount() <= limits.pendingBytesMax) return
        ws.getUserData().client?.connection.close(TRY_AGAIN_LATER, "slow consumer")
      }),
    drain: (ws) => guard(ws, options, () => ws.getUserData().client?.drained()),
    close: (ws) => {
      options.sockets.webSocketClosed()
      const { client } = ws.getUserData()
      if (client === undefined) return
      client.gone()
      client.connection.closed()
      census.remove(client.connection)
    }
  })
}

const upgrade = (options: SocketOptions, res: HttpResponse, req: HttpRequest, context: UpgradeContext): void => {
  const address = addressOf(res)
  const refusal = refuse(options, req, address)
  if (refusal !== undefined) {
    exchange(res).respond(refusal)
    return
  }
  const { protocol, credential } = credentialOf(req)
  const attachment: Attachment = { address, credential, client: undefined }
  const [key, extensions] = ["key", "extensions"].map((name) => req.getHeader(`sec-websocket-${name}`))
  res.upgrade(attachment, key!, protocol, extensions!, context)
}

const refuse = (options: SocketOptions, req: HttpRequest, address: string): Reply | undefined => {
  const fault = originFault({ origin: req.getHeader("origin"), host: req.getHeader("host") }, options.origins)
  if (fault !== undefined) return forbiddenOrigin(fault)
  if (options.draining()) return stopping()
  return noRoomFor(address, options.census, options.limits)
}

const open = (ws: WebSocket<Attachment>, options: SocketOptions): void => {
  const { limits, fanout, ask, run, census } = options
  const compresses = limits.compressBytesMin > 0
  let over = false
  let farewell: { readonly code: number; readonly reason: string } | undefined

  // The library's own `end` forgets the socket with its backlog, which then stays for as long as the client does not
  // read. So it is called only when nothing is pending, and a client that does not come to that is dropped.
  const drained = () => {
    if (over) return
    if (farewell === undefined) return connection.drained()
    if (ws.getBufferedAmount() > 0) return
    ws.end(farewell.code, farewell.reason)
  }
  const drop = Effect.sync(() => {
    if (!over) ws.close()
  })
  const batch = makeBatch(
    {
      cork: (write) => {
        if (!over) ws.cork(write)
      },
      write: (frame) => {
        ws.send(frame, false, compresses && frame.length >= limits.compressBytesMin)
      },
      bufferedBytes: () => (over ? 0 : ws.getBufferedAmount()),
      roomAgain: drained,
      broken: (cause) => {
        if (!over) failed(ws, options, cause)
      }
    },
    limits.socketBytesMax
  )
  const connection = connect({
    id: randomUUID(),
    limits,
    fanout,
    authenticator: options.authenticator,
    credential: ws.getUserData().credential,
    now: () => performance.now(),
    ask,
    run,
    socket: {
      send: batch.send,
      pendingBytes: batch.pendingBytes,
      close: (code, reason) => {
        batch.flush()
        farewell = { code, reason }
        drained()
        if (!over) run(Effect.delay(drop, limits.farewellMillis))
      }
    }
  })
  ws.getUserData().client = {
    connection,
    drained,
    gone: () => {
      over = true
    }
  }
  census.add({ connection, address: ws.getUserData().address })
}

const inbound = (message: ArrayBuffer, isBinary: boolean, limits: GatewayLimits): Inbound => {
  if (isBinary) return { kind: "binary" }
  if (message.byteLength > limits.frameBytesMax) return { kind: "oversized", size: message.byteLength }
  return { kind: "text", text: textOf(message) }
}

/** Runs a callback of the library, where an exception would end the process: here it ends the one connection. */
const guard = (ws: WebSocket<Attachment>, options: SocketOptions, callback: () => void): void => {
  try {
    callback()
  } catch (cause) {
    failed(ws, options, cause)
  }
}

const failed = (ws: WebSocket<Attachment>, options: SocketOptions, cause: unknown): void => {
  options.run(Effect.logError("connection failed", cause))
  // What failed may be the socket, so that to say goodbye fails as well: then it is dropped, if it is still there.
  try {
    const { client } = ws.getUserData()
    if (client === undefined) ws.close()
    else client.connection.close(INTERNAL_ERROR, "internal error")
  } catch {
    options.run(Effect.ignore(Effect.try({ try: () => ws.close(), catch: () => "it is gone" })))
  }
}

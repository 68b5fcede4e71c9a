import { randomUUID } from "node:crypto"
import { Effect, type Fiber } from "effect"
import type { SharedCosts } from "../admission/costs.ts"
import { offenderOf } from "../admission/offences.ts"
import type { Grant } from "../auth/grant.ts"
import { noRoomFor, tooManyOffences } from "../failures/request-failures.ts"
import { addresses } from "../http/addresses.ts"
import type { GatewayLimits } from "../policy.ts"
import type { Sockets } from "../sockets.ts"
import type { Fanout } from "../streams/fanout.ts"
import type { QueueMemory } from "../streams/queue-memory.ts"
import { SHARED_COMPRESSOR, type TemplatedApp, textOf, type WebSocket } from "../uws.ts"
import { makeBatch } from "./batch.ts"
import { type Connection, connect } from "./connection.ts"
import type { Question, QuestionResult } from "./question.ts"
import type { Inbound } from "./session.ts"
import type { Unauthenticated } from "./unauthenticated.ts"
import { type Attachment, type UpgradeOptions, upgrade } from "./upgrade.ts"

/** `registry` and `unauthenticated` are kept by the route: those who are connected now. */
export interface SocketOptions extends UpgradeOptions {
  readonly unauthenticated: Unauthenticated
  /** Told of each WebSocket that ends. */
  readonly sockets: Sockets
  readonly fanout: Fanout
  readonly queueMemory: QueueMemory
  readonly costs: SharedCosts
  /** Asks actors; what goes wrong is an answer too. */
  readonly ask: (question: Question) => Effect.Effect<QuestionResult>
  /** Runs what belongs to clients; the gateway interrupts what is left when it stops. */
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

// RFC 6455, section 7.4.1.
const INTERNAL_ERROR = 1011
// Not in RFC 6455 but registered since: "try again later".
const TRY_AGAIN_LATER = 1013

/** What a client may still send after the frame that closes it, which it may not have read yet. */
const LATE_FRAMES_MAX = 100

/**
 * Longer frames end the connection in the library, without a word, before they are kept or inflated. Up to this a frame is taken
 * in to be refused with an error; what is compressed costs more than it brings, and is inflated as far as it may be read only.
 */
const hardBytesMax = ({ frameBytesMax, compressBytesMin }: GatewayLimits): number =>
  compressBytesMin > 0 ? frameBytesMax : 2 * frameBytesMax

/** Adds the WebSocket to the app. */
export const addSocketRoute = (app: TemplatedApp, options: SocketOptions): void => {
  const { limits, registry, unauthenticated } = options
  app.ws<Attachment>(addresses.socket.path, {
    maxPayloadLength: hardBytesMax(limits),
    idleTimeout: limits.idleSeconds,
    compression: limits.compressBytesMin > 0 ? SHARED_COMPRESSOR : 0,
    sendPingsAutomatically: true,
    // The connection itself looks at what is pending, so that nothing is dropped in silence.
    maxBackpressure: 0,
    upgrade: (res, req, context) => upgrade(options, res, req, context),
    open: (ws) => {
      ws.getUserData().conversation.begin = () => guard(ws, options, () => open(ws, options))
    },
    message: (ws, message, isBinary) =>
      guard(ws, options, () => {
        const { client } = ws.getUserData()
        client?.late()
        client?.connection.receive(inbound(message, isBinary, limits))
      }),
    // The library answers it. Who sends pings and reads no answers would fill our memory.
    ping: (ws, message) => guard(ws, options, () => pinged(ws, message, limits)),
    pong: (ws, message) => guard(ws, options, () => pinged(ws, message, limits)),
    drain: (ws) => guard(ws, options, () => ws.getUserData().client?.drained()),
    close: (ws) => {
      options.sockets.webSocketClosed()
      const attachment = ws.getUserData()
      attachment.over = true
      const connection = attachment.client?.connection
      if (connection === undefined) return
      connection.closed()
      registry.remove(connection)
      unauthenticated.remove(connection)
    }
  })
}

const pinged = (ws: WebSocket<Attachment>, message: ArrayBuffer, limits: GatewayLimits): void => {
  const { client } = ws.getUserData()
  client?.late()
  if (ws.getBufferedAmount() <= limits.pendingBytesMax) client?.connection.pinged(message.byteLength)
  else client?.connection.close(TRY_AGAIN_LATER, "slow consumer")
}

const open = (ws: WebSocket<Attachment>, options: SocketOptions): void => {
  const { limits, run, registry, unauthenticated } = options
  const attachment = ws.getUserData()
  const { address, handshake } = attachment
  const compresses = limits.compressBytesMin > 0
  let lateFrames = 0
  let closeFrame: { readonly code: number; readonly reason: string } | undefined

  // The library's own `end` forgets the socket with its backlog, which then stays for as long as the client does not
  // read. So it is called only when nothing is pending, and a client that does not come to that is dropped.
  const drained = () => {
    if (attachment.over) return
    if (closeFrame === undefined) return connection.drained()
    if (ws.getBufferedAmount() > 0) return
    ws.end(closeFrame.code, closeFrame.reason)
  }
  const drop = () => {
    if (!attachment.over) ws.close()
  }
  const batch = makeBatch(
    {
      cork: (write) => {
        if (!attachment.over) ws.cork(write)
      },
      write: (frame) => {
        ws.send(frame, false, compresses && frame.length >= limits.compressBytesMin)
      },
      bufferedBytes: () => (attachment.over ? 0 : ws.getBufferedAmount()),
      roomAgain: drained,
      broken: (cause) => {
        if (!attachment.over) failed(ws, options, cause)
      }
    },
    limits.socketBytesMax,
    options.fanout.batch
  )
  const connection = connect({
    ...options,
    id: randomUUID(),
    address,
    handshake,
    enter: (connection, grant) => enter(options, connection, address, grant),
    spend: (kind, grant) => options.costs.take(kind, address, grant, performance.now()),
    offended: () => options.offences.add(offenderOf(address, connection.session().grant), performance.now()),
    now: () => performance.now(),
    socket: {
      send: batch.send,
      pendingBytes: batch.pendingBytes,
      close: (code, reason) => {
        batch.flush()
        closeFrame = { code, reason }
        drained()
        if (!attachment.over) run(Effect.delay(Effect.sync(drop), limits.farewellMillis))
      }
    }
  })
  const late = () => {
    if (closeFrame !== undefined && ++lateFrames > LATE_FRAMES_MAX) drop()
  }
  attachment.client = { connection, drained, late }
  if (attachment.over) connection.closed()
  else if (!registry.has(connection)) unauthenticated.add(connection, address)
}

const enter = (
  { registry, limits, unauthenticated, offences }: SocketOptions,
  connection: Connection,
  address: string,
  grant: Grant
): string | undefined => {
  if (offences.has(offenderOf(address, grant), performance.now())) return tooManyOffences.detail
  const full = noRoomFor(address, registry, limits)
  if (full !== undefined) return full.detail
  unauthenticated.remove(connection)
  registry.add({ connection, address })
  return undefined
}

const inbound = (message: ArrayBuffer, isBinary: boolean, limits: GatewayLimits): Inbound => {
  const size = message.byteLength
  if (isBinary) return { kind: "binary", size }
  if (size > limits.frameBytesMax) return { kind: "oversized", size }
  return { kind: "text", text: textOf(message), size }
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

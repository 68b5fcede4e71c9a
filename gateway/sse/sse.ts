import { randomUUID } from "node:crypto"
import { Effect, Result, Schema } from "effect"
import { Pattern, SlowPolicy, type Start, Start as StartSchema } from "../../protocols/index.ts"
import type { SharedCosts } from "../admission/costs.ts"
import { everything, type Grant } from "../auth/grant.ts"
import type { ConnectionRegistry } from "../connection-registry.ts"
import { type Failure, forbiddenOperation, invalidRequest } from "../failures/failure.ts"
import { type Fault, faultOf } from "../failures/fault.ts"
import { noRoomFor, stopping } from "../failures/request-failures.ts"
import { addGet, addresses } from "../http/addresses.ts"
import type { Gate } from "../http/gate.ts"
import { problem } from "../http/problem.ts"
import type { OriginPolicy } from "../policy.ts"
import { type ConnectionOptions, connect } from "../socket/connection.ts"
import type { Exchange, HttpRequest, Reply, TemplatedApp } from "../uws.ts"

export interface SseOptions extends Pick<ConnectionOptions, "limits" | "fanout" | "queueMemory" | "ask" | "run"> {
  readonly registry: ConnectionRegistry
  readonly costs: SharedCosts
  readonly origins: OriginPolicy
  readonly draining: () => boolean
  readonly gate: Gate
}

// The library hangs up on a response that writes nothing for ten seconds.
const HEARTBEAT = "5 seconds"
const SUBSCRIPTION = "events"
// RFC 6455, section 7.4.1; nobody hears it here.
const INTERNAL_ERROR = 1011
const TRY_AGAIN_LATER = 1013
/** How a frame begins that tells of an error and is no event. */
const REFUSED = '{"type":"error","seq":null'

/**
 * Adds the events as server-sent events: `GET /api/v1/events?pattern=…`, for who has no WebSocket.
 *
 * Each message holds a frame as a WebSocket would get it; that of an event carries its sequence as `id`. So a browser's
 * `EventSource`, which comes back with `Last-Event-ID`, goes on where it was.
 */
export const addEventsRoute = (app: TemplatedApp, options: SseOptions): void => {
  addGet(app, options.gate, addresses.events, (call, req, grant) => {
    const origin = req.getHeader("origin")
    const wanted = read(req)
    if (Result.isFailure(wanted)) return call.respond(problem(invalidRequest(wanted.failure)))
    const refusal = refuse(options, call.address, wanted.success, grant)
    if (refusal !== undefined) return call.respond(problem(refusal))
    const headers = headersFor(origin, options.origins)
    if (req.getMethod() === "head") return call.respond({ status: 200, headers, body: "" })
    serve(call, options, wanted.success, grant, headers)
  })
}

const StreamRequest = Schema.Struct({
  pattern: Pattern,
  start: Schema.optionalKey(StartSchema),
  on_slow: Schema.optionalKey(SlowPolicy)
})
type StreamRequest = typeof StreamRequest.Type
const decodeWanted = Schema.decodeUnknownResult(StreamRequest)

const read = (req: HttpRequest): Result.Result<StreamRequest, Fault> => {
  const query = new URLSearchParams(req.getQuery())
  const onSlow = query.get("on_slow")
  const start = startOf(query, req.getHeader("last-event-id"))
  const wanted = decodeWanted({
    pattern: query.get("pattern") ?? ">",
    ...(start !== undefined && { start }),
    ...(onSlow !== null && { on_slow: onSlow })
  })
  return Result.mapError(wanted, faultOf)
}

const startOf = (query: URLSearchParams, lastEventId: string): Start | string | undefined => {
  if (lastEventId !== "") return { seq: Number(lastEventId) + 1 }
  const [start, seq, time] = ["start", "seq", "time"].map((name) => query.get(name))
  if (seq !== null && seq !== undefined) return { seq: Number(seq) }
  if (time !== null && time !== undefined) return { time }
  return start ?? undefined
}

const refuse = (
  { draining, registry, limits }: SseOptions,
  address: string,
  { pattern }: StreamRequest,
  grant: Grant
): Failure | undefined => {
  if (draining()) return stopping
  if (!grant.sees(pattern)) return forbiddenOperation(`all of ${pattern}`)
  return noRoomFor(address, registry, limits)
}

const headersFor = (origin: string, { allowedOrigins }: OriginPolicy): Reply["headers"] => ({
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  ...(allowedOrigins.includes(origin) && { "access-control-allow-origin": origin, vary: "origin" })
})

/** A connection like any other, whose socket writes messages, and whose client has said all it will. */
const serve = (
  call: Exchange,
  options: SseOptions,
  wanted: StreamRequest,
  grant: Grant,
  headers: Reply["headers"]
): void => {
  const { limits, registry, run } = options
  // The library does not say how much waits, only that something does: all that was written since it took everything.
  let blockedBytes = 0
  const stream = call.stream(headers, () => {
    blockedBytes = 0
    // An exception that reached the library would end the process.
    try {
      connection.drained()
    } catch (cause) {
      run(Effect.logError("connection failed", cause))
      connection.close(INTERNAL_ERROR, "internal error")
    }
  })
  const write = (text: string) => {
    if (!stream.write(text) || blockedBytes > 0) blockedBytes += Buffer.byteLength(text)
  }
  const heartbeat = run(
    Effect.forever(
      Effect.delay(
        Effect.sync(() => write(":\n\n")),
        HEARTBEAT
      )
    )
  )
  const gone = () => {
    heartbeat.interruptUnsafe()
    connection.closed()
    registry.remove(connection)
  }
  const connection = connect({
    ...options,
    id: randomUUID(),
    address: call.address,
    // Who it is was found out before: a gateway that knows its clients says here whom it took this one for.
    authenticator: { required: grant !== everything, verify: () => Effect.succeed(grant) },
    handshake: grant === everything ? undefined : { grant },
    // Nothing can have taken the place since it was found to be free.
    offended: () => {},
    spend: (kind) => options.costs.take(kind, call.address, grant, performance.now()),
    enter: (connection) => void registry.add({ connection, address: call.address }),
    now: () => performance.now(),
    socket: {
      send: (frame) => {
        const text = typeof frame === "string" ? frame : Buffer.from(frame).toString()
        write(messageOf(text))
        // Its one subscription is over. A browser comes back by itself once the stream has ended, and not before.
        if (text.startsWith(REFUSED))
          options.fanout.batch(() => connection.close(TRY_AGAIN_LATER, "the subscription has ended"))
      },
      pendingBytes: () => (blockedBytes > 0 ? Math.max(limits.socketBytesMax, blockedBytes) : 0),
      close: () => {
        stream.end()
        gone()
      }
    }
  })
  call.onGone(gone)
  const text = JSON.stringify({ op: "subscribe", id: SUBSCRIPTION, ...wanted })
  connection.receive({ kind: "text", text, size: text.length })
}

/** A frame as a message. Only events have an id: a browser keeps the last one it saw. */
const messageOf = (frame: string): string => {
  const [, seq] = /^\{"type":"(?:[^"\\]|\\.)*","seq":(\d+)/.exec(frame) ?? []
  return `${seq === undefined ? "" : `id: ${seq}\n`}data: ${frame}\n\n`
}

import type {
  HttpResponse,
  HttpRequest as LibraryRequest,
  TemplatedApp,
  us_socket_context_t,
  WebSocket
} from "uWebSockets.js"
import { STATUS_CODES } from "node:http"
import { createServer } from "node:net"
import { Effect, Schema } from "effect"
import { type BodyFault, type BodyReading, type BodyRoom, readBody } from "./body.ts"

export type { HttpResponse, TemplatedApp, us_socket_context_t as UpgradeContext, WebSocket }

/**
 * The border to uWebSockets.js: what its types leave open is settled here and nowhere else.
 *
 * It is loaded where a gateway is made: it reads the environment then (`UWS_HTTP_MAX_HEADERS_SIZE`), and who serves nothing need
 * not wait for it.
 */
const library = Effect.promise(() => import("uWebSockets.js"))

/** What is asked of a request. The library's own is gone when its handler returns. */
export type HttpRequest = Pick<
  LibraryRequest,
  "getHeader" | "getParameter" | "getUrl" | "getMethod" | "getQuery" | "forEach"
>

/** A request that stays. */
export const copyOf = (req: HttpRequest): HttpRequest => {
  const headers = new Map<string, string>()
  req.forEach((name, value) => headers.set(name, value))
  const [url, method, query] = [req.getUrl(), req.getMethod(), req.getQuery()]
  const parameters = [0, 1, 2].map((index) => req.getParameter(index))
  const queryOf = (key?: string) => (key === undefined ? query : (new URLSearchParams(query).get(key) ?? undefined))
  return {
    getHeader: (name) => headers.get(String(name)) ?? "",
    getParameter: (index) => parameters[Number(index)] ?? "",
    getUrl: () => url,
    getMethod: () => method,
    getQuery: (key?: string) => queryOf(key) ?? "",
    forEach: (see) => headers.forEach((value, name) => void see(name, value))
  }
}

/** Another program listens on this port already. */
export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  host: Schema.String,
  port: Schema.Int
}) {
  override get message() {
    return `port ${this.port} on ${this.host} is taken by another program: stop it or choose another port`
  }
}

/** The address cannot be listened on, for example because this machine does not have it or the port is reserved. */
export class ListenFailed extends Schema.TaggedError<ListenFailed>()("ListenFailed", {
  host: Schema.String,
  port: Schema.Int,
  code: Schema.String
}) {
  override get message() {
    return `cannot listen on ${this.host}, port ${this.port} (${this.code})`
  }
}

/** One compressor for all clients, declared as a type by the package: one of its own for each takes more memory than all else of it. */
export const SHARED_COMPRESSOR = 1

export interface Listening {
  readonly port: number
  /** Takes no more connections. Those that are open stay. */
  readonly stop: () => void
}

/** Paths of a certificate and its private key, in PEM. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
}

/** The files cannot be used. */
export class TlsFilesUnusable extends Schema.TaggedError<TlsFilesUnusable>()("TlsFilesUnusable", {}) {}

/** An app; one that speaks TLS where files are given. What it has for GET it has for HEAD. */
export const makeApp = (tls?: TlsFiles): Effect.Effect<TemplatedApp, TlsFilesUnusable> =>
  Effect.flatMap(library, ({ App, SSLApp }) =>
    Effect.try({
      try: () => {
        const app = tls === undefined ? App() : SSLApp({ cert_file_name: tls.certificate, key_file_name: tls.key })
        const get = app.get.bind(app)
        return Object.assign(app, {
          get: (...[pattern, handler]: Parameters<TemplatedApp["get"]>) => {
            app.head(pattern, handler)
            return get(pattern, handler)
          }
        })
      },
      catch: () => new TlsFilesUnusable()
    })
  )

/**
 * Listens on a port that nobody else has; 0 takes any free one.
 *
 * Left to itself, uWebSockets shares ports between processes, and half of the clients would reach the other program. Its
 * own way to have a port alone leaves the port unusable for a minute after it closed a connection, which is when a
 * gateway is restarted. So Node finds out whether the port is free, and then uWebSockets takes it.
 */
export const listen = (
  app: TemplatedApp,
  host: string,
  port: number
): Effect.Effect<Listening, PortTaken | ListenFailed> =>
  Effect.gen(function* () {
    const { us_listen_socket_close: closeListening, us_socket_local_port: portOf } = yield* library
    const free = yield* freePort(host, port)
    return yield* Effect.callback<Listening, ListenFailed>((resume) => {
      app.listen(host, free, (socket) => {
        if (socket === false) return resume(Effect.fail(new ListenFailed({ host, port, code: "refused" })))
        resume(Effect.succeed({ port: portOf(socket), stop: () => closeListening(socket) }))
      })
    })
  })

/** The text of a frame. Has to be read before the callback that got it returns. */
export const textOf = (message: ArrayBuffer): string => Buffer.from(message).toString()

/** Who is at the other end, as an IP address; that of a proxy where one is in between. */
export const addressOf = (res: HttpResponse): string => textOf(res.getRemoteAddressAsText())

/** The reply to a request, as data. */
export interface Reply {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
  /** Nothing more is read from the connection. */
  readonly close?: true
}

/** An answer in parts. After its end, or the client's, writing does nothing. */
export interface ResponseStream {
  /** False if the network does not take it now. It is sent all the same. */
  readonly write: (text: string) => boolean
  readonly end: () => void
}

/** A request whose answer may come later, when the client may be gone. */
export interface Exchange {
  /** Who asks. */
  readonly address: string
  /** Answers, once: a second answer, or one after the client went away, does nothing. */
  readonly respond: (reply: Reply) => void
  /** Begins an answer of which parts come later. `drained` is called when the network took what was written. */
  readonly stream: (headers: Reply["headers"], drained: () => void) => ResponseStream
  /** Calls back if the client goes away before the answer, or the stream, is at its end. */
  readonly onGone: (gone: () => void) => void
  /** Takes the body in while nobody has asked for it yet, as far as `limit` bytes. To be called before the handler returns. */
  readonly keepBody: (limit: number) => void
  /** The body when it is whole, or why there is none; it has at most `limit` bytes. */
  readonly onBody: (limit: number, done: (body: Buffer | BodyFault) => void) => void
}

/** The library closes a connection at rest after ten seconds and a little; who keeps connections for later is told less. */
const KEEP_ALIVE = "timeout=8"
/** No browser takes what is sent for anything else than it is declared to be. */
const AS_DECLARED = ["x-content-type-options", "nosniff"] as const

/** Takes charge of a response. To be called before the route's handler returns. An answer to HEAD has no body. */
export const exchange = (res: HttpResponse, room: BodyRoom, isHead = false): Exchange => {
  let over = false
  let gone = () => {}
  let reading: BodyReading | undefined
  let take: ((done: (body: Buffer | BodyFault) => void) => void) | undefined
  res.onAborted(() => {
    over = true
    reading?.end()
    gone()
  })
  const read: Exchange["onBody"] = (limit, done) => {
    reading = readBody(res, room, limit, () => over, done)
  }
  return {
    address: addressOf(res),
    respond: (reply) => {
      if (over) return
      over = true
      // Who is answered early, and hangs up, is not told of by the library any more.
      reading?.end()
      res.cork(() => {
        res.writeStatus(`${reply.status} ${STATUS_CODES[reply.status] ?? ""}`)
        res.writeHeader("keep-alive", KEEP_ALIVE)
        res.writeHeader(...AS_DECLARED)
        for (const [name, value] of Object.entries(reply.headers)) res.writeHeader(name, value)
        if (isHead) res.endWithoutBody(Buffer.byteLength(reply.body), reply.close)
        else res.end(reply.body, reply.close)
      })
    },
    stream: (headers, drained) => {
      reading?.end()
      return openStream(res, headers, drained, {
        isOver: () => over,
        finish: () => {
          over = true
        }
      })
    },
    onGone: (callback) => {
      gone = callback
    },
    keepBody: (limit) => {
      let body: Buffer | BodyFault | undefined
      let kept: ((body: Buffer | BodyFault) => void) | undefined
      read(limit, (whole) => {
        body = whole
        kept?.(whole)
      })
      take = (done) => {
        if (body === undefined) kept = done
        else done(body)
      }
    },
    onBody: (limit, done) => (take === undefined ? read(limit, done) : take(done))
  }
}

const openStream = (
  res: HttpResponse,
  headers: Reply["headers"],
  drained: () => void,
  call: { readonly isOver: () => boolean; readonly finish: () => void }
): ResponseStream => {
  res.onWritable(() => {
    drained()
    return true
  })
  // The library sends what is written in one go.
  const write = (text: string): boolean => {
    let taken = true
    res.cork(() => {
      taken = res.write(text)
    })
    return taken
  }
  res.cork(() => {
    res.writeStatus("200 OK")
    res.writeHeader(...AS_DECLARED)
    for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value)
    res.write("\n")
  })
  return {
    write: (text) => call.isOver() || write(text),
    end: () => {
      if (call.isOver()) return
      call.finish()
      res.cork(() => res.end())
    }
  }
}

/** The port, or any free one for 0, if nobody listens on it. */
const freePort = (host: string, port: number): Effect.Effect<number, PortTaken | ListenFailed> =>
  Effect.callback((resume) => {
    const probe = createServer()
    const failed = (code: string) => resume(Effect.fail(new ListenFailed({ host, port, code })))
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resume(Effect.fail(new PortTaken({ host, port })))
      else failed(error.code ?? error.message)
    })
    probe.listen({ host, port, exclusive: true }, () => {
      const address = probe.address()
      const found = address !== null && typeof address === "object" ? address.port : port
      probe.close(() => resume(Effect.succeed(found)))
    })
  })

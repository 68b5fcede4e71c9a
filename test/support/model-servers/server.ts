import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http"
import { Effect, Schema, type Scope } from "effect"
import { bodyOf, errorOf, type Provider, providerAt, type Said } from "./formats.ts"

/** One request that a server got. */
export interface Received {
  readonly provider: Provider
  readonly model: string
  readonly headers: IncomingHttpHeaders
  /** Its body, as text and as JSON. */
  readonly text: string
  readonly body: unknown
  /** From 1. */
  readonly number: number
}

/** What a server does with a request. */
export type Reply =
  | ({ readonly does: "say"; readonly afterMillis?: number } & Said)
  /** Never answers. */
  | { readonly does: "hang" }
  | { readonly does: "fail"; readonly status: number; readonly message: string; readonly retryAfter?: string }
  /** Closes the connection in the middle of the body. */
  | ({ readonly does: "break off" } & Said)
  /** Ends the body early, in order. */
  | ({ readonly does: "end early" } & Said)
  | { readonly does: "redirect"; readonly to: string }
  /** A body that is not the format's, with status 200 unless given. */
  | { readonly does: "send"; readonly body: string; readonly type?: string; readonly status?: number }

export type Script = (received: Received) => Reply

export interface ModelServer {
  readonly url: string
  readonly received: ReadonlyArray<Received>
  /** What it does from now on. */
  readonly follow: (script: Script) => void
}

/** A server of language models on a free port that speaks all four formats and follows a script. It is gone when the scope closes. */
export const modelServer = (script: Script): Effect.Effect<ModelServer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: ModelServer; readonly close: Effect.Effect<void> }>((resume) => {
      let followed = script
      const received: Array<Received> = []
      const http = createServer((request, response) => {
        read(request, (text) => {
          const provider = providerAt(request.url ?? "")
          if (provider === undefined) return void response.writeHead(404).end("no such place")
          const body: unknown = JSON.parse(text)
          const { model } = decodeModel(body)
          const got = { provider, model, headers: request.headers, text, body, number: received.length + 1 }
          received.push(got)
          answer(response, got, followed(got))
        })
      })
      const close = Effect.callback<void>((done) => {
        http.close(() => done(Effect.void))
        http.closeAllConnections()
      })
      http.listen(0, "127.0.0.1", () => {
        const address = http.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const follow = (next: Script) => {
          followed = next
        }
        resume(Effect.succeed({ server: { url: `http://127.0.0.1:${port}`, received, follow }, close }))
      })
    }),
    ({ close }) => close
  ).pipe(Effect.map(({ server }) => server))

/** An address at which nobody listens. */
export const nobody: Effect.Effect<string> = Effect.scoped(
  Effect.map(
    modelServer(() => ({ does: "hang" })),
    ({ url }) => url
  )
)

const decodeModel = Schema.decodeUnknownSync(Schema.Struct({ model: Schema.String }))

const read = (request: IncomingMessage, done: (text: string) => void) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk) => chunks.push(chunk))
  request.on("end", () => done(Buffer.concat(chunks).toString()))
}

const JSON_TYPE = { "content-type": "application/json" }

const answer = (response: ServerResponse, { provider, model }: Received, reply: Reply): void => {
  switch (reply.does) {
    case "hang":
      return
    case "say": {
      const body = JSON.stringify(bodyOf(provider, model, reply))
      const say = () => response.writeHead(200, JSON_TYPE).end(body)
      return void (reply.afterMillis === undefined ? say() : setTimeout(say, reply.afterMillis))
    }
    case "fail": {
      const after = reply.retryAfter === undefined ? {} : { "retry-after": reply.retryAfter }
      const body = JSON.stringify(errorOf(provider, reply.message))
      return void response.writeHead(reply.status, { ...JSON_TYPE, ...after }).end(body)
    }
    case "redirect":
      return void response.writeHead(307, { location: reply.to }).end()
    case "break off": {
      const body = JSON.stringify(bodyOf(provider, model, reply))
      response.writeHead(200, { ...JSON_TYPE, "content-length": body.length })
      response.write(body.slice(0, Math.floor(body.length / 2)), () => response.destroy())
      return
    }
    case "end early": {
      const body = JSON.stringify(bodyOf(provider, model, reply))
      return void response.writeHead(200, JSON_TYPE).end(body.slice(0, Math.floor(body.length / 2)))
    }
    case "send":
      return void response
        .writeHead(reply.status ?? 200, { "content-type": reply.type ?? "application/json" })
        .end(reply.body)
  }
}

// `conclave clients`: who is connected to a gateway, and subscribed to what.
import { Console, Effect, Redacted, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { api } from "../gateway/index.ts"
import { configuration } from "./config.ts"
import { plain, table } from "./table.ts"

/** The gateway could not be asked, or would not say. */
export class NotTold extends Schema.TaggedError<NotTold>()("NotTold", { url: Schema.String, detail: Schema.String }) {
  override get message() {
    return `${this.url}: ${this.detail}`
  }
}

const gatewayFlag = Flag.String("gateway").pipe(
  Flag.withDescription("The gateway to ask (default: the one at HOST and PORT, http://127.0.0.1:8080)"),
  Flag.withMetavar("URL"),
  Flag.withDefault("")
)

const jsonFlag = Flag.Boolean("json").pipe(Flag.withDescription("Print JSON, for programs"), Flag.withDefault(false))

/** Asks a gateway who is connected; `token` is a token or key that allows `clients`, where the gateway wants one. */
export const askClients = (url: string, token: Redacted.Redacted | undefined) =>
  HttpApiClient.make(api, {
    baseUrl: url,
    transformClient: (client) =>
      token === undefined ? client : HttpClient.mapRequest(client, HttpClientRequest.bearerToken(Redacted.value(token)))
  }).pipe(
    Effect.flatMap((client) => client.clients.list()),
    Effect.map(({ clients }) => clients),
    Effect.mapError((error) => new NotTold({ url, detail: "detail" in error ? error.detail : inWords(error) })),
    Effect.provide(FetchHttpClient.layer)
  )

/** What the library says of an answer that did not come is no sentence for people. */
const inWords = ({ message }: Error): string => {
  if (message.startsWith("Transport error"))
    return "no gateway answers there: see that one runs, or name another with --gateway"
  if (message.startsWith("InvalidUrl error")) return "must be an address such as http://127.0.0.1:8080"
  return message
}

type Clients = Effect.Success<ReturnType<typeof askClients>>

const show = (clients: Clients): string =>
  clients.length === 0
    ? "nobody is connected"
    : table(
        ["CLIENT", "SESSION", "ADDRESS", "SENT", "WAITING", "DROPPED", "PATTERNS"],
        clients.map(({ subject, session, address, events, patterns }) => [
          plain(subject ?? "-", 32),
          session,
          address,
          events.sent,
          events.waiting,
          events.dropped,
          plain(patterns.join(" ") || "-")
        ])
      )

export const clients = Command.make("clients", { gateway: gatewayFlag, json: jsonFlag }, ({ gateway, json }) =>
  Effect.gen(function* () {
    const { host, port, gatewayToken } = yield* configuration
    const found = yield* askClients(gateway === "" ? `http://${host}:${port}` : gateway, gatewayToken)
    yield* Console.log(json ? JSON.stringify(found, null, 2) : show(found))
  })
).pipe(Command.withDescription("Who is connected to a gateway, and subscribed to what"))

// Asking a gateway over HTTP: which one, with whose token, and in which words it fails.
import { Effect, Redacted, Schema } from "effect"
import { Flag } from "effect/cli"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { api } from "../../gateway/index.ts"
import { configuration } from "../config.ts"

/** The gateway could not be asked, or would not say. */
export class NotTold extends Schema.TaggedError<NotTold>()("NotTold", { url: Schema.String, detail: Schema.String }) {
  override get message() {
    return `${this.url}: ${this.detail}`
  }
}

export const gatewayFlags = {
  gateway: Flag.String("gateway").pipe(
    Flag.withDescription("The gateway to ask (default: the one at HOST and PORT, http://127.0.0.1:8080)"),
    Flag.withMetavar("URL"),
    Flag.withDefault("")
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print JSON, for programs"), Flag.withDefault(false))
}

/** The address of the gateway that is meant, and the token of the environment. */
export const gatewayUrl = (given: string) =>
  Effect.map(configuration, ({ host, port, gatewayToken }) => ({
    url: given === "" ? `http://${host}:${port}` : given,
    token: gatewayToken
  }))

/** A problem that the gateway tells of, or what the library says. */
type Failure = Error | { readonly detail: string }

const clientOf = (url: string, token: Redacted.Redacted | undefined) =>
  HttpApiClient.make(api, {
    baseUrl: url,
    transformClient: (client) =>
      token === undefined ? client : HttpClient.mapRequest(client, HttpClientRequest.bearerToken(Redacted.value(token)))
  })

/** Asks a gateway something; `token` is a token or key that allows it, where the gateway wants one. */
export const askGateway = <A, E extends Failure>(
  url: string,
  token: Redacted.Redacted | undefined,
  ask: (client: Effect.Success<ReturnType<typeof clientOf>>) => Effect.Effect<A, E>
) =>
  clientOf(url, token).pipe(
    Effect.flatMap(ask),
    Effect.mapError((error) => new NotTold({ url, detail: inWords(error) })),
    Effect.provide(FetchHttpClient.layer)
  )

/** What the library says of an answer that did not come is no sentence for people. */
const inWords = (error: Failure): string => {
  if ("detail" in error) return error.detail
  const { message } = error
  if (message.startsWith("Transport error"))
    return "no gateway answers there: see that one runs, or name another with --gateway"
  if (message.startsWith("InvalidUrl error")) return "must be an address such as http://127.0.0.1:8080"
  return message
}

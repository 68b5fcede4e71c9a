// `conclave clients`: who is connected to a gateway, and subscribed to what.
import { Console, Effect, type Redacted } from "effect"
import { Command } from "effect/cli"
import { plain, table } from "../table.ts"
import { askGateway, gatewayFlags, gatewayUrl } from "./gateway-asking.ts"

/** Asks a gateway who is connected; `token` is a token or key that allows `clients`, where the gateway wants one. */
export const askClients = (url: string, token: Redacted.Redacted | undefined) =>
  askGateway(url, token, (client) => Effect.map(client.clients.list(), ({ clients }) => clients))

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

export const clients = Command.make("clients", gatewayFlags, ({ gateway, json }) =>
  Effect.gen(function* () {
    const { url, token } = yield* gatewayUrl(gateway)
    const found = yield* askClients(url, token)
    yield* Console.log(json ? JSON.stringify(found, null, 2) : show(found))
  })
).pipe(Command.withDescription("Who is connected to a gateway, and subscribed to what"))

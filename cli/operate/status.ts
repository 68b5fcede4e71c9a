// `conclave status`: how a running system is, and what it has done.
import { Console, Effect, type Redacted } from "effect"
import { Command } from "effect/cli"
import type { SystemStatus } from "../../protocols/index.ts"
import { plain } from "../table.ts"
import { askGateway, gatewayFlags, gatewayUrl } from "./gateway-asking.ts"

/** Asks a gateway how the system is; `token` is a token or key that allows `status` and all events, where the gateway wants one. */
export const askStatus = (url: string, token: Redacted.Redacted | undefined) =>
  askGateway(url, token, (client) => client.agents.system())

const DETAIL_MAX = 200

const statusText = ({ status, timestamp, component_health, performance_summary }: SystemStatus): string =>
  [
    `${status}, ${timestamp}`,
    ...Object.entries(component_health).map(
      ([part, { status: health, detail }]) =>
        `  ${part.padEnd(24)}${health}${detail === undefined ? "" : `: ${plain(detail, DETAIL_MAX)}`}`
    ),
    ...Object.entries(performance_summary).map(([name, value]) => `  ${name.padEnd(24)}${value}`)
  ].join("\n")

export const status = Command.make("status", gatewayFlags, ({ gateway, json }) =>
  Effect.gen(function* () {
    const { url, token } = yield* gatewayUrl(gateway)
    const found = yield* askStatus(url, token)
    yield* Console.log(json ? JSON.stringify(found, null, 2) : statusText(found))
  })
).pipe(Command.withDescription("How a running system is, and what it has done: agents, decisions, uses of tools"))

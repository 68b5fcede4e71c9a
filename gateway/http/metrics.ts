import type { ConnectionRegistry } from "../connection-registry.ts"
import { clientsAddress } from "../operations/table/index.ts"
import type { TemplatedApp } from "../uws.ts"
import { addGet, addresses } from "./addresses.ts"
import type { Gate } from "./gate.ts"
import { sparing } from "./sparing.ts"

export interface MetricsOptions {
  readonly registry: ConnectionRegistry
  readonly status: () => { readonly subscriptions: number; readonly watches: number }
}

/** Adds `/metrics` to the app. */
export const addMetricsRoute = (app: TemplatedApp, options: MetricsOptions, gate: Gate): void => {
  const headers = { "content-type": "text/plain; version=0.0.4" }
  addGet(app, gate, addresses.metrics, (call) => call.respond({ status: 200, headers, body: metricsText(options) }))
}

/** Adds the list of who is connected, for operators. */
export const addClientsRoute = (app: TemplatedApp, registry: ConnectionRegistry, gate: Gate): void => {
  const headers = { "content-type": "application/json" }
  const text = sparing(() => JSON.stringify({ clients: presence(registry) }))
  addGet(app, gate, clientsAddress, (call) => call.respond({ status: 200, headers, body: text() }))
}

const presence = (registry: ConnectionRegistry) =>
  [...registry].map(({ connection, address }) => {
    const { grant, subscriptions } = connection.session()
    return {
      session: connection.id,
      subject: grant?.subject ?? null,
      address,
      patterns: [...subscriptions.values()].map(({ pattern }) => pattern),
      events: connection.account()
    }
  })

/**
 * What the gateway counts, in the text form of Prometheus, of all clients together: what became of the events of each is in the
 * list of clients. `produced` is the sum of the other outcomes and of what waits, at every moment.
 */
export const metricsText = ({ registry, status }: MetricsOptions): string => {
  const { subscriptions, watches } = status()
  const { account, behind } = registry.tell()
  const { waiting, ...ended } = account
  const outcomes = Object.entries(ended).map(([outcome, count]): Sample => [`{outcome="${outcome}"}`, count])
  return [
    ...metric("gauge", "conclave_gateway_connections", "Clients that are connected", [["", registry.size]]),
    ...metric("gauge", "conclave_gateway_subscriptions", "Subscriptions that are open", [["", subscriptions]]),
    ...metric("gauge", "conclave_gateway_patterns", "Patterns that are read from the log", [["", watches]]),
    ...metric("counter", "conclave_gateway_events_total", "Events for clients, by what became of them", outcomes),
    ...metric("gauge", "conclave_gateway_events_waiting", "Events that wait for clients to read", [["", waiting]]),
    ...metric("gauge", "conclave_gateway_clients_behind", "Clients for whom events wait", [["", behind]]),
    ""
  ].join("\n")
}

type Sample = readonly [labels: string, value: number]

const metric = (
  type: "counter" | "gauge",
  name: string,
  help: string,
  samples: ReadonlyArray<Sample>
): ReadonlyArray<string> => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  ...samples.map(([labels, value]) => `${name}${labels} ${value}`)
]

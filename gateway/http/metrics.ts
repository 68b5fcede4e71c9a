import type { Census } from "../census.ts"
import type { Account } from "../streams/outlet.ts"
import type { TemplatedApp } from "../uws.ts"
import type { Gate } from "./gate.ts"

export interface MetricsOptions {
  readonly census: Census
  readonly status: () => { readonly subscriptions: number; readonly watches: number }
}

/** Adds `/metrics` to the app. */
export const addMetricsRoute = (app: TemplatedApp, options: MetricsOptions, gate: Gate): void => {
  const headers = { "content-type": "text/plain; version=0.0.4" }
  app.get(
    "/metrics",
    gate((call) => call.respond({ status: 200, headers, body: metricsText(options) }))
  )
}

/** Adds the list of who is connected, for operators. */
export const addClientsRoute = (app: TemplatedApp, census: Census, gate: Gate): void => {
  const headers = { "content-type": "application/json" }
  app.get(
    "/api/v1/clients",
    gate((call) => call.respond({ status: 200, headers, body: JSON.stringify({ clients: presence(census) }) }))
  )
}

const presence = (census: Census) =>
  [...census].map(({ connection, address }) => {
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
 * What the gateway counts, in the text form of Prometheus. Per client, too: the label `client` is the `session` of its
 * `welcome`. `produced` is the sum of the other outcomes, at every moment.
 */
export const metricsText = ({ census, status }: MetricsOptions): string => {
  const { subscriptions, watches } = status()
  const clients = [...census].map(({ connection }) => connection)
  return [
    ...gauge("conclave_gateway_connections", "Clients that are connected", [["", census.size]]),
    ...gauge("conclave_gateway_subscriptions", "Subscriptions that are open", [["", subscriptions]]),
    ...gauge("conclave_gateway_patterns", "Patterns that are read from the log", [["", watches]]),
    ...gauge(
      "conclave_gateway_events",
      "Events since the start, by what became of them",
      outcomes("", census.account())
    ),
    ...gauge(
      "conclave_gateway_client_events",
      "Events for a client that is connected, by what became of them",
      clients.flatMap((client) => outcomes(`client="${client.id}",`, client.account()))
    ),
    ""
  ].join("\n")
}

type Sample = readonly [labels: string, value: number]

const outcomes = (labels: string, account: Account): ReadonlyArray<Sample> =>
  Object.entries(account).map(([outcome, count]): Sample => [`{${labels}outcome="${outcome}"}`, count])

const gauge = (name: string, help: string, samples: ReadonlyArray<Sample>): ReadonlyArray<string> => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} gauge`,
  ...samples.map(([labels, value]) => `${name}${labels} ${value}`)
]

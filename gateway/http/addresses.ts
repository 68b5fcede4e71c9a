import { type Access, KNOWN, PUBLIC, withoutUse } from "../admission/access.ts"
import { methodNotAllowed, notFound, upgradeRequired } from "../failures/request-failures.ts"
import { type Address, apiAddresses } from "../operations/table/index.ts"
import type { TemplatedApp } from "../uws.ts"
import type { Gate, Handler } from "./gate.ts"
import { json } from "./json.ts"
import { problem } from "./problem.ts"

const got = (path: string, listed: string, access: Access, query: ReadonlyArray<string> = []): Address => ({
  method: "GET",
  path,
  params: [],
  query,
  listed,
  access
})

/** The addresses that are no operations: streams, figures, and what people and their tools read. */
export const addresses = {
  socket: got("/ws", "WebSocket: subscribe to events by subject pattern", { ...PUBLIC, pages: "allowed" }),
  events: got("/api/v1/events", "the same events as server-sent events", KNOWN, ["pattern"]),
  metrics: got("/metrics", "what the gateway counts, for Prometheus", { ...KNOWN, right: "status" }),
  description: got("/openapi.json", "this API, for programs", PUBLIC),
  docs: got("/docs", "the same, for people", PUBLIC),
  client: got("/client/index.js", "the client library, as a module that a browser can import", PUBLIC),
  example: got("/example", "a page that uses it", PUBLIC)
} as const

/** Answers what has an address for GET. */
export const addGet = (app: TemplatedApp, gate: Gate, { path, access }: Address, answer: Handler): void => {
  app.get(path, gate(access, answer))
}

/** Adds the list of all addresses, and answers what no other address takes: whatever else there is comes before. */
export const addRest = (app: TemplatedApp, gate: Gate): void => {
  const { socket, ...others } = addresses
  const all = [socket, ...apiAddresses, ...Object.values(others)]
  const list = Object.fromEntries(all.map((each) => [named(each), each.listed]))
  const index = got("/", "", PUBLIC)
  addGet(app, gate, socket, (call) => call.respond(problem(upgradeRequired)))
  addGet(app, gate, index, (call) => call.respond(json(200, { name: "conclave", addresses: list })))
  for (const [path, { access, methods }] of byPath([index, ...all])) {
    const refusal = problem(methodNotAllowed(methods.join(", ")))
    app.any(
      path,
      gate(withoutUse(access), (call) => call.respond(refusal))
    )
  }
  for (const [path, access] of [
    ["/api/*", KNOWN],
    ["/*", PUBLIC]
  ] as const) {
    app.any(
      path,
      gate(access, (call) => call.respond(problem(notFound)))
    )
  }
}

/** An address as people write it: `GET /api/v1/agents/consensus/{id}`. */
const named = ({ method, path, query }: Address): string => {
  const wanted = query.map((name) => `${name}=…`).join("&")
  return `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}${wanted === "" ? "" : `?${wanted}`}`
}

/** The methods that each path takes. */
const byPath = (all: ReadonlyArray<Address>) => {
  const paths = new Map<string, { readonly access: Access; readonly methods: ReadonlyArray<string> }>()
  for (const { path, access, method } of all) {
    paths.set(path, { access, methods: [...(paths.get(path)?.methods ?? []), method] })
  }
  return paths
}

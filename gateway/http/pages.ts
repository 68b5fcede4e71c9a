import { readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { OpenApi } from "effect/http-api"
import { PUBLIC } from "../admission/access.ts"
import { api } from "../operations/table/index.ts"
import type { OriginPolicy } from "../policy.ts"
import type { HttpRequest, Reply, TemplatedApp } from "../uws.ts"
import { addGet, addresses } from "./addresses.ts"
import type { Gate } from "./gate.ts"
import { crossOrigin } from "./json.ts"

/** What of the client library a browser asks for. */
const MODULES = ["backoff.ts", "client.ts", "credential.ts", "events.ts", "index.ts", "link.ts", "subscription.ts"]

/**
 * Adds what people and their tools read: the description of the API and a page that shows it, the client library as modules that a browser can
 * import, and the example page that does. Pages of allowed origins may import it from here.
 */
export const addPages = (app: TemplatedApp, gate: Gate, origins: OriginPolicy): void => {
  const shared = (req: HttpRequest, reply: Reply): Reply => ({
    ...reply,
    headers: { ...reply.headers, ...crossOrigin(req.getHeader("origin"), origins) }
  })
  const description = once(() => json(JSON.stringify(OpenApi.fromApi(api))))
  addGet(app, gate, addresses.description, (call, req) => call.respond(shared(req, description())))
  for (const name of MODULES) {
    const reply = once(() => javascript(stripTypeScriptTypes(sourceOf(`../client/${name}`))))
    app.get(
      `/client/${name}`,
      gate(PUBLIC, (call, req) => call.respond(shared(req, reply())))
    )
  }
  const docs = once(() => html(sourceOf("http/docs.html")))
  addGet(app, gate, addresses.docs, (call) => call.respond(docs()))
  const page = once(() => html(sourceOf("../client/examples/page.html")))
  addGet(app, gate, addresses.example, (call) => call.respond(page()))
}

const sourceOf = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

const javascript = (body: string): Reply => ({ status: 200, headers: { "content-type": "text/javascript" }, body })

const json = (body: string): Reply => ({ status: 200, headers: { "content-type": "application/json" }, body })

const html = (body: string): Reply => ({
  status: 200,
  headers: {
    "content-type": "text/html; charset=utf-8",
    // Nothing but what this gateway serves, and nobody may put it into a page of their own.
    "content-security-policy":
      "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'"
  },
  body
})

const once = <A>(make: () => A): (() => A) => {
  let made: { readonly value: A } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

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
const MODULES = ["backoff", "client", "credential", "events", "index", "link", "subscription"]

/** What a module's file ends with: that of this one, which is a source in a checkout and JavaScript in a package. */
const ENDING = import.meta.url.slice(import.meta.url.lastIndexOf("."))

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
    for (const ending of [".ts", ".js"]) {
      const reply = once(() => javascript(moduleText(name, ending)))
      app.get(
        `/client/${name}${ending}`,
        gate(PUBLIC, (call, req) => call.respond(shared(req, reply())))
      )
    }
  }
  const docs = once(() => html(sourceOf("http/docs.html")))
  addGet(app, gate, addresses.docs, (call) => call.respond(docs()))
  const page = once(() => html(sourceOf("../client/examples/page.html")))
  addGet(app, gate, addresses.example, (call) => call.respond(page()))
}

/** A module of the client as JavaScript, which imports the others by the ending that it was asked for by. */
const moduleText = (name: string, ending: string): string => {
  const text = sourceOf(`../client/${name}${ENDING}`)
  const code = ENDING === ".ts" ? stripTypeScriptTypes(text) : text
  return code.replaceAll(/(from "\.\/[\w-]+)\.[jt]s"/g, `$1${ending}"`)
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

import { Effect } from "effect"
import { methodNotAllowed, notFound, problem, upgradeRequired } from "../../failures/problem.ts"
import { NotReady } from "../../serving.ts"
import type { Exchange, HttpRequest, Reply, TemplatedApp } from "../../uws.ts"
import type { Gate } from "../gate.ts"
import { crossOrigin, json, type RouteOptions } from "../json.ts"
import { ALLOCATION, addAllocationRoutes } from "./allocation.ts"
import { ANALYZE, addAnalysisRoutes } from "./analysis.ts"
import { addConsensusRoutes, CONSENSUS } from "./consensus.ts"
import { addDeskRoutes, MESSAGE, STATUS } from "./desk.ts"
import { addMarketRoutes, MARKET } from "./market.ts"
import { addPortfolioRoutes, PORTFOLIO } from "./portfolio.ts"
import { addSystemRoutes, type ReadSystem, SYSTEM } from "./system.ts"
import { addToolRoutes, TOOLS } from "./tools.ts"

/** What the HTTP side needs from the gateway around it. */
export interface HttpOptions extends RouteOptions {
  /** What every request passes first. */
  readonly gate: Gate
  /** Facts for `/healthz`. */
  readonly health: () => { readonly [fact: string]: unknown }
  /** How the system is. */
  readonly system: ReadSystem
  /** Whether `/readyz` says that requests may come. */
  readonly ready: Effect.Effect<void, NotReady>
}

const READY_TIMEOUT = "2 seconds"

/** Adds the HTTP addresses to the app. What no route takes is answered here too, so routes of others come first. */
export const addRoutes = (app: TemplatedApp, options: HttpOptions): void => {
  const route = options.gate
  const always = (reply: () => Reply) => route((call) => call.respond(reply()))

  addAnalysisRoutes(app, options, route)
  addConsensusRoutes(app, options, route)
  addAllocationRoutes(app, options, route)
  addDeskRoutes(app, options, route)
  addToolRoutes(app, options, route)
  addSystemRoutes(app, options, route, options.system)
  addPortfolioRoutes(app, options, route)
  addMarketRoutes(app, options, route)
  for (const path of [ANALYZE, ALLOCATION, CONSENSUS, PORTFOLIO, MARKET]) {
    for (const each of [path, `${path}/*`]) app.options(each, route(answerPreflight(options)))
  }
  for (const path of [MESSAGE, STATUS, SYSTEM, TOOLS]) app.options(path, route(answerPreflight(options)))
  app.get(
    "/healthz",
    always(() => json(200, { status: "ok", ...options.health() }))
  )
  app.get("/readyz", route(answerReady(options)))
  app.get(
    "/",
    always(() => json(200, index))
  )
  app.get("/ws", always(upgradeRequired))
  app.any(
    ANALYZE,
    always(() => methodNotAllowed("POST"))
  )
  for (const path of ["/healthz", "/readyz", "/", "/ws"])
    app.any(
      path,
      always(() => methodNotAllowed("GET"))
    )
  app.any("/*", always(notFound))
}

const index = {
  name: "conclave",
  addresses: {
    "GET /ws": "WebSocket: subscribe to events by subject pattern",
    [`POST ${ANALYZE}`]: 'analyse a symbol: {"symbol":"AAPL"}, with "bars" if the system has seen none',
    [`POST ${ANALYZE}/{correlation_id}/cancel`]: 'cancel an analysis: {"symbol":"AAPL"}',
    [`POST ${ALLOCATION}`]: "one decision over several symbols with a shared risk budget: holdings, and limits",
    [`GET ${ALLOCATION}/{id}`]: "its targets, once they are decided",
    [`POST ${CONSENSUS}`]:
      'open a consensus round: {"symbol":"AAPL"}; answers its id, and a secret for each voter outside',
    [`GET ${CONSENSUS}/{id}`]: "a round as it is now, with its result once it is closed",
    [`POST ${CONSENSUS}/{id}/votes`]: "a vote from outside, with the voter's secret",
    [`POST ${CONSENSUS}/{id}/cancel`]: "close a round without a decision",
    [`POST ${MESSAGE}`]: 'say something to an agent, or to all who watch: {"symbol":"AAPL","text":"…"}',
    [`GET ${STATUS}?symbol=…`]: "what is known of a symbol, and its analyses",
    [`GET ${SYSTEM}`]: "how the system is, and what it has done: agents, decisions, uses of tools",
    [`GET ${TOOLS}?agent_type=…&tool=…`]: "how a tool has done for an agent type: success, time, trend, what to do",
    [`GET ${PORTFOLIO}/{account}`]: "a trading account: cash, positions, orders, limits",
    [`POST ${PORTFOLIO}/{account}/switch`]: 'stop or resume entries, or close everything: {"action":"flatten"}',
    [`POST ${MARKET}/{symbol}/bars`]: 'what a market did, oldest first: {"bars":[{"time":<ms>,"open":…},…]}',
    "GET /healthz": "whether the gateway is alive",
    "GET /readyz": "whether the system can answer",
    "GET /api/v1/events?pattern=…": "the same events as server-sent events",
    "GET /api/v1/clients": "who is connected and subscribed to what, for operators",
    "GET /metrics": "what the gateway counts, for Prometheus",
    "GET /openapi.json": "this API, for programs",
    "GET /docs": "the same, for people",
    "GET /client/index.ts": "the client library, as a module that a browser can import",
    "GET /example": "a page that uses it"
  }
}

const answerReady = (options: HttpOptions) => (call: Exchange) => {
  const answer = options.ready.pipe(
    Effect.as(json(200, { status: "ready" })),
    Effect.timeoutOrElse({
      duration: READY_TIMEOUT,
      orElse: () => Effect.fail(new NotReady({ detail: "the log does not answer" }))
    }),
    Effect.catch(({ detail }) => Effect.succeed(notReady(detail))),
    Effect.catchCause((cause) => Effect.as(Effect.logError("readiness failed", cause), notReady("the check failed"))),
    Effect.map(call.respond)
  )
  const fiber = options.run(answer)
  call.onGone(() => fiber.interruptUnsafe())
}

const notReady = (detail: string): Reply =>
  problem({
    status: 503,
    code: "not-ready",
    title: "Not ready",
    detail: `the system cannot answer requests now: ${detail}`,
    headers: { "retry-after": "1" }
  })

const answerPreflight = (options: HttpOptions) => (call: Exchange, req: HttpRequest) => {
  const headers = crossOrigin(req.getHeader("origin"), options.origins)
  if (headers["access-control-allow-origin"] === undefined) return call.respond(methodNotAllowed("POST"))
  call.respond({
    status: 204,
    headers: {
      ...headers,
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "authorization, content-type, idempotency-key, x-correlation-id"
    },
    body: ""
  })
}

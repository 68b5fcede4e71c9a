import { randomUUID } from "node:crypto"
import { Effect, Result, Schema } from "effect"
import { AnalysisResult, AnalyzeRequest, CoordinatorProtocol, toWindow } from "../../protocols/index.ts"
import { Actors } from "../../runtime/index.ts"
import type { Exchange, HttpRequest, Reply, TemplatedApp } from "../uws.ts"
import { ALLOCATION, addAllocationRoutes } from "./allocation-routes.ts"
import { addAnalysisRoutes } from "./analysis-routes.ts"
import { addConsensusRoutes, CONSENSUS } from "./consensus-routes.ts"
import type { Gate } from "./gate.ts"
import { crossOrigin, explained, json, postJson, type RouteOptions, readJson } from "./json.ts"
import {
  type AnalyzeFailure,
  analyzeProblem,
  invalidRequest,
  methodNotAllowed,
  notFound,
  problem,
  upgradeRequired
} from "./problem.ts"

/** What the HTTP side needs from the gateway around it. */
export interface HttpOptions extends RouteOptions {
  /** What every request passes first. */
  readonly gate: Gate
  /** Facts for `/healthz`. */
  readonly health: () => { readonly [fact: string]: unknown }
  /** Whether `/readyz` says that requests may come. */
  readonly ready: Effect.Effect<boolean>
}

const ANALYZE = "/api/v1/agents/analyze"
const ANALYZE_TIMEOUT_MILLIS = 30_000
/** A round that closes at the deadline of its analysis has still to be told, in milliseconds. */
const ANSWER_MARGIN_MILLIS = 2_000
const READY_TIMEOUT = "2 seconds"

/** Adds the HTTP addresses to the app. What no route takes is answered here too, so routes of others come first. */
export const addRoutes = (app: TemplatedApp, options: HttpOptions): void => {
  const route = options.gate
  const always = (reply: () => Reply) => route((call) => call.respond(reply()))

  app.post(ANALYZE, route(postJson(options, analyze)))
  app.options(ANALYZE, route(answerPreflight(options)))
  addConsensusRoutes(app, options, route)
  addAllocationRoutes(app, options, route)
  addAnalysisRoutes(app, ANALYZE, options, route)
  for (const path of [ALLOCATION, `${ALLOCATION}/*`, `${ANALYZE}/*`]) app.options(path, route(answerPreflight(options)))
  app.options(`${CONSENSUS}/*`, route(answerPreflight(options)))
  app.options(CONSENSUS, route(answerPreflight(options)))
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
    "GET /healthz": "whether the gateway is alive",
    "GET /readyz": "whether the system can answer",
    "GET /api/v1/events?pattern=…": "the same events as server-sent events",
    "GET /api/v1/clients": "who is connected and subscribed to what, for operators",
    "GET /metrics": "what the gateway counts, for Prometheus",
    "GET /openapi.json": "this API, for programs",
    "GET /client/index.ts": "the client library, as a module that a browser can import",
    "GET /example": "a page that uses it"
  }
}

const answerReady = (options: HttpOptions) => (call: Exchange) => {
  const answer = options.ready.pipe(
    Effect.timeoutOption(READY_TIMEOUT),
    Effect.map((ready) => (ready._tag === "Some" && ready.value ? json(200, { status: "ready" }) : notReady())),
    Effect.catchCause(() => Effect.succeed(notReady())),
    Effect.map(call.respond)
  )
  const fiber = options.run(answer)
  call.onGone(() => fiber.interruptUnsafe())
}

const notReady = (): Reply =>
  problem({
    status: 503,
    code: "not-ready",
    title: "Not ready",
    detail: "the system cannot answer requests now",
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
      "access-control-allow-headers": "authorization, content-type, x-correlation-id"
    },
    body: ""
  })
}

/**
 * One analysis, from the body to the reply: 200 with an `AnalysisResult`, or a problem document.
 *
 * The correlation id is that of the header, else that of the body, else a new one; it comes back in the header.
 */
export const analyze = (body: Uint8Array, givenId: string): Effect.Effect<Reply, never, Actors> =>
  Effect.gen(function* () {
    const request = readJson(decodeRequest, body, givenId)
    if (Result.isFailure(request)) return invalidRequest(request.failure)
    const { symbol, bars, timeout_ms = ANALYZE_TIMEOUT_MILLIS } = request.success.body
    const correlationId = request.success.correlationId ?? request.success.body.correlation_id ?? randomUUID()
    const payload = {
      correlation_id: correlationId,
      timeout_ms,
      ...(bars === undefined ? {} : { bars: toWindow(bars) })
    }
    const actors = yield* Actors
    const reply = yield* actors
      .ask(CoordinatorProtocol, symbol, "Analyze", payload, {
        correlationId,
        timeout: timeout_ms + ANSWER_MARGIN_MILLIS
      })
      .pipe(
        Effect.flatMap((result) => Effect.orDie(encodeResult(result))),
        Effect.map((text): Reply => ({ status: 200, headers: { "content-type": "application/json" }, body: text })),
        explained((failure: AnalyzeFailure) => analyzeProblem(failure, correlationId), correlationId),
        Effect.annotateLogs({ symbol })
      )
    return { ...reply, headers: { ...reply.headers, "x-correlation-id": correlationId } }
  })

const decodeRequest = Schema.decodeUnknownResult(AnalyzeRequest, { onExcessProperty: "error" })
const encodeResult = Schema.encodeEffect(Schema.fromJsonString(AnalysisResult))

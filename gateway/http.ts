import { randomUUID } from "node:crypto"
import { Effect, Result, Schema } from "effect"
import { AnalysisResult, AnalyzeRequest, CoordinatorProtocol, CorrelationId, toWindow } from "../protocols/index.ts"
import { Actors } from "../runtime/index.ts"
import { type Fault, faultOf } from "./fault.ts"
import type { Gate } from "./gate.ts"
import { type OriginPolicy, originFault } from "./policy.ts"
import {
  type AnalyzeFailure,
  analyzeProblem,
  bodyTooLarge,
  forbiddenOrigin,
  internal,
  invalidRequest,
  methodNotAllowed,
  notFound,
  problem,
  stopping,
  unsupportedMediaType,
  upgradeRequired
} from "./problem.ts"
import type { Exchange, HttpRequest, Reply, TemplatedApp } from "./uws.ts"

/** What the HTTP side needs from the gateway around it. */
export interface HttpOptions {
  readonly origins: OriginPolicy
  readonly bodyBytesMax: number
  /** What every request passes first. */
  readonly gate: Gate
  /** Facts for `/healthz`. */
  readonly health: () => { readonly [fact: string]: unknown }
  /** Whether `/readyz` says that requests may come. */
  readonly ready: Effect.Effect<boolean>
  /** Runs a request until it is answered. */
  readonly run: <A>(effect: Effect.Effect<A, never, Actors>) => { readonly interruptUnsafe: () => void }
}

const ANALYZE = "/api/v1/agents/analyze"
const ANALYZE_TIMEOUT_MILLIS = 30_000
const READY_TIMEOUT = "2 seconds"

/** Adds the HTTP addresses to the app. What no route takes is answered here too, so routes of others come first. */
export const addRoutes = (app: TemplatedApp, options: HttpOptions): void => {
  const route = options.gate
  const always = (reply: () => Reply) => route((call) => call.respond(reply()))

  app.post(ANALYZE, route(answerAnalyze(options)))
  app.options(ANALYZE, route(answerPreflight(options)))
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

const answerAnalyze = (options: HttpOptions) => (call: Exchange, req: HttpRequest) => {
  const origin = req.getHeader("origin")
  const refusal = originFault({ origin, host: req.getHeader("host") }, options.origins)
  const headers = crossOrigin(origin, options.origins)
  const respond = (reply: Reply) => call.respond({ ...reply, headers: { ...reply.headers, ...headers } })
  if (refusal !== undefined) return respond(forbiddenOrigin(refusal))
  if (!/^application\/json\s*(;|$)/i.test(req.getHeader("content-type"))) return respond(unsupportedMediaType())
  if (Number(req.getHeader("content-length")) > options.bodyBytesMax) return respond(bodyTooLarge(options.bodyBytesMax))
  const givenId = req.getHeader("x-correlation-id")
  call.onBody(options.bodyBytesMax, (body) => {
    if (body === undefined) return respond(bodyTooLarge(options.bodyBytesMax))
    const fiber = options.run(
      analyze(body, givenId).pipe(
        Effect.onInterrupt(() => Effect.sync(() => respond(stopping()))),
        Effect.map(respond)
      )
    )
    // Nobody waits for the answer any more. What was asked is stored and goes its way.
    call.onGone(() => fiber.interruptUnsafe())
  })
}

const answerPreflight = (options: HttpOptions) => (call: Exchange, req: HttpRequest) => {
  const headers = crossOrigin(req.getHeader("origin"), options.origins)
  if (headers["access-control-allow-origin"] === undefined) return call.respond(methodNotAllowed("POST"))
  call.respond({
    status: 204,
    headers: {
      ...headers,
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "authorization, content-type, x-correlation-id"
    },
    body: ""
  })
}

const crossOrigin = (origin: string, policy: OriginPolicy): { readonly [name: string]: string } =>
  policy.allowedOrigins.includes(origin)
    ? { "access-control-allow-origin": origin, "access-control-expose-headers": "x-correlation-id", vary: "origin" }
    : {}

/**
 * One analysis, from the body to the reply: 200 with an `AnalysisResult`, or a problem document.
 *
 * The correlation id is that of the header, else that of the body, else a new one; it comes back in the header.
 */
export const analyze = (body: Uint8Array, givenId: string): Effect.Effect<Reply, never, Actors> =>
  Effect.gen(function* () {
    const request = readRequest(body, givenId)
    if (Result.isFailure(request)) return invalidRequest(request.failure)
    const { symbol, bars, timeout_ms = ANALYZE_TIMEOUT_MILLIS } = request.success
    const correlationId = request.success.correlation_id ?? randomUUID()
    const payload = { correlation_id: correlationId, ...(bars === undefined ? {} : { bars: toWindow(bars) }) }
    const actors = yield* Actors
    const reply = yield* actors
      .ask(CoordinatorProtocol, symbol, "Analyze", payload, { correlationId, timeout: timeout_ms })
      .pipe(
        Effect.flatMap((result) => Effect.orDie(encodeResult(result))),
        Effect.map((text): Reply => ({ status: 200, headers: { "content-type": "application/json" }, body: text })),
        Effect.catch((error: AnalyzeFailure) => refuseAnalysis(error, correlationId)),
        Effect.catchDefect((defect) => Effect.as(Effect.logError("analysis failed", defect), internal(correlationId))),
        Effect.annotateLogs({ symbol, correlation_id: correlationId })
      )
    return { ...reply, headers: { ...reply.headers, "x-correlation-id": correlationId } }
  })

const refuseAnalysis = (error: AnalyzeFailure, correlationId: string): Effect.Effect<Reply> => {
  const reply = analyzeProblem(error, correlationId)
  return reply.status === 500 ? Effect.as(Effect.logError("analysis failed", error), reply) : Effect.succeed(reply)
}

const encodeResult = Schema.encodeEffect(Schema.fromJsonString(AnalysisResult))
const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const decodeRequest = Schema.decodeUnknownResult(AnalyzeRequest, { onExcessProperty: "error" })
const isCorrelationId = Schema.is(CorrelationId)

const readRequest = (body: Uint8Array, givenId: string): Result.Result<AnalyzeRequest, Fault> => {
  if (givenId !== "" && !isCorrelationId(givenId)) {
    return Result.fail({ field: "x-correlation-id", rule: "1 to 64 letters, digits, dashes or underscores" })
  }
  const parsed = Result.flatMap(decodeText(body), parseJson)
  if (Result.isFailure(parsed)) return Result.fail({ field: "", rule: "the body is not a whole JSON text in UTF-8" })
  const request = decodeRequest(parsed.success)
  if (Result.isFailure(request)) return Result.fail(faultOf(request.failure))
  return Result.succeed(givenId === "" ? request.success : { ...request.success, correlation_id: givenId })
}

const decodeText = (bytes: Uint8Array) =>
  Result.try({ try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes), catch: () => "not UTF-8" as const })

const json = (status: number, value: unknown): Reply => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value)
})

import { Effect, Result, Schema } from "effect"
import { CorrelationId } from "../../protocols/index.ts"
import type { Actors } from "../../runtime/index.ts"
import { NESTED, nestingFault } from "../../runtime/index.ts"
import type { Buckets } from "../admission/bucket.ts"
import type { Grant } from "../auth/grant.ts"
import { SHORT_BYTES } from "../body.ts"
import { type Fault, faultOf } from "../failures/fault.ts"
import {
  bodyProblem,
  bodyTooLarge,
  internal,
  invalidRequest,
  stopping,
  tooManyBytes,
  unsupportedMediaType
} from "../failures/problem.ts"
import { type Caller, keyOf } from "../operations/caller.ts"
import type { OriginPolicy } from "../policy.ts"
import type { Exchange, HttpRequest, HttpResponse, Reply } from "../uws.ts"

/** What a route needs to answer a request. */
export interface RouteOptions {
  /** Who asks, as the grant of its request says, and from where; `key` names what is asked for, for good. */
  readonly callerOf: (grant: Grant, key: string | undefined, address: string) => Caller
  readonly origins: OriginPolicy
  readonly bodyBytesMax: number
  /** Bytes of bodies, by address. */
  readonly bodyBytes: Buckets
  readonly bodyBytesPerSecond: number
  /** Runs a request until it is answered. */
  readonly run: <A>(effect: Effect.Effect<A, never, Actors>) => { readonly interruptUnsafe: () => void }
}

/** Makes a handler of the app of what answers a call, safe against what it throws. */
export type Route = (
  answer: (call: Exchange, req: HttpRequest, grant: Grant) => void
) => (res: HttpResponse, req: HttpRequest) => void

/** A request as its answer needs it. */
export interface RequestInput {
  /** Empty where the method has none. */
  readonly bytes: Uint8Array
  /** That of the header; empty where there was none. */
  readonly correlationId: string
  /** The part of the path that the route leaves open. */
  readonly parameter: string
  readonly query: URLSearchParams
  readonly caller: Caller
}

/** What a request is answered with. */
export type JsonHandler = (asked: RequestInput) => Effect.Effect<Reply, never, Actors>

/** Answers a POST whose body is JSON, once the type, the size and the rate of the body have passed. */
export const postJson =
  (options: RouteOptions, answer: JsonHandler) =>
  (call: Exchange, req: HttpRequest, grant: Grant): void => {
    const respond = responding(options, call, req)
    if (!/^application\/json\s*(;|$)/i.test(req.getHeader("content-type"))) return respond(unsupportedMediaType())
    if (Number(req.getHeader("content-length")) > options.bodyBytesMax)
      return respond(bodyTooLarge(options.bodyBytesMax))
    const key = req.getHeader("idempotency-key")
    if (key !== "" && keyOf(key) === undefined) {
      return respond(invalidRequest({ field: "idempotency-key", rule: "must be a UUID" }))
    }
    const asked = askedOf(options, call, req, grant, keyOf(key))
    call.onBody(options.bodyBytesMax, (bytes) => {
      if (typeof bytes === "string") return respond(bodyProblem(bytes, options.bodyBytesMax))
      const counted = Math.max(0, bytes.byteLength - SHORT_BYTES)
      if (counted > 0 && !options.bodyBytes.take(call.address, performance.now(), counted)) {
        return respond(tooManyBytes(options.bodyBytesPerSecond))
      }
      give(options, call, respond, () => answer({ ...asked, bytes }))
    })
  }

/** Answers a GET by asking actors. */
export const getJson =
  (options: RouteOptions, answer: JsonHandler) =>
  (call: Exchange, req: HttpRequest, grant: Grant): void => {
    const respond = responding(options, call, req)
    const asked = askedOf(options, call, req, grant, undefined)
    give(options, call, respond, () => answer(asked))
  }

// A request is gone when its handler returns.
const askedOf = (
  { callerOf }: RouteOptions,
  { address }: Exchange,
  req: HttpRequest,
  grant: Grant,
  key: string | undefined
): RequestInput => ({
  bytes: new Uint8Array(),
  correlationId: req.getHeader("x-correlation-id"),
  parameter: req.getParameter(0) ?? "",
  query: new URLSearchParams(req.getQuery()),
  caller: callerOf(grant, key, address)
})

/** How the request is responded to. */
const responding = ({ origins }: RouteOptions, call: Exchange, req: HttpRequest): ((reply: Reply) => void) => {
  const headers = crossOrigin(req.getHeader("origin"), origins)
  return (reply) => call.respond({ ...reply, headers: { ...reply.headers, ...headers } })
}

const give = (
  options: RouteOptions,
  call: Exchange,
  respond: (reply: Reply) => void,
  answer: () => Effect.Effect<Reply, never, Actors>
): void => {
  const fiber = options.run(
    // Later, in the fiber: an exception in a callback of the library would end the process.
    Effect.suspend(answer).pipe(
      Effect.catchDefect((defect) => Effect.as(Effect.logError("request failed", defect), internal())),
      Effect.onInterrupt(() => Effect.sync(() => respond(stopping()))),
      Effect.map(respond)
    )
  )
  // Nobody waits for the answer any more. What was asked is stored and goes its way.
  call.onGone(() => fiber.interruptUnsafe())
}

/** Answers what went wrong with its problem. What is our own fault is logged, with the correlation id that the client is told. */
export const explained =
  <E>(toProblem: (failure: E) => Reply, correlationId?: string) =>
  <R>(effect: Effect.Effect<Reply, E, R>): Effect.Effect<Reply, never, R> => {
    const logged = (cause: unknown, reply: Reply) =>
      Effect.logError("request failed", cause).pipe(
        Effect.annotateLogs(correlationId === undefined ? {} : { correlation_id: correlationId }),
        Effect.as(reply)
      )
    return effect.pipe(
      Effect.catch((failure: E) => {
        const reply = toProblem(failure)
        return reply.status === 500 ? logged(failure, reply) : Effect.succeed(reply)
      }),
      Effect.catchDefect((defect) => logged(defect, internal(correlationId)))
    )
  }

export const crossOrigin = (origin: string, policy: OriginPolicy): { readonly [name: string]: string } =>
  policy.allowedOrigins.includes(origin)
    ? { "access-control-allow-origin": origin, "access-control-expose-headers": "x-correlation-id", vary: "origin" }
    : {}

export const json = (status: number, value: unknown): Reply => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value)
})

const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const isCorrelationId = Schema.is(CorrelationId)

/** The body, and the correlation id that came beside it, if one did. */
export const readJson = <A>(
  decode: (json: unknown) => Result.Result<A, Schema.SchemaError>,
  { bytes, correlationId: givenId }: Pick<RequestInput, "bytes" | "correlationId">
): Result.Result<{ readonly body: A; readonly correlationId: string | undefined }, Fault> => {
  if (givenId !== "" && !isCorrelationId(givenId)) {
    return Result.fail({ field: "x-correlation-id", rule: "1 to 64 letters, digits, dashes or underscores" })
  }
  const text = decodeText(bytes)
  const deep = Result.isSuccess(text) ? nestingFault(text.success) : undefined
  if (deep !== undefined) return Result.fail({ field: deep.field, rule: NESTED })
  const parsed = Result.flatMap(text, parseJson)
  if (Result.isFailure(parsed)) return Result.fail({ field: "", rule: "the body is not a whole JSON text in UTF-8" })
  const body = decode(parsed.success)
  if (Result.isFailure(body)) return Result.fail(faultOf(body.failure))
  return Result.succeed({ body: body.success, correlationId: givenId === "" ? undefined : givenId })
}

const decodeText = (bytes: Uint8Array) =>
  Result.try({ try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes), catch: () => "not UTF-8" as const })

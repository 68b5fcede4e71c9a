import { Effect, Result, Schema } from "effect"
import { CorrelationId } from "../../protocols/index.ts"
import type { Actors } from "../../runtime/index.ts"
import { withoutUse } from "../admission/access.ts"
import type { Buckets } from "../admission/bucket.ts"
import type { Grant } from "../auth/grant.ts"
import { SHORT_BYTES } from "../body.ts"
import { type Failure, internal, invalidRequest } from "../failures/failure.ts"
import type { Fault } from "../failures/fault.ts"
import {
  bodyFailure,
  bodyTooLarge,
  methodNotAllowed,
  stopping,
  tooManyBytes,
  unsupportedMediaType
} from "../failures/request-failures.ts"
import { type Caller, keyOf } from "../operations/caller.ts"
import { failureOf, type OperationFailure } from "../operations/failures.ts"
import type { GatewayState } from "../operations/gateway-state.ts"
import { type OperationEntry, operations } from "../operations/table/index.ts"
import type { OriginPolicy } from "../policy.ts"
import type { Exchange, HttpRequest, Reply, TemplatedApp } from "../uws.ts"
import type { Gate } from "./gate.ts"
import { crossOrigin, json, readJson } from "./json.ts"
import { problem } from "./problem.ts"

/** What is needed to answer operations over HTTP. */
export interface OperationOptions {
  /** What every request passes first. */
  readonly gate: Gate
  /** Who asks, as the grant of its request says, and from where; `key` names what is asked for, for good. */
  readonly callerOf: (grant: Grant, key: string | undefined, address: string) => Caller
  readonly origins: OriginPolicy
  readonly bodyBytesMax: number
  /** Bytes of bodies, by address. */
  readonly bodyBytes: Buckets
  readonly bodyBytesPerSecond: number
  /** Runs a request until it is answered. */
  readonly run: <A>(effect: Effect.Effect<A, never, Actors | GatewayState>) => { readonly interruptUnsafe: () => void }
}

/** Adds all operations of the table to the app. */
export const addOperations = (app: TemplatedApp, options: OperationOptions): void => {
  for (const operation of operations) {
    const { method, path, access } = operation
    if (method === "POST") app.post(path, options.gate(access, answerPost(options, operation)))
    else app.get(path, options.gate(access, answerGet(options, operation)))
    if (access.guarded) app.options(path, options.gate(withoutUse(access), answerPreflight(options.origins)))
  }
}

/** A request as its operation needs it. */
interface Asked {
  readonly operation: OperationEntry
  readonly caller: Caller
  /** That of the header; empty where there was none. */
  readonly correlationId: string
  readonly params: { readonly [name: string]: string }
  readonly query: { readonly [name: string]: string }
  /** Nothing where the method has none. */
  readonly bytes: Uint8Array | undefined
}

/** Answers once the type, the size and the rate of the body have passed. */
const answerPost =
  (options: OperationOptions, operation: OperationEntry) =>
  (call: Exchange, req: HttpRequest, grant: Grant): void => {
    const { bodyBytesMax, bodyBytes, bodyBytesPerSecond } = options
    const respond = responding(options, operation, call, req)
    const refuse = (failure: Failure) => respond(problem(failure))
    if (!/^application\/json\s*(;|$)/i.test(req.getHeader("content-type"))) return refuse(unsupportedMediaType)
    if (Number(req.getHeader("content-length")) > bodyBytesMax) return refuse(bodyTooLarge(bodyBytesMax))
    const key = req.getHeader("idempotency-key")
    if (key !== "" && keyOf(key) === undefined) {
      return refuse(invalidRequest({ field: "idempotency-key", rule: "must be a UUID" }))
    }
    const asked = askedOf(operation, req, options.callerOf(grant, keyOf(key), call.address))
    call.onBody(bodyBytesMax, (bytes) => {
      if (typeof bytes === "string") return refuse(bodyFailure(bytes, bodyBytesMax))
      const counted = Math.max(0, bytes.byteLength - SHORT_BYTES)
      if (counted > 0 && !bodyBytes.take(call.address, performance.now(), counted)) {
        return refuse(tooManyBytes(bodyBytesPerSecond))
      }
      give(options, call, respond, { ...asked, bytes })
    })
  }

const answerGet =
  (options: OperationOptions, operation: OperationEntry) =>
  (call: Exchange, req: HttpRequest, grant: Grant): void =>
    give(
      options,
      call,
      responding(options, operation, call, req),
      askedOf(operation, req, options.callerOf(grant, undefined, call.address))
    )

// A request is gone when its handler returns.
const askedOf = (operation: OperationEntry, req: HttpRequest, caller: Caller): Asked => {
  const given = new URLSearchParams(req.getQuery())
  return {
    operation,
    caller,
    correlationId: req.getHeader("x-correlation-id"),
    params: Object.fromEntries(operation.params.map((name, index) => [name, plainText(req.getParameter(index) ?? "")])),
    query: Object.fromEntries(operation.query.map((name) => [name, given.get(name) ?? ""])),
    bytes: undefined
  }
}

/** A part of a path without its escapes: a symbol may hold a slash, which is `%2F` there. What is escaped wrongly stays as it is. */
const plainText = (part: string): string =>
  Result.getOrElse(
    Result.try(() => decodeURIComponent(part)),
    () => part
  )

/** How the request is responded to: pages of allowed origins read what is not for everybody. */
const responding = (
  { origins }: OperationOptions,
  { access }: OperationEntry,
  call: Exchange,
  req: HttpRequest
): ((reply: Reply) => void) => {
  const headers = access.guarded ? crossOrigin(req.getHeader("origin"), origins) : {}
  return (reply) => call.respond({ ...reply, headers: { ...reply.headers, ...headers } })
}

const give = (options: OperationOptions, call: Exchange, respond: (reply: Reply) => void, asked: Asked): void => {
  const fiber = options.run(
    // Later, in the fiber: an exception in a callback of the library would end the process.
    Effect.suspend(() => answer(asked)).pipe(
      Effect.catchDefect((defect) => Effect.as(Effect.logError("request failed", defect), problem(internal()))),
      Effect.onInterrupt(() => Effect.sync(() => respond(problem(stopping)))),
      Effect.map(respond)
    )
  )
  // Nobody waits for the answer any more. What was asked is stored and goes its way.
  call.onGone(() => fiber.interruptUnsafe())
}

const isCorrelationId = Schema.is(CorrelationId)

/** What was sent, decoded in the order in which its faults are told. */
const read = ({ operation, correlationId, params, query, bytes }: Asked): Result.Result<unknown, Fault> => {
  if (bytes !== undefined && correlationId !== "" && !isCorrelationId(correlationId)) {
    return Result.fail({ field: "x-correlation-id", rule: "1 to 64 letters, digits, dashes or underscores" })
  }
  const body = bytes === undefined ? Result.succeed(undefined) : readJson(bytes)
  return Result.flatMap(body, (payload) => operation.decode({ payload, params, query }))
}

/** What the operation answers, or why it does not. What is our own fault is logged, with the correlation id that the client is told. */
const answer = (asked: Asked): Effect.Effect<Reply, never, Actors | GatewayState> => {
  const { operation, caller, correlationId: given } = asked
  const parts = read(asked)
  if (Result.isFailure(parts)) return Effect.succeed(problem(invalidRequest(parts.failure)))
  const running = operation.begin(parts.success, {
    caller,
    correlationId: isCorrelationId(given) ? given : undefined,
    tell: undefined
  })
  const { correlationId, headers } = running
  const refused = (failure: Failure): Reply => {
    const reply = problem(failure, correlationId)
    return { ...reply, headers: { ...reply.headers, ...headers } }
  }
  const logged = (cause: unknown) =>
    Effect.logError("request failed", cause).pipe(
      Effect.annotateLogs(correlationId === undefined ? {} : { correlation_id: correlationId })
    )
  return running.answer.pipe(
    Effect.map((found) => json(operation.status, found.json, found.headers)),
    Effect.catch((reason: OperationFailure) => {
      const failure = failureOf(reason)
      return failure.status === 500 ? Effect.as(logged(reason), refused(failure)) : Effect.succeed(refused(failure))
    }),
    Effect.catchDefect((defect) => Effect.as(logged(defect), refused(internal())))
  )
}

const answerPreflight = (origins: OriginPolicy) => (call: Exchange, req: HttpRequest) => {
  const headers = crossOrigin(req.getHeader("origin"), origins)
  if (headers["access-control-allow-origin"] === undefined) return call.respond(problem(methodNotAllowed("POST")))
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

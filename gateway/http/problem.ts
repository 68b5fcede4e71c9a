import type { Problem } from "../../protocols/index.ts"
import type { AskError } from "../../runtime/index.ts"
import type { Census } from "../census.ts"
import { type Fault, formatFault } from "../fault.ts"
import { type GatewayLimits, limitNames } from "../policy.ts"
import type { Reply } from "../uws.ts"

export type Headers = { readonly [name: string]: string }

interface Fields {
  readonly status: number
  /** Names the kind of problem, for programs: the last part of its `type`. */
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly field?: string
  readonly correlationId?: string | undefined
  readonly headers?: Headers
}

/** A problem document (RFC 9457) as a reply. */
export const problem = (fields: Fields): Reply => {
  const body: Problem = {
    type: `urn:conclave:problem:${fields.code}`,
    title: fields.title,
    status: fields.status,
    detail: fields.detail,
    ...(fields.field === undefined ? {} : { field: fields.field }),
    ...(fields.correlationId === undefined ? {} : { correlation_id: fields.correlationId })
  }
  return {
    status: fields.status,
    headers: { "content-type": "application/problem+json", ...fields.headers },
    body: JSON.stringify(body)
  }
}

/** 400: what was sent breaks a rule, and which. */
export const invalidRequest = (fault: Fault, correlationId?: string): Reply =>
  problem({
    status: 400,
    code: "invalid-request",
    title: "The request is not valid",
    detail: formatFault(fault),
    ...(fault.field === "" ? {} : { field: fault.field }),
    ...(correlationId === undefined ? {} : { correlationId })
  })

export const notFound = (): Reply =>
  problem({
    status: 404,
    code: "not-found",
    title: "There is nothing at this address",
    detail: "GET / names the addresses there are"
  })

export const methodNotAllowed = (allow: string): Reply =>
  problem({
    status: 405,
    code: "method-not-allowed",
    title: "This address does not take this method",
    detail: `it takes ${allow}`,
    headers: { allow: allow === "GET" ? "GET, HEAD" : allow }
  })

export const forbiddenOrigin = (detail: string): Reply =>
  problem({ status: 403, code: "forbidden-origin", title: "The origin is not allowed", detail })

/** 401: the request has no token or key, or one that is not good. */
export const unauthorized = (reason: string): Reply =>
  problem({
    status: 401,
    code: "unauthorized",
    title: "Who are you?",
    detail: reason,
    headers: { "www-authenticate": "Bearer" }
  })

/** 403: the token or key does not allow it. `what` ends a sentence. */
export const forbiddenOperation = (what: string): Reply =>
  problem({
    status: 403,
    code: "forbidden",
    title: "This is not allowed to you",
    detail: `your token or key does not allow ${what}`
  })

export const upgradeRequired = (): Reply =>
  problem({
    status: 426,
    code: "upgrade-required",
    title: "This address speaks WebSocket",
    detail: "open it as ws://…/ws",
    headers: { upgrade: "websocket" }
  })

export const unsupportedMediaType = (): Reply =>
  problem({
    status: 415,
    code: "unsupported-media-type",
    title: "The body must be JSON",
    detail: "send it with `content-type: application/json`",
    field: "content-type"
  })

export const bodyTooLarge = (limit: number): Reply =>
  problem({
    status: 413,
    code: "body-too-large",
    title: "The body is too large",
    detail: `a body has at most ${limit} bytes (${limitNames.bodyBytesMax})`
  })

/** Why a further client of an address is not taken, over whatever protocol; nothing where it is. */
export const noRoomFor = (
  address: string,
  census: Pick<Census, "size" | "from">,
  limits: Pick<GatewayLimits, "connectionsMax" | "connectionsPerAddressMax">
): Reply | undefined => {
  if (census.size >= limits.connectionsMax) return tooManyConnections(limits.connectionsMax)
  return census.from(address) >= limits.connectionsPerAddressMax
    ? tooManyFromAddress(limits.connectionsPerAddressMax)
    : undefined
}

/** 503: as many clients are connected as the gateway takes. */
const tooManyConnections = (limit: number): Reply =>
  unavailable(
    "too-many-connections",
    `at most ${limit} clients are connected at one time (${limitNames.connectionsMax})`,
    5
  )

/** 429: as many clients are connected from this address as one may have. */
const tooManyFromAddress = (limit: number): Reply =>
  problem({
    status: 429,
    code: "too-many-connections",
    title: "Too many connections",
    detail: `at most ${limit} clients are connected from one address (${limitNames.connectionsPerAddressMax})`,
    headers: { "retry-after": "5" }
  })

/** 429: requests come faster than one address may send them. */
export const tooManyRequests = (limit: number): Reply =>
  problem({
    status: 429,
    code: "rate-limited",
    title: "Too many requests",
    detail: `at most ${limit} requests per second from one address (${limitNames.requestsPerSecond})`,
    headers: { "retry-after": "1" }
  })

/** 503: the gateway is being stopped. */
export const stopping = (): Reply => unavailable("stopping", "the gateway is stopping: try again later", 5)

/** 500, without a word of what went wrong inside. */
export const internal = (correlationId?: string): Reply =>
  problem({
    status: 500,
    code: "internal",
    title: "The request failed",
    detail: "something failed inside; the log says what, under the correlation id",
    ...(correlationId === undefined ? {} : { correlationId })
  })

/** 409: the key stands for something else. */
export const keyReused = (correlationId?: string): Reply =>
  problem({
    status: 409,
    code: "key-reused",
    title: "The key was used for something else",
    detail:
      "the idempotency key, or the id of the operation, was used before by another caller, for another operation or with another body: a new request needs a new one",
    field: "idempotency-key",
    correlationId
  })

/** What went wrong with asking an actor, as a client may know it. */
export const askProblem = (error: AskError, correlationId?: string): Reply => {
  switch (error._tag) {
    case "MailboxFull":
      return unavailable(
        "mailbox-full",
        "too many messages are waiting for the actor",
        error.retry_after_ms / 1000,
        correlationId
      )
    case "Overloaded":
      return unavailable("overloaded", "too much is waiting to be sent", error.retry_after_ms / 1000, correlationId)
    case "LogFull":
      return unavailable(
        "log-full",
        "the log is full: nothing can be stored until there is room",
        error.retry_after_ms / 1000,
        correlationId
      )
    case "LogUnavailable":
      return unavailable("log-unavailable", "the log does not answer", 1, correlationId)
    case "LogReplaced":
      return unavailable("log-replaced", "the log was replaced: the system has to be started anew", 30, correlationId)
    case "ActorUnavailable":
      return unavailable(
        "actor-unavailable",
        "the actor is paused, or no live node has its type; its message is kept and waits",
        10,
        correlationId
      )
    case "AskTimeout":
      return problem({
        status: 504,
        code: "timeout",
        title: "It took too long",
        detail: `no answer within ${error.timeout_ms} ms; it may still be under way, and its events will be published`,
        correlationId
      })
    case "NoNodeServes":
      return unavailable("no-node", error.detail, 5, correlationId)
    case "KeyReused":
      return keyReused(correlationId)
    case "TooLarge":
      return problem({
        status: 413,
        code: "body-too-large",
        title: "The body is too large",
        detail: "what was sent is more than the log takes in one message",
        correlationId
      })
    case "InvalidAddress":
    case "InvalidMessage":
    case "ActorFailed":
    case "ActorStopped":
    case "LogRefused":
    case "Fenced":
    case "AlreadyStored":
      return internal(correlationId)
  }
}

/** 503: trying again later helps. */
export const unavailable = (code: string, detail: string, retrySeconds: number, correlationId?: string): Reply =>
  problem({
    status: 503,
    code,
    title: "Not available now",
    detail,
    headers: { "retry-after": String(Math.max(1, Math.ceil(retrySeconds))) },
    ...(correlationId === undefined ? {} : { correlationId })
  })

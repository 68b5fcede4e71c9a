import type { Problem } from "../../protocols/index.ts"
import type { BodyFault } from "../body.ts"
import type { ConnectionRegistry } from "../connection-registry.ts"
import { type GatewayLimits, limitNames } from "../policy.ts"
import type { Reply } from "../uws.ts"
import { type Fault, formatFault } from "./fault.ts"

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

/** 421: the request was sent to a name that is not this gateway's. */
export const misdirected = (detail: string): Reply =>
  problem({ status: 421, code: "misdirected", title: "This gateway has another name", detail })

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

/** 426: it is no WebSocket of RFC 6455. */
export const versionRequired = (): Reply =>
  problem({
    status: 426,
    code: "upgrade-required",
    title: "This version of WebSocket is not spoken",
    detail: "the gateway speaks version 13 (RFC 6455)",
    headers: { upgrade: "websocket", "sec-websocket-version": "13" }
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

/** 408: the body did not come in time. Nothing more is read from its connection. */
const bodyTooSlow = (): Reply => ({
  ...problem({
    status: 408,
    code: "body-too-slow",
    title: "The body took too long to come",
    detail: `a body has to come in the time of ${limitNames.bodyMillis}`
  }),
  close: true
})

/** The answer to a request whose body could not be read. */
export const bodyProblem = (fault: BodyFault, limit: number): Reply => {
  if (fault === "too_long") return bodyTooLarge(limit)
  if (fault === "too_slow") return bodyTooSlow()
  return unavailable("no-room", `too much is being sent at once (${limitNames.bodiesBytesMax})`, 1)
}

/** 429: bodies come faster than one address may send them. */
export const tooManyBytes = (limit: number): Reply =>
  problem({
    status: 429,
    code: "rate-limited",
    title: "Too much at once",
    detail: `at most ${limit} bytes of bodies per second from one address (${limitNames.bodyBytesPerSecond})`,
    headers: { "retry-after": "1" }
  })

/** 429: WebSockets are opened faster than one address may open them. */
export const tooManyHandshakes = (limit: number): Reply =>
  problem({
    status: 429,
    code: "rate-limited",
    title: "Too many handshakes",
    detail: `at most ${limit} WebSockets per second from one address without a good token (${limitNames.handshakesPerSecond}): bring it with the handshake`,
    headers: { "retry-after": "1" }
  })

/** Ends the sentence of why somebody is not let in. */
export const TOO_MANY_OFFENCES = "connections of yours were refused too much: wait some seconds, and send less"

/** 429: connections of this address were closed again and again because they had to be refused too much. */
export const tooManyOffences = (): Reply =>
  problem({
    status: 429,
    code: "too-many-refusals",
    title: "Too many refusals",
    detail: TOO_MANY_OFFENCES,
    headers: { "retry-after": "5" }
  })

/** Why a further client of an address is not taken, over whatever protocol; nothing where it is. */
export const noRoomFor = (
  address: string,
  registry: Pick<ConnectionRegistry, "size" | "from">,
  limits: Pick<GatewayLimits, "connectionsMax" | "connectionsPerAddressMax">
): { readonly reply: Reply; readonly detail: string } | undefined => {
  const { connectionsMax, connectionsPerAddressMax } = limits
  if (registry.size >= connectionsMax) {
    const detail = `at most ${connectionsMax} clients are connected at one time (${limitNames.connectionsMax})`
    return { reply: unavailable("too-many-connections", detail, 5), detail }
  }
  if (registry.from(address) < connectionsPerAddressMax) return undefined
  const detail = `at most ${connectionsPerAddressMax} clients are connected from one address (${limitNames.connectionsPerAddressMax})`
  const [code, title, headers] = ["too-many-connections", "Too many connections", { "retry-after": "5" }] as const
  return { reply: problem({ status: 429, code, title, detail, headers }), detail }
}

/** 429: requests come faster than one address may send them. */
export const tooManyRequests = (limit: number): Reply =>
  problem({
    status: 429,
    code: "rate-limited",
    title: "Too many requests",
    detail: `at most ${limit} requests per second from one address (${limitNames.requestsPerSecond})`,
    headers: { "retry-after": "1" }
  })

/** 429: actors are asked for more than one client may, over whatever connections. */
export const tooManyAsks = (limit: number): Reply =>
  problem({
    status: 429,
    code: "rate-limited",
    title: "Too many questions",
    detail: `at most ${limit} requests and operations per second of one client that agents answer (${limitNames.asksPerSecondPerClient})`,
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

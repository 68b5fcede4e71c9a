// Why a request is not let in, or not read, before anything is done.
import type { BodyFault } from "../body.ts"
import type { ConnectionRegistry } from "../connection-registry.ts"
import { type GatewayLimits, limitNames } from "../policy.ts"
import { type Failure, rateLimited, tooLarge, unavailable } from "./failure.ts"

export const notFound: Failure = {
  status: 404,
  code: "not-found",
  title: "There is nothing at this address",
  detail: "GET / names the addresses there are"
}

/** 405. `allow`: the methods that the address takes, with commas between. */
export const methodNotAllowed = (allow: string): Failure => ({
  status: 405,
  code: "method-not-allowed",
  title: "This address does not take this method",
  detail: `it takes ${allow}`,
  headers: { allow: allow === "GET" ? "GET, HEAD" : allow }
})

/** 421: the request was sent to a name that is not this gateway's. */
export const misdirected = (detail: string): Failure => ({
  status: 421,
  code: "misdirected",
  title: "This gateway has another name",
  detail
})

export const forbiddenOrigin = (detail: string): Failure => ({
  status: 403,
  code: "forbidden-origin",
  title: "The origin is not allowed",
  detail
})

/** 401: the request has no token or key, or one that is not good. */
export const unauthorized = (reason: string): Failure => ({
  status: 401,
  code: "unauthorized",
  title: "Who are you?",
  detail: reason,
  headers: { "www-authenticate": "Bearer" }
})

/** 426: it is no WebSocket of RFC 6455. */
export const versionRequired: Failure = {
  status: 426,
  code: "upgrade-required",
  title: "This version of WebSocket is not spoken",
  detail: "the gateway speaks version 13 (RFC 6455)",
  headers: { upgrade: "websocket", "sec-websocket-version": "13" }
}

export const upgradeRequired: Failure = {
  status: 426,
  code: "upgrade-required",
  title: "This address speaks WebSocket",
  detail: "open it as ws://…/ws",
  headers: { upgrade: "websocket" }
}

export const unsupportedMediaType: Failure = {
  status: 415,
  code: "unsupported-media-type",
  title: "The body must be JSON",
  detail: "send it with `content-type: application/json`",
  field: "content-type"
}

export const bodyTooLarge = (limit: number): Failure =>
  tooLarge(`a body has at most ${limit} bytes (${limitNames.bodyBytesMax})`)

/** 408: the body did not come in time. Nothing more is read from its connection. */
const bodyTooSlow: Failure = {
  status: 408,
  code: "body-too-slow",
  title: "The body took too long to come",
  detail: `a body has to come in the time of ${limitNames.bodyMillis}`,
  close: true
}

/** Why a body could not be read. */
export const bodyFailure = (fault: BodyFault, limit: number): Failure => {
  if (fault === "too_long") return bodyTooLarge(limit)
  if (fault === "too_slow") return bodyTooSlow
  return unavailable("no-room", `too much is being sent at once (${limitNames.bodiesBytesMax})`, 1)
}

/** 429: bodies come faster than one address may send them. */
export const tooManyBytes = (limit: number): Failure =>
  rateLimited(
    "Too much at once",
    `at most ${limit} bytes of bodies per second from one address (${limitNames.bodyBytesPerSecond})`
  )

/** 429: WebSockets are opened faster than one address may open them. */
export const tooManyHandshakes = (limit: number): Failure =>
  rateLimited(
    "Too many handshakes",
    `at most ${limit} WebSockets per second from one address without a good token (${limitNames.handshakesPerSecond}): bring it with the handshake`
  )

/** 429: connections of this address were closed again and again because they had to be refused too much. */
export const tooManyOffences: Failure = {
  status: 429,
  code: "too-many-refusals",
  title: "Too many refusals",
  detail: "connections of yours were refused too much: wait some seconds, and send less",
  retrySeconds: 5
}

/** Why a further client of an address is not taken, over whatever protocol; nothing where it is. */
export const noRoomFor = (
  address: string,
  registry: Pick<ConnectionRegistry, "size" | "from">,
  limits: Pick<GatewayLimits, "connectionsMax" | "connectionsPerAddressMax">
): Failure | undefined => {
  const { connectionsMax, connectionsPerAddressMax } = limits
  const code = "too-many-connections"
  if (registry.size >= connectionsMax) {
    return unavailable(
      code,
      `at most ${connectionsMax} clients are connected at one time (${limitNames.connectionsMax})`,
      5
    )
  }
  if (registry.from(address) < connectionsPerAddressMax) return undefined
  return {
    status: 429,
    code,
    title: "Too many connections",
    detail: `at most ${connectionsPerAddressMax} clients are connected from one address (${limitNames.connectionsPerAddressMax})`,
    retrySeconds: 5
  }
}

/** 429: requests come faster than one address may send them. */
export const tooManyRequests = (limit: number): Failure =>
  rateLimited(
    "Too many requests",
    `at most ${limit} requests per second from one address (${limitNames.requestsPerSecond})`
  )

/** 429: actors are asked for more than one client may, over whatever connections. */
export const tooManyAsks = (limit: number): Failure =>
  rateLimited(
    "Too many questions",
    `at most ${limit} requests and operations per second of one client that agents answer (${limitNames.asksPerSecondPerClient})`
  )

/** 503: the gateway is being stopped. */
export const stopping: Failure = unavailable("stopping", "the gateway is stopping: try again later", 5)

import type { ErrorData, Frame } from "../../protocols/index.ts"
import { type GatewayLimits, limitNames } from "../policy.ts"

/** A frame of the protocol's own, about no event. */
export const ownFrame = (type: string, data: unknown): Frame => ({ type, seq: null, subject: null, data })

/** The `error` frame with which a client is left whose grant has run out, or who never had one. */
export const notWelcome = (why: "expired" | "silent"): Frame =>
  ownFrame("error", {
    id: null,
    ...(why === "expired"
      ? { code: "token_expired", message: "the token has expired: connect again with a new one" }
      : { code: "unauthenticated", message: "no token came in time" })
  } satisfies ErrorData)

/** The frame with which clients are left by a gateway that stops. */
export const goingAway = (retryAfterMillis: number): Frame =>
  ownFrame("going_away", { reason: "the gateway is stopping", retry_after_ms: retryAfterMillis })

/** The `error` frame with which a client that does not read is left. */
export const slowConsumer = (id: string | null, limits: GatewayLimits): Frame =>
  ownFrame("error", {
    id,
    code: "slow_consumer",
    message: `more than ${limits.pendingBytesMax} bytes were waiting to be read (${limitNames.pendingBytesMax})`
  } satisfies ErrorData)

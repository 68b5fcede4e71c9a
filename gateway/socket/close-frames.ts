import type { ErrorData, Frame } from "../../protocols/index.ts"
import { type GatewayLimits, limitNames } from "../policy.ts"
import type { Slowness } from "../streams/delivery.ts"

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

/** Why a client that does not read is left. */
export type SlowReason = Slowness | "stalled"

/** The `error` frame with which a client that does not read is left. */
export const slowConsumer = (id: string | null, why: SlowReason, limits: GatewayLimits): Frame =>
  ownFrame("error", { id, code: "slow_consumer", message: slowMessage(why, limits) } satisfies ErrorData)

const slowMessage = (why: SlowReason, { pendingBytesMax, queueBytesMax, stallMillis }: GatewayLimits): string => {
  switch (why) {
    case "full":
      return `more than ${pendingBytesMax} bytes were waiting to be read (${limitNames.pendingBytesMax})`
    case "crowded":
      return `more than ${queueBytesMax} bytes were waiting for all clients together (${limitNames.queueBytesMax})`
    case "stalled":
      return `nothing was read for ${stallMillis} ms (${limitNames.stallMillis})`
  }
}

/** The `error` frame with which a client is left that was refused too often. */
export const tooManyRefusals = (): Frame =>
  ownFrame("error", {
    id: null,
    code: "rate_limited",
    message: "too many frames had to be refused: connect again, and send fewer"
  } satisfies ErrorData)

/** The `error` frame with which a client is left that says too much before it says who it is. */
export const tooMuchUnauthenticated = ({ unauthenticatedBytesMax: limit }: GatewayLimits): Frame =>
  ownFrame("error", {
    id: null,
    code: "unauthenticated",
    message: `at most ${limit} bytes may be sent before it is known who you are (${limitNames.unauthenticatedBytesMax})`
  } satisfies ErrorData)

/** The `error` frame with which a client is left for whom there is no room. */
export const noRoom = (message: string): Frame =>
  ownFrame("error", { id: null, code: "unavailable", message } satisfies ErrorData)

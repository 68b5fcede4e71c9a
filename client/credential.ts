/** How a client says who it is: in the handshake, or in the first frame. */
export type Way = "handshake" | "frame"

/** As the gateway knows them; a browser can send no other header than that of subprotocols. */
const SUBPROTOCOL = "conclave.v1"
const TOKEN_SUBPROTOCOL = "bearer."
/** A longer token may be more than a proxy takes in a header. */
const HANDSHAKE_CHARACTERS_MAX = 4_096
/** What a subprotocol may hold: a token of HTTP. */
const SENDABLE = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

/** The subprotocols that carry a token; none where it is no text for a header, or too long for one. */
export const protocolsWith = (token: string): ReadonlyArray<string> =>
  SENDABLE.test(token) && token.length <= HANDSHAKE_CHARACTERS_MAX ? [SUBPROTOCOL, `${TOKEN_SUBPROTOCOL}${token}`] : []

/** A token is renewed when this part of its time is over. */
const RENEW_AT = 0.8
/** No token is renewed sooner, in milliseconds: one that is nearly over would be asked for again and again. */
export const RENEW_AFTER_MILLIS = 1_000
/** The same, where the gateway does not say how long a token is good, and only our own clock does, which may be wrong. */
const RENEW_BY_CLOCK_MILLIS = 30_000

/** When a token has to be renewed, in milliseconds from now; never, where it does not expire. */
export const goodFor = ({ expires_in_ms: left, expires_at: end }: Record<string, unknown>): number | undefined => {
  if (typeof left === "number") return Math.max(left * RENEW_AT, RENEW_AFTER_MILLIS)
  if (typeof end !== "string") return undefined
  return Math.max((Date.parse(end) - Date.now()) * RENEW_AT, RENEW_BY_CLOCK_MILLIS)
}

/** What comes of a promise, or something else where it takes longer. */
export const within = async <A>(millis: number, promise: Promise<A>, otherwise: A): Promise<A> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<A>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), millis)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

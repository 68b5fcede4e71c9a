export { defaultLimits, type GatewayLimits, limitNames } from "../protocols/index.ts"

/** Who a request says it comes from, and where it believes it went. Empty where the header is missing. */
export interface Origins {
  readonly origin: string
  readonly host: string
}

export interface OriginPolicy {
  /** The address that is listened on. */
  readonly host: string
  /** Origins of pages elsewhere that may use the gateway, such as `https://desk.example`. */
  readonly allowedOrigins: ReadonlyArray<string>
}

/**
 * Says why a request must be refused, or nothing when it may go on.
 *
 * Any web page may send requests to a loopback address, and only the `Origin` header, which browsers set, tells them
 * from ours. Programs send none and pass. An origin passes if it is allowed by name, or if it is the gateway's own:
 * equal to `Host`, and `Host` one of the gateway's own names. Without the second half a page whose name was pointed
 * at 127.0.0.1 after it was loaded (DNS rebinding) would be equal to its own `Host`.
 */
export const originFault = (request: Origins, policy: OriginPolicy): string | undefined => {
  const { origin, host } = request
  if (origin === "" || policy.allowedOrigins.includes(origin)) return undefined
  const own = origin === `http://${host}` || origin === `https://${host}`
  if (own && ownNames(policy).includes(hostname(host))) return undefined
  return "pages of this origin may not use this gateway: add the origin to its allowed origins"
}

/** Whether only programs on this machine reach an address. */
export const isLoopback = (host: string): boolean =>
  ["localhost", "::1", "[::1]"].includes(host) || /^127(\.\d{1,3}){3}$/.test(host)

const ownNames = (policy: OriginPolicy): ReadonlyArray<string> => ["127.0.0.1", "localhost", "[::1]", policy.host]

// A port may be mapped on the way here, so names are compared without it.
const hostname = (host: string): string => host.replace(/:\d+$/, "").toLowerCase()

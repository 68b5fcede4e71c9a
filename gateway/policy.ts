import { isIP } from "node:net"
import { hostname } from "node:os"

export { defaultLimits, type GatewayLimits, limitNames } from "../protocols/index.ts"

/** Who a request says it comes from, and where it believes it went. Empty where the header is missing. */
export interface Origins {
  readonly origin: string
  readonly host: string
  /** `Sec-Fetch-Site`, which browsers send and pages cannot forge; `cross-site` where one page asks for what is another's. */
  readonly site: string
}

export interface OriginPolicy {
  /** The address that is listened on. */
  readonly host: string
  /** Further names under which the gateway is reached, such as `desk.example` or `desk.example:8443`. */
  readonly hosts: ReadonlyArray<string>
  /** Origins of pages elsewhere that may use the gateway, such as `https://desk.example`. */
  readonly allowedOrigins: ReadonlyArray<string>
}

/**
 * Says why a request must be refused, or nothing when it may go on.
 *
 * Any web page may send requests to a loopback address, and only what browsers say of it tells them from ours. Programs
 * say nothing and pass. An origin passes if it is allowed by name, or if it is the gateway's own: equal to `Host`, which has to be
 * one of the gateway's own names (see `hostFault`). Requests without an origin, as of pictures, pass from no other site.
 */
export const originFault = ({ origin, host, site }: Origins, policy: OriginPolicy): string | undefined => {
  if (policy.allowedOrigins.includes(origin)) return undefined
  if (origin === "" && !OTHER_SITES.has(site)) return undefined
  const own = origin === `http://${host}` || origin === `https://${host}`
  if (own && hostFault(host, policy) === undefined) return undefined
  return "pages of this origin may not use this gateway: add the origin to its allowed origins (GATEWAY_ORIGINS)"
}

/** A page on another port of the same machine is of the same site, and another's all the same. */
const OTHER_SITES: ReadonlySet<string> = new Set(["cross-site", "same-site"])

/**
 * Says why a request must be refused for the name that it was sent to, or nothing when it may go on.
 *
 * A page whose name was pointed at this machine after it was loaded (DNS rebinding) is of the same origin as the gateway to its
 * browser, and may read everything. Only `Host` tells the name. An address in numbers is no name that could be pointed elsewhere,
 * and a port may be mapped on the way here: it is compared only where it was given with a further name.
 */
export const hostFault = (host: string, policy: OriginPolicy): string | undefined => {
  const asked = host.toLowerCase()
  const [, name = ""] = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/.exec(asked) ?? []
  const given = policy.hosts.some((each) => each.toLowerCase() === (each.includes(":") ? asked : name))
  if (given || isOwn(name, policy.host)) return undefined
  return "the Host of the request is not this gateway's: add the name to GATEWAY_HOSTS, if it is reached under it"
}

const isOwn = (name: string, host: string): boolean =>
  isLoopback(name) ||
  name === (host.includes(":") ? `[${host}]` : host.toLowerCase()) ||
  // Who listens on every address is reached under all of them.
  (ANY_ADDRESS.has(host) && (isIP(name.replace(/^\[|\]$/g, "")) !== 0 || name === hostname().toLowerCase()))

const ANY_ADDRESS: ReadonlySet<string> = new Set(["0.0.0.0", "::"])

/** Whether only programs on this machine reach an address. */
export const isLoopback = (host: string): boolean =>
  ["localhost", "::1", "[::1]"].includes(host) || /^127(\.\d{1,3}){3}$/.test(host)

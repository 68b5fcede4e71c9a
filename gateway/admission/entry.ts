import type { Failure } from "../failures/failure.ts"
import { forbiddenOrigin, misdirected } from "../failures/request-failures.ts"
import { hostFault, type OriginPolicy, originFault } from "../policy.ts"
import type { HttpRequest } from "../uws.ts"
import type { Access } from "./access.ts"

/**
 * What every request is asked, those that become a WebSocket included: whether it was meant for this gateway, and whether the
 * page that sends it may. Why it may not go on, or nothing.
 */
export const refuseEntry = (
  req: HttpRequest,
  policy: OriginPolicy,
  { pages }: Pick<Access, "pages">
): Failure | undefined => {
  const host = req.getHeader("host")
  const misled = hostFault(host, policy)
  if (misled !== undefined) return misdirected(misled)
  if (pages === "all" || req.getMethod() === "options") return undefined
  const fault = originFault({ origin: req.getHeader("origin"), host, site: req.getHeader("sec-fetch-site") }, policy)
  return fault === undefined ? undefined : forbiddenOrigin(fault)
}

/** Headers of which there is one at most: who reads the first of several, and who reads the last, read two requests. */
const SINGLE: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "host", "origin"])

/**
 * Whether a request can be read in two ways, which makes it one to the gateway and two to what stands before it, or the other
 * way round (request smuggling). The library reads the first of several lengths, and takes any transfer coding for chunks; what
 * it reads next it takes for a request, unless the connection is closed before the handler returns.
 */
export const isUnclear = (req: HttpRequest): boolean => {
  const seen = new Map<string, string>()
  let repeated = false
  req.forEach((name, value) => {
    if (!SINGLE.has(name)) return
    repeated ||= seen.has(name)
    seen.set(name, value)
  })
  const [length, coding] = [seen.get("content-length"), seen.get("transfer-encoding")]
  if (repeated || (length !== undefined && coding !== undefined)) return true
  return (
    (length !== undefined && !/^\d{1,15}$/.test(length)) || (coding !== undefined && coding.toLowerCase() !== "chunked")
  )
}

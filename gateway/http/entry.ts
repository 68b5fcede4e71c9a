import { hostFault, type OriginPolicy, originFault } from "../policy.ts"
import type { HttpRequest, Reply } from "../uws.ts"
import { forbiddenOrigin, invalidFraming, misdirected } from "./problem.ts"

/**
 * What every request is asked first, those that become a WebSocket included: whether it says in one way where it ends, whether it
 * was meant for this gateway, and whether the page that sends it may. The answer to one that may not go on, or nothing.
 */
export const refuseEntry = (req: HttpRequest, policy: OriginPolicy): Reply | undefined => {
  const framing = framingFault(req)
  if (framing !== undefined) return invalidFraming(framing)
  const host = req.getHeader("host")
  const misled = hostFault(host, policy)
  if (misled !== undefined) return misdirected(misled)
  if (!isForPrograms(req.getUrl()) || req.getMethod() === "options") return undefined
  const fault = originFault({ origin: req.getHeader("origin"), host, site: req.getHeader("sec-fetch-site") }, policy)
  return fault === undefined ? undefined : forbiddenOrigin(fault)
}

/** What is no page, nor what pages are made of, and says more than that the gateway is there. */
const isForPrograms = (path: string): boolean => path.startsWith("/api/") || path === "/metrics" || path === "/ws"

/**
 * A request that can be read in two ways is one to the gateway, and two to what stands before it, or the other way round
 * (request smuggling). The library reads the first of several lengths, and takes any transfer coding for chunks.
 */
const framingFault = (req: HttpRequest): string | undefined => {
  const count = { "content-length": 0, "transfer-encoding": 0, host: 0 }
  req.forEach((name) => {
    if (name === "content-length" || name === "transfer-encoding" || name === "host") count[name]++
  })
  for (const [name, times] of Object.entries(count)) if (times > 1) return `there is more than one ${name} header`
  if (count["content-length"] > 0 && count["transfer-encoding"] > 0) {
    return "there is both a content-length and a transfer-encoding header"
  }
  if (count["content-length"] > 0 && !/^\d{1,15}$/.test(req.getHeader("content-length"))) {
    return "the content-length header is not a number"
  }
  const coding = req.getHeader("transfer-encoding").toLowerCase()
  return count["transfer-encoding"] > 0 && coding !== "chunked" ? "the transfer coding is not chunked" : undefined
}

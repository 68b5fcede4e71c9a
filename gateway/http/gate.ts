import { Effect, type Fiber } from "effect"
import type { Buckets } from "../admission/bucket.ts"
import type { SharedCosts } from "../admission/costs.ts"
import { isUnclear, refuseEntry } from "../admission/entry.ts"
import type { Authenticator, Unauthorized } from "../auth/authenticator.ts"
import { credentialOf } from "../auth/credential.ts"
import { everything, type Grant, type Operation } from "../auth/grant.ts"
import type { BodyRoom } from "../body.ts"
import { forbiddenOperation, internal, tooManyAsks, tooManyRequests, unauthorized } from "../failures/problem.ts"
import type { GatewayLimits, OriginPolicy } from "../policy.ts"
import { copyOf, type Exchange, exchange, type HttpRequest, type HttpResponse } from "../uws.ts"

export interface GateOptions {
  readonly authenticator: Authenticator
  readonly requests: Buckets
  /** Of those who turn a switch with a token or key that was not seen to be good before, by address. */
  readonly strangers: Buckets
  readonly costs: SharedCosts
  readonly limits: Pick<GatewayLimits, "requestsPerSecond" | "bodyBytesMax" | "asksPerSecondPerClient">
  readonly room: BodyRoom
  readonly origins: OriginPolicy
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

/** What answers a request that was let in. */
export type Handler = (call: Exchange, req: HttpRequest, grant: Grant) => void

/** Lets a request in, or answers why not. To be called as a handler of the app. */
export type Gate = (answer: Handler) => (res: HttpResponse, req: HttpRequest) => void

/**
 * What every HTTP request passes: whether it is meant for this gateway, and from where; the rate of its address, then its token
 * or key, then whether that allows the operation, and what it costs. Only the API and the metrics are guarded: whether the gateway is
 * alive is no secret. The switches of accounts have no rate: who has to stop trading is not stopped by what others do from the same
 * address. Only tokens that were never seen to be good are looked at there no faster than elsewhere.
 */
export const makeGate =
  (options: GateOptions): Gate =>
  (answer) =>
  (res, req) => {
    const { authenticator, requests, strangers, costs, run } = options
    const { requestsPerSecond, bodyBytesMax, asksPerSecondPerClient } = options.limits
    if (isUnclear(req)) return void res.close()
    const [method, path] = [req.getMethod(), req.getUrl()]
    const call = exchange(res, options.room, method === "head")
    const refusal = refuseEntry(req, options.origins)
    if (refusal !== undefined) return call.respond(refusal)
    const answerSafely = (request: HttpRequest, grant: Grant) => {
      // An exception that reached the library would end the process.
      try {
        answer(call, request, grant)
      } catch (cause) {
        run(Effect.logError("request failed", cause))
        call.respond(internal())
      }
    }
    const answerAtCost = (request: HttpRequest, grant: Grant) => {
      if (!isAsk(method, path) || costs.take("ask", call.address, grant, performance.now()))
        answerSafely(request, grant)
      else call.respond(tooManyAsks(asksPerSecondPerClient))
    }
    const switches = isSwitch(method, path)
    if (!UNLIMITED.has(path) && !switches && !requests.take(call.address, performance.now())) {
      return call.respond(tooManyRequests(requestsPerSecond))
    }
    if (!isGuarded(path) || method === "options") return answerSafely(req, everything)
    if (!authenticator.required) return answerAtCost(req, everything)
    const { credential } = credentialOf(req)
    if (credential === undefined) return call.respond(unauthorized("a token or a key is needed"))
    const strange = switches && !authenticator.knows(credential)
    if (strange && !strangers.take(call.address, performance.now())) {
      return call.respond(tooManyRequests(requestsPerSecond))
    }
    // The request is gone when this returns, and its body comes while the token is looked at.
    const copy = copyOf(req)
    call.keepBody(bodyBytesMax)
    const checking = run(
      authenticator.verify(credential).pipe(
        Effect.match({
          onFailure: ({ reason }: Unauthorized) => call.respond(unauthorized(reason)),
          onSuccess: (grant) => {
            if (strange) strangers.giveBack(call.address)
            const operation = operationOf(method, path)
            if (operation === undefined || grant.may(operation)) answerAtCost(copy, grant)
            else call.respond(forbiddenOperation(operation))
          }
        })
      )
    )
    call.onGone(() => checking.interruptUnsafe())
  }

/** What is asked by those who watch over the gateway, and costs next to nothing. */
const UNLIMITED: ReadonlySet<string> = new Set(["/healthz", "/readyz"])

const isSwitch = (method: string, path: string): boolean =>
  method === "post" && path.startsWith(`${AGENTS}portfolio/`) && path.endsWith("/switch")

/** What actors are asked for, but for the switches. */
const isAsk = (method: string, path: string): boolean =>
  path.startsWith(AGENTS) && method !== "options" && !isSwitch(method, path)

const isGuarded = (path: string): boolean => path.startsWith("/api/") || path === "/metrics"

/** What a request does; nothing where being known is enough. */
export const operationOf = (method: string, path: string): Operation | undefined => {
  if (path === "/metrics") return "status"
  if (path === "/api/v1/clients") return "clients"
  if (path.startsWith(MARKET)) return method === "post" ? "feed" : "status"
  if (!path.startsWith(AGENTS)) return undefined
  if (method === "get" || method === "head") return "status"
  if (path.startsWith(`${AGENTS}portfolio/`)) return "trade"
  if (path.endsWith("/cancel")) return "cancel"
  if (path === `${AGENTS}message`) return "message"
  if (!path.startsWith(`${AGENTS}consensus`)) return "analyze"
  return path.endsWith("/votes") ? "vote" : "request_consensus"
}

const AGENTS = "/api/v1/agents/"
const MARKET = "/api/v1/market/"

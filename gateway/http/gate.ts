import { Effect, type Fiber } from "effect"
import type { Authenticator, Unauthorized } from "../auth/authenticator.ts"
import { credentialOf } from "../auth/credential.ts"
import { everything, type Grant, type Operation } from "../auth/grant.ts"
import { copyOf, type Exchange, exchange, type HttpRequest, type HttpResponse } from "../uws.ts"
import type { Buckets } from "./bucket.ts"
import { forbiddenOperation, internal, tooManyRequests, unauthorized } from "./problem.ts"

export interface GateOptions {
  readonly authenticator: Authenticator
  readonly requests: Buckets
  readonly requestsPerSecond: number
  readonly bodyBytesMax: number
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

/** What answers a request that was let in. */
export type Answer = (call: Exchange, req: HttpRequest, grant: Grant) => void

/** Lets a request in, or answers why not. To be called as a handler of the app. */
export type Gate = (answer: Answer) => (res: HttpResponse, req: HttpRequest) => void

/**
 * What every HTTP request passes: the rate of its address, then its token or key, then whether that allows the
 * operation. Only the API and the metrics are guarded: whether the gateway is alive is no secret.
 */
export const makeGate =
  (options: GateOptions): Gate =>
  (answer) =>
  (res, req) => {
    const { authenticator, requests, requestsPerSecond, bodyBytesMax, run } = options
    const [method, path] = [req.getMethod(), req.getUrl()]
    const call = exchange(res, method === "head")
    const answerSafely = (request: HttpRequest, grant: Grant) => {
      // An exception that reached the library would end the process.
      try {
        answer(call, request, grant)
      } catch (cause) {
        run(Effect.logError("request failed", cause))
        call.respond(internal())
      }
    }
    if (!isGuarded(path) || method === "options") return answerSafely(req, everything)
    if (!requests.take(call.address, performance.now())) return call.respond(tooManyRequests(requestsPerSecond))
    if (!authenticator.required) return answerSafely(req, everything)
    const { credential } = credentialOf(req)
    if (credential === undefined) return call.respond(unauthorized("a token or a key is needed"))
    // The request is gone when this returns, and its body comes while the token is looked at.
    const copy = copyOf(req)
    call.keepBody(bodyBytesMax)
    const checking = run(
      authenticator.verify(credential).pipe(
        Effect.match({
          onFailure: ({ reason }: Unauthorized) => call.respond(unauthorized(reason)),
          onSuccess: (grant) => {
            const operation = operationOf(method, path)
            if (operation === undefined || grant.may(operation)) answerSafely(copy, grant)
            else call.respond(forbiddenOperation(operation))
          }
        })
      )
    )
    call.onGone(() => checking.interruptUnsafe())
  }

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

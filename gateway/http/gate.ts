import { Effect, type Fiber } from "effect"
import { type Access, refuseRight } from "../admission/access.ts"
import type { Buckets } from "../admission/bucket.ts"
import type { SharedCosts } from "../admission/costs.ts"
import { isUnclear, refuseEntry } from "../admission/entry.ts"
import type { Authenticator, Unauthorized } from "../auth/authenticator.ts"
import { credentialOf } from "../auth/credential.ts"
import { everything, type Grant } from "../auth/grant.ts"
import type { BodyRoom } from "../body.ts"
import { type Failure, internal } from "../failures/failure.ts"
import { tooManyAsks, tooManyRequests, unauthorized } from "../failures/request-failures.ts"
import type { GatewayLimits, OriginPolicy } from "../policy.ts"
import { copyOf, type Exchange, exchange, type HttpRequest, type HttpResponse } from "../uws.ts"
import { problem } from "./problem.ts"

export interface GateOptions {
  readonly authenticator: Authenticator
  readonly requests: Buckets
  /** Of those whose token or key was not seen to be good before, where only theirs are counted, by address. */
  readonly strangers: Buckets
  readonly costs: SharedCosts
  readonly limits: Pick<GatewayLimits, "requestsPerSecond" | "bodyBytesMax" | "asksPerSecondPerClient">
  readonly room: BodyRoom
  readonly origins: OriginPolicy
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

/** What answers a request that was let in. */
export type Handler = (call: Exchange, req: HttpRequest, grant: Grant) => void

/** Makes a handler of the app, which lets a request in, or answers why not. */
export type Gate = (access: Access, answer: Handler) => (res: HttpResponse, req: HttpRequest) => void

/**
 * What every HTTP request passes: whether it is meant for this gateway, and from where; the rate of its address, then its token
 * or key, then whether that allows the operation, and what it costs, all as the `access` of what it asks for says. Where only strangers
 * are rated, tokens that were never seen to be good are looked at no faster than elsewhere, and all others have no rate.
 */
export const makeGate =
  (options: GateOptions): Gate =>
  (access, answer) =>
  (res, req) => {
    const { authenticator, requests, strangers, costs, run } = options
    const { guarded, rated, cost } = access
    const { requestsPerSecond, bodyBytesMax, asksPerSecondPerClient } = options.limits
    if (isUnclear(req)) return void res.close()
    const method = req.getMethod()
    const call = exchange(res, options.room, method === "head")
    const refuse = (failure: Failure) => call.respond(problem(failure))
    const refusal = refuseEntry(req, options.origins, access)
    if (refusal !== undefined) return refuse(refusal)
    const answerSafely = (request: HttpRequest, grant: Grant) => {
      // An exception that reached the library would end the process.
      try {
        answer(call, request, grant)
      } catch (cause) {
        run(Effect.logError("request failed", cause))
        refuse(internal())
      }
    }
    const answerAtCost = (request: HttpRequest, grant: Grant) => {
      if (cost === undefined || costs.take(cost, call.address, grant, performance.now())) answerSafely(request, grant)
      else refuse(tooManyAsks(asksPerSecondPerClient))
    }
    if (rated === "all" && !requests.take(call.address, performance.now())) {
      return refuse(tooManyRequests(requestsPerSecond))
    }
    if (!guarded || method === "options") return answerSafely(req, everything)
    if (!authenticator.required) return answerAtCost(req, everything)
    const { credential } = credentialOf(req)
    if (credential === undefined) return refuse(unauthorized("a token or a key is needed"))
    const strange = rated === "strangers" && !authenticator.knows(credential)
    if (strange && !strangers.take(call.address, performance.now())) return refuse(tooManyRequests(requestsPerSecond))
    // The request is gone when this returns, and its body comes while the token is looked at.
    const copy = copyOf(req)
    call.keepBody(bodyBytesMax)
    const checking = run(
      authenticator.verify(credential).pipe(
        Effect.match({
          onFailure: ({ reason }: Unauthorized) => refuse(unauthorized(reason)),
          onSuccess: (grant) => {
            if (strange) strangers.giveBack(call.address)
            const forbidden = refuseRight(access, grant)
            if (forbidden === undefined) answerAtCost(copy, grant)
            else refuse(forbidden)
          }
        })
      )
    )
    call.onGone(() => checking.interruptUnsafe())
  }

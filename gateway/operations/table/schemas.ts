import { Schema } from "effect"
import { HttpApiSchema } from "effect/http-api"
import { CorrelationId, Problem } from "../../../protocols/index.ts"

/** A problem document with one of these statuses. */
export const problems = (statuses: ReadonlyArray<number>) =>
  statuses.map((status) =>
    Problem.annotate({ httpApiStatus: status }).pipe(HttpApiSchema.asJson({ contentType: "application/problem+json" }))
  )

/** What every guarded address may answer: no token, not allowed, too fast. */
export const REFUSALS = [401, 403, 429]
/** What a request that changes something may be answered with, besides what is its own. */
export const CHANGES = [400, 413, 415, ...REFUSALS, 500, 503, 504]
export const READS = [400, ...REFUSALS, 500, 503, 504]

/** The id that follows a request through everything it causes, and the UUID that names it for good. */
export const headers = {
  "x-correlation-id": Schema.optionalKey(CorrelationId),
  "idempotency-key": Schema.optionalKey(Schema.String)
}

export const Accepted = Schema.Struct({ accepted: Schema.Literal(true) })
export const ACCEPTED = { accepted: true } as const

export const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

import { Effect, Result, Schema } from "effect"
import { AnalysisResult, AnalyzeRequest, CancelAnalysisBody, CorrelationId } from "../../../protocols/index.ts"
import { failureProblem } from "../../failures/failure-problem.ts"
import { invalidRequest, methodNotAllowed } from "../../failures/problem.ts"
import { analyze, cancelAnalysis, correlationOf } from "../../operations/analysis.ts"
import type { Reply, TemplatedApp } from "../../uws.ts"
import { explained, type JsonHandler, json, postJson, type Route, type RouteOptions, readJson } from "../json.ts"

export const ANALYZE = "/api/v1/agents/analyze"

/** Adds the address that analyses a symbol, and the one below it that cancels an analysis. */
export const addAnalysisRoutes = (app: TemplatedApp, options: RouteOptions, route: Route): void => {
  app.post(ANALYZE, route(postJson(options, answerAnalyze)))
  app.post(`${ANALYZE}/:id/cancel`, route(postJson(options, cancel)))
  for (const path of [ANALYZE, `${ANALYZE}/:id/cancel`]) {
    app.get(
      path,
      route((call) => call.respond(methodNotAllowed("POST")))
    )
  }
}

const decodeRequest = Schema.decodeUnknownResult(AnalyzeRequest, { onExcessProperty: "error" })
const decodeCancel = Schema.decodeUnknownResult(CancelAnalysisBody, { onExcessProperty: "error" })
const encodeResult = Schema.encodeEffect(Schema.fromJsonString(AnalysisResult))
const isCorrelationId = Schema.is(CorrelationId)

/**
 * One analysis, from the body to the reply: 200 with an `AnalysisResult`, or a problem document.
 *
 * The correlation id is that of the header, else that of the body, else a new one; it comes back in the header.
 */
const answerAnalyze: JsonHandler = (asked) =>
  Effect.gen(function* () {
    const request = readJson(decodeRequest, asked)
    if (Result.isFailure(request)) return invalidRequest(request.failure)
    const { body, correlationId: given } = request.success
    const correlationId = correlationOf(asked.caller, body.correlation_id, given)
    const named = { "x-correlation-id": correlationId }
    const reply = yield* analyze(body, correlationId, asked.caller).pipe(
      Effect.flatMap((result) =>
        Effect.map(Effect.orDie(encodeResult(result)), (text): Reply => {
          // Of a request that was made before it is the first one's.
          const headers = { "content-type": "application/json", "x-correlation-id": result.correlation_id }
          return { status: 200, headers, body: text }
        })
      ),
      explained((failure) => failureProblem(failure, correlationId), correlationId)
    )
    return { ...reply, headers: { ...named, ...reply.headers } }
  })

/** 200 with what it was, `waiting` or `running`; who asked for the analysis is told that it was cancelled. */
const cancel: JsonHandler = (asked) => {
  const read = readJson(decodeCancel, asked)
  if (Result.isFailure(read)) return Effect.succeed(invalidRequest(read.failure))
  const { parameter: id, caller } = asked
  if (!isCorrelationId(id)) {
    const rule = "a correlation id is 1 to 64 letters, digits, dashes or underscores"
    return Effect.succeed(invalidRequest({ field: "correlation_id", rule }))
  }
  return cancelAnalysis(read.success.body, id, caller).pipe(
    Effect.map((cancelled) => json(200, cancelled)),
    explained((failure) => failureProblem(failure, id), id)
  )
}

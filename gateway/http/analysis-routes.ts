import { Effect, Result, Schema } from "effect"
import { CancelAnalysisBody, CoordinatorProtocol, CorrelationId, type UnknownAnalysis } from "../../protocols/index.ts"
import { Actors, type AskError } from "../../runtime/index.ts"
import type { Reply, TemplatedApp } from "../uws.ts"
import { explained, json, postJson, type Route, type RouteOptions, readJson } from "./json.ts"
import { askProblem, invalidRequest, methodNotAllowed, problem } from "./problem.ts"

/** Adds the address that cancels an analysis below that of analyses. */
export const addAnalysisRoutes = (app: TemplatedApp, analyses: string, options: RouteOptions, route: Route): void => {
  app.post(`${analyses}/:id/cancel`, route(postJson(options, cancelAnalysis)))
  app.get(
    `${analyses}/:id/cancel`,
    route((call) => call.respond(methodNotAllowed("POST")))
  )
}

const decodeCancel = Schema.decodeUnknownResult(CancelAnalysisBody, { onExcessProperty: "error" })
const isCorrelationId = Schema.is(CorrelationId)

/** 200 with what it was, `waiting` or `running`; who asked for the analysis is told that it was cancelled. */
const cancelAnalysis = (bytes: Uint8Array, givenId: string, id: string): Effect.Effect<Reply, never, Actors> => {
  const read = readJson(decodeCancel, bytes, givenId)
  if (Result.isFailure(read)) return Effect.succeed(invalidRequest(read.failure))
  if (!isCorrelationId(id)) {
    const rule = "a correlation id is 1 to 64 letters, digits, dashes or underscores"
    return Effect.succeed(invalidRequest({ field: "correlation_id", rule }))
  }
  const { symbol, reason = "cancelled by a client" } = read.success.body
  return Actors.use((actors) =>
    actors.ask(CoordinatorProtocol, symbol, "CancelAnalysis", { correlation_id: id, reason })
  ).pipe(
    Effect.map(({ cancelled }) => json(200, { cancelled })),
    explained((failure: AskError | Schema.Schema.Type<typeof UnknownAnalysis>) => failureProblem(failure, id), id)
  )
}

const failureProblem = (failure: AskError | Schema.Schema.Type<typeof UnknownAnalysis>, id: string): Reply =>
  failure._tag === "UnknownAnalysis"
    ? problem({
        status: 404,
        code: "unknown-analysis",
        title: "There is no such analysis",
        detail: "no analysis of this symbol with this correlation id is waiting or under way",
        correlationId: id
      })
    : askProblem(failure, id)

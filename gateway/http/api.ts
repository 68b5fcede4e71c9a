import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { AnalysisResult, AnalyzeRequest, CorrelationId, Pattern, Problem } from "../../protocols/index.ts"

/** A problem document with one of these statuses. */
const problems = (statuses: ReadonlyArray<number>) =>
  statuses.map((status) =>
    Problem.annotate({ httpApiStatus: status }).pipe(HttpApiSchema.asJson({ contentType: "application/problem+json" }))
  )

/** What every guarded route may answer: no token, not allowed, too fast. */
const REFUSALS = [401, 403, 429]

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** What became of a client's events; see `Account`. */
const AccountJson = Schema.Struct({ produced: Count, sent: Count, dropped: Count, conflated: Count, waiting: Count })

const Client = Schema.Struct({
  session: Schema.String,
  subject: Schema.NullOr(Schema.String),
  address: Schema.String,
  patterns: Schema.Array(Pattern),
  events: AccountJson
})

const agents = HttpApiGroup.make("agents").add(
  HttpApiEndpoint.post("analyze", "/api/v1/agents/analyze", {
    headers: { "x-correlation-id": Schema.optionalKey(CorrelationId) },
    payload: AnalyzeRequest,
    success: AnalysisResult,
    error: problems([400, 409, 413, 415, ...REFUSALS, 500, 503, 504])
  }).annotateMerge(OpenApi.annotations({ summary: "Analyse a symbol: the panel votes, and one decision comes back" }))
)

const clients = HttpApiGroup.make("clients").add(
  HttpApiEndpoint.get("list", "/api/v1/clients", {
    success: Schema.Struct({ clients: Schema.Array(Client) }),
    error: problems(REFUSALS)
  }).annotateMerge(OpenApi.annotations({ summary: "Who is connected and subscribed to what" }))
)

const Health = Schema.Struct({
  status: Schema.Literal("ok"),
  version: Schema.String,
  uptime_seconds: Count,
  connections: Count,
  subscriptions: Count,
  watches: Count
})

const system = HttpApiGroup.make("system")
  .add(HttpApiEndpoint.get("health", "/healthz", { success: Health }))
  .add(
    HttpApiEndpoint.get("ready", "/readyz", {
      success: Schema.Struct({ status: Schema.Literal("ready") }),
      error: problems([503])
    })
  )

/** The HTTP API as data: its OpenAPI description and the typed client come from it, and a test holds the routes to it. */
export const api = HttpApi.make("conclave")
  .add(agents)
  .add(clients)
  .add(system)
  .annotateMerge(OpenApi.annotations({ title: "Conclave", version: "1" }))

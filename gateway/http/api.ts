import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import {
  AccountId,
  AccountSwitched,
  AgentType,
  Allocated,
  AllocationBody,
  AllocationId,
  AllocationResult,
  AnalysisResult,
  AnalyzeRequest,
  BarsBody,
  BarsTaken,
  CancelAnalysisBody,
  CancelBody,
  ConsensusBody,
  ConsensusId,
  ConsensusOpened,
  CoordinatorStatus,
  CorrelationId,
  MarketSymbol,
  MessageBody,
  Pattern,
  PortfolioView,
  Problem,
  RoundStatus,
  SwitchBody,
  SystemStatus,
  ToolName,
  ToolReport,
  VoteBody
} from "../../protocols/index.ts"

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

const said = (summary: string) => OpenApi.annotations({ summary })

/** The id that follows a request through everything it causes, and the UUID that names it for good. */
const headers = {
  "x-correlation-id": Schema.optionalKey(CorrelationId),
  "idempotency-key": Schema.optionalKey(Schema.String)
}

/** What a request that changes something may be answered with, besides what is its own. */
const CHANGES = [400, 413, 415, ...REFUSALS, 500, 503, 504]
const READS = [400, ...REFUSALS, 500, 503, 504]
const Accepted = Schema.Struct({ accepted: Schema.Literal(true) })

const analyses = HttpApiGroup.make("agents")
  .add(
    HttpApiEndpoint.post("analyze", "/api/v1/agents/analyze", {
      headers,
      payload: AnalyzeRequest,
      success: AnalysisResult,
      error: problems([409, ...CHANGES])
    }).annotateMerge(said("Analyse a symbol: the panel votes, and one decision comes back"))
  )
  .add(
    HttpApiEndpoint.post("cancelAnalysis", "/api/v1/agents/analyze/:correlation_id/cancel", {
      params: { correlation_id: CorrelationId },
      headers,
      payload: CancelAnalysisBody,
      success: Schema.Struct({ cancelled: Schema.Literals(["waiting", "running"]) }),
      error: problems([404, ...CHANGES])
    }).annotateMerge(said("Cancel an analysis that waits or is under way"))
  )
  .add(
    HttpApiEndpoint.post("message", "/api/v1/agents/message", {
      headers,
      payload: MessageBody,
      success: Accepted,
      error: problems(CHANGES)
    }).annotateMerge(said("Say something to an agent, or to all who watch a symbol"))
  )
  .add(
    HttpApiEndpoint.get("status", "/api/v1/agents/status", {
      query: { symbol: MarketSymbol },
      success: CoordinatorStatus,
      error: problems(READS)
    }).annotateMerge(said("What is known of a symbol, and the analyses of it"))
  )
  .add(
    HttpApiEndpoint.get("system", "/api/v1/agents/system/status", {
      success: SystemStatus,
      error: problems(READS)
    }).annotateMerge(said("How the system is, and what it has done"))
  )
  .add(
    HttpApiEndpoint.get("tool", "/api/v1/agents/tools", {
      query: { agent_type: AgentType, tool: ToolName },
      success: ToolReport,
      error: problems([404, ...READS])
    }).annotateMerge(said("How a tool has done for an agent type"))
  )

const rounds = HttpApiGroup.make("consensus")
  .add(
    HttpApiEndpoint.post("open", "/api/v1/agents/consensus", {
      headers,
      payload: ConsensusBody,
      success: ConsensusOpened.annotate({ httpApiStatus: 201 }),
      error: problems([409, ...CHANGES])
    }).annotateMerge(said("Open a round; voters outside get a secret each, which is said this once"))
  )
  .add(
    HttpApiEndpoint.get("show", "/api/v1/agents/consensus/:id", {
      params: { id: ConsensusId },
      success: RoundStatus,
      error: problems([404, ...READS])
    }).annotateMerge(said("A round as it is now, with its result once it is closed"))
  )
  .add(
    HttpApiEndpoint.post("vote", "/api/v1/agents/consensus/:id/votes", {
      params: { id: ConsensusId },
      headers,
      payload: VoteBody,
      success: Accepted,
      error: problems([404, 409, ...CHANGES])
    }).annotateMerge(said("A vote from outside, with the voter's secret"))
  )
  .add(
    HttpApiEndpoint.post("cancel", "/api/v1/agents/consensus/:id/cancel", {
      params: { id: ConsensusId },
      headers,
      payload: CancelBody,
      success: Accepted,
      error: problems([404, 409, ...CHANGES])
    }).annotateMerge(said("Close a round without a decision"))
  )

const allocations = HttpApiGroup.make("allocation")
  .add(
    HttpApiEndpoint.post("allocate", "/api/v1/agents/allocation", {
      headers,
      payload: AllocationBody,
      success: Allocated,
      error: problems(CHANGES)
    }).annotateMerge(said("One decision over several symbols with a shared risk budget"))
  )
  .add(
    HttpApiEndpoint.get("result", "/api/v1/agents/allocation/:id", {
      params: { id: AllocationId },
      success: Schema.Struct({ allocation_id: AllocationId, result: Schema.NullOr(AllocationResult) }),
      error: problems([404, ...READS])
    }).annotateMerge(said("Its targets, once they are decided"))
  )

const portfolios = HttpApiGroup.make("portfolio")
  .add(
    HttpApiEndpoint.get("show", "/api/v1/agents/portfolio/:account", {
      params: { account: AccountId },
      success: PortfolioView,
      error: problems([404, ...READS])
    }).annotateMerge(said("A trading account: cash, positions, orders, limits"))
  )
  .add(
    HttpApiEndpoint.post("switch", "/api/v1/agents/portfolio/:account/switch", {
      params: { account: AccountId },
      headers,
      payload: SwitchBody,
      success: AccountSwitched,
      error: problems([404, ...CHANGES])
    }).annotateMerge(said("Stop or resume an account's entries, or close everything"))
  )

const markets = HttpApiGroup.make("market").add(
  HttpApiEndpoint.post("bars", "/api/v1/market/:symbol/bars", {
    params: { symbol: MarketSymbol },
    headers,
    payload: BarsBody,
    success: BarsTaken,
    error: problems([409, ...CHANGES])
  }).annotateMerge(said("What a market did: its next bars, oldest first"))
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
  .add(analyses)
  .add(rounds)
  .add(allocations)
  .add(portfolios)
  .add(markets)
  .add(clients)
  .add(system)
  .annotateMerge(OpenApi.annotations({ title: "Conclave", version: "1" }))

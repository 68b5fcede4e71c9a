import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import {
  AgentType,
  AnalysisResult,
  AnalyzeRequest,
  CancelAnalysisBody,
  CoordinatorStatus,
  CorrelationId,
  MarketSymbol,
  MessageBody,
  SystemStatus,
  ToolName,
  ToolReport
} from "../../../protocols/index.ts"
import { asking } from "../../admission/access.ts"
import { cancelAnalysis, runAnalysis } from "../analysis.ts"
import { GatewayState } from "../gateway-state.ts"
import { sendMessage, symbolStatus } from "../messages.ts"
import { toolReport } from "../tools.ts"
import { operation, socketOperation } from "./entry.ts"
import { ACCEPTED, Accepted, CHANGES, headers, problems, READS } from "./schemas.ts"

/** Analyses, and what else is asked of agents. */
export const agents = HttpApiGroup.make("agents").add(
  operation(
    HttpApiEndpoint.post("analyze", "/api/v1/agents/analyze", {
      headers,
      payload: AnalyzeRequest,
      success: AnalysisResult,
      error: problems([409, ...CHANGES])
    }),
    {
      summary: "Analyse a symbol: the panel votes, and one decision comes back",
      listed: 'analyse a symbol: {"symbol":"AAPL"}, with "bars" if the system has seen none',
      access: asking("analyze"),
      socket: socketOperation(
        "analyze",
        Schema.Struct({ request: AnalyzeRequest, progress: Schema.optionalKey(Schema.Boolean) }),
        ({ request }) => ({ payload: request }),
        ({ progress = true }) => progress
      ),
      run: runAnalysis
    }
  ),
  operation(
    HttpApiEndpoint.post("cancelAnalysis", "/api/v1/agents/analyze/:correlation_id/cancel", {
      params: { correlation_id: CorrelationId },
      headers,
      payload: CancelAnalysisBody,
      success: Schema.Struct({ cancelled: Schema.Literals(["waiting", "running"]) }),
      error: problems([404, ...CHANGES])
    }),
    {
      summary: "Cancel an analysis that waits or is under way",
      listed: 'cancel an analysis: {"symbol":"AAPL"}',
      access: asking("cancel"),
      socket: socketOperation(
        "cancel",
        Schema.Struct({ of: Schema.Struct({ correlation_id: CorrelationId, ...CancelAnalysisBody.fields }) }),
        ({ of: { correlation_id, ...payload } }) => ({ params: { correlation_id }, payload })
      ),
      run: ({ params: { correlation_id }, payload, caller }) => ({
        correlationId: correlation_id,
        result: cancelAnalysis(payload, correlation_id, caller)
      })
    }
  ),
  operation(
    HttpApiEndpoint.post("message", "/api/v1/agents/message", {
      headers,
      payload: MessageBody,
      success: Accepted,
      error: problems(CHANGES)
    }),
    {
      summary: "Say something to an agent, or to all who watch a symbol",
      listed: 'say something to an agent, or to all who watch: {"symbol":"AAPL","text":"…"}',
      access: asking("message"),
      socket: socketOperation("message", Schema.Struct({ message: MessageBody }), ({ message }) => ({
        payload: message
      })),
      run: ({ payload, caller }) => ({ result: Effect.as(sendMessage(payload, caller), ACCEPTED) })
    }
  ),
  operation(
    HttpApiEndpoint.get("status", "/api/v1/agents/status", {
      query: { symbol: MarketSymbol },
      success: CoordinatorStatus,
      error: problems(READS)
    }),
    {
      summary: "What is known of a symbol, and the analyses of it",
      access: asking("status"),
      socket: socketOperation("status", Schema.Struct({ of: Schema.Struct({ symbol: MarketSymbol }) }), ({ of }) => ({
        query: of
      })),
      run: ({ query: { symbol }, caller }) => ({ result: symbolStatus(symbol, caller) })
    }
  ),
  operation(
    HttpApiEndpoint.get("system", "/api/v1/agents/system/status", {
      success: SystemStatus,
      error: problems(READS)
    }),
    {
      summary: "How the system is, and what it has done",
      listed: "how the system is, and what it has done: agents, decisions, uses of tools",
      access: asking("status"),
      run: ({ caller }) => ({ result: GatewayState.use(({ system }) => system(caller)) })
    }
  ),
  operation(
    HttpApiEndpoint.get("tool", "/api/v1/agents/tools", {
      query: {
        agent_type: AgentType,
        tool: ToolName
      },
      success: ToolReport,
      error: problems([404, ...READS])
    }),
    {
      summary: "How a tool has done for an agent type",
      listed: "how a tool has done for an agent type: success, time, trend, what to do",
      access: asking("status"),
      run: ({ query: { agent_type, tool }, caller }) => ({ result: toolReport(agent_type, tool, caller) })
    }
  )
)

// What an agent says to its round and to the world.
import {
  type AgentType,
  agentId,
  type Basis,
  ConsensusProtocol,
  events,
  type MarketSymbol,
  type Opinion,
  subjects,
  type ToolCall,
  toTimestamp
} from "../../protocols/index.ts"
import { type Context, omitUndefined, type Publish, publish, send } from "../../runtime/index.ts"

/** How many tool calls of one opinion are published; an opinion's own list is not cut. */
export const TOOL_EVENTS_MAX = 64

/** Whom an agent speaks of, and for which round. */
interface Occasion {
  readonly consensus_id: string
  readonly symbol: MarketSymbol
  readonly basis?: Basis
}

export const vote = (
  type: AgentType,
  { consensus_id, symbol }: Occasion,
  { decision, confidence, probabilities, strengths, reasoning, metadata }: Opinion
) =>
  send(ConsensusProtocol, consensus_id, "CastVote", {
    vote: omitUndefined({
      agent_id: agentId(type, symbol),
      agent_type: type,
      ...{ decision, confidence, probabilities, strengths, reasoning },
      warm_up: metadata.warm_up === true ? true : undefined
    })
  })

export const abstain = (type: AgentType, { consensus_id, symbol }: Occasion, reason: string) =>
  send(ConsensusProtocol, consensus_id, "Abstain", {
    abstention: { agent_id: agentId(type, symbol), agent_type: type, reason }
  })

export const publishDecision = (
  type: AgentType,
  { consensus_id, symbol, basis }: Occasion,
  context: Context,
  { decision, confidence, probabilities, strengths, reasoning, tool_calls, metadata }: Opinion
): Publish =>
  publish(
    events.agent_decision,
    subjects.decision(symbol, type),
    omitUndefined({
      agent_id: agentId(type, symbol),
      agent_type: type,
      symbol,
      ...{ decision, confidence, probabilities, strengths, reasoning },
      timestamp: toTimestamp(context.time),
      tool_calls,
      metadata: omitUndefined({ ...metadata, consensus_id, basis })
    })
  )

/** One use of a tool as the world sees it, and where. */
export const toolExecution = (type: AgentType, symbol: MarketSymbol, call: ToolCall, atMillis: number) => ({
  // A policy names its tools as it likes, and a subject takes neither dots nor spaces.
  subject: subjects.tool(type, call.tool_name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64)),
  data: { ...call, agent_id: agentId(type, symbol), timestamp: toTimestamp(atMillis) }
})

/** The tool calls of an opinion that were not published while they ran. */
export const publishTools = (
  type: AgentType,
  { symbol }: Occasion,
  context: Context,
  calls: Opinion["tool_calls"]
): ReadonlyArray<Publish> =>
  calls.slice(0, TOOL_EVENTS_MAX).map((call) => {
    const { subject, data } = toolExecution(type, symbol, call, context.time)
    return publish(events.tool_execution, subject, data)
  })

export const publishStatus = (
  type: AgentType,
  { symbol }: Occasion,
  context: Context,
  status: "analyzing" | "idle" | "failed",
  reason?: string
): Publish =>
  publish(
    events.agent_status,
    subjects.status(type, symbol),
    omitUndefined({
      agent_id: agentId(type, symbol),
      agent_type: type,
      symbol,
      status,
      reason,
      timestamp: toTimestamp(context.time)
    })
  )

export const clip = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text)

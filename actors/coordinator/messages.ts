import {
  type AgentMessage,
  type AnalysisResult,
  type Bar,
  type ConsensusResult,
  events,
  subjects,
  toTimestamp
} from "../../protocols/index.ts"
import { type Context, omitUndefined, publish } from "../../runtime/index.ts"
import { positionSizing } from "./sizing.ts"
import { isAdvice, type RunningAnalysis } from "./state.ts"

/** The answer to who asked. */
export const toAnswer = (result: ConsensusResult, running: RunningAnalysis): AnalysisResult =>
  omitUndefined({
    symbol: result.symbol,
    final_recommendation: result.final_decision,
    confidence: result.confidence,
    strength: result.strength,
    consensus_id: result.consensus_id,
    consensus_achieved: result.consensus_achieved,
    votes: result.votes,
    missing_agents: result.missing_agents,
    correlation_id: result.correlation_id,
    position_sizing: running.sizing && positionSizing(running.sizing, result.final_decision, running.price),
    basis: running.basis,
    experiment: armShown(running)
  })

/** The arm that held an analysis, as the world sees it. */
const armShown = ({ experiment }: RunningAnalysis) => {
  if (experiment === undefined) return undefined
  const { name, arm, label } = experiment
  return { name, arm, label }
}

const coordinate = (
  messageType: "final_decision" | "performance_feedback",
  symbol: string,
  context: Context,
  payload: { readonly [key: string]: unknown }
) =>
  publish(events.agent_coordination, subjects.coordination(messageType, symbol), {
    sender_agent_id: `coordinator_${symbol}`,
    recipient_agent_id: null,
    message_type: messageType,
    payload,
    timestamp: toTimestamp(context.time)
  })

/** How each agent of the panel did, to all of them: whether it was heard, and whether it said what was decided. */
const publishFeedback = (result: ConsensusResult, context: Context) =>
  coordinate("performance_feedback", result.symbol, context, {
    consensus_id: result.consensus_id,
    symbol: result.symbol,
    final_decision: result.final_decision,
    consensus_achieved: result.consensus_achieved,
    agents: [
      ...result.votes.map(({ agent_id, decision, confidence }) => ({
        agent_id,
        voted: true,
        decision,
        confidence,
        agreed: decision === result.final_decision
      })),
      ...result.abstentions.map(({ agent_id, reason }) => ({ agent_id, voted: false, reason }))
    ]
  })

/** What the world hears of an analysis that has come to its end. The final decision is the last. */
export const publishDecision = (result: ConsensusResult, running: RunningAnalysis, context: Context) => {
  const { bar_time, price } = running
  const decided = omitUndefined({
    ...result,
    experiment: armShown(running),
    advice: isAdvice(running) ? true : undefined,
    basis: running.basis,
    bar_time: toTimestamp(bar_time),
    price
  })
  return [publishFeedback(result, context), coordinate("final_decision", result.symbol, context, decided)]
}

/** What somebody says to an agent, or to all. */
export const publishMessage = ({ sender_agent_id, recipient_agent_id, text }: AgentMessage, context: Context) =>
  publish(events.agent_coordination, subjects.coordination("message", context.self.id), {
    sender_agent_id,
    recipient_agent_id,
    message_type: "message",
    payload: { symbol: context.self.id, text },
    timestamp: toTimestamp(context.time)
  })

export const publishBar = ({ time, open, high, low, close, volume }: Bar, context: Context) =>
  publish(events.market_update, subjects.market(context.self.id), {
    symbol: context.self.id,
    timestamp: toTimestamp(time),
    open,
    high,
    low,
    close,
    volume
  })

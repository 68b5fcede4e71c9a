import { type Duration, Effect, Schedule, Schema } from "effect"
import {
  type AgentType,
  agentId,
  agentProtocol,
  ConsensusId,
  ConsensusProtocol,
  CorrelationId,
  events,
  MarketSymbol,
  Opinion,
  OpinionRequest,
  open,
  subjects,
  toTimestamp
} from "../protocols/index.ts"
import {
  type Actor,
  activity,
  type Context,
  cancelActivity,
  define,
  type Publish,
  persist,
  publish,
  send,
  start
} from "../runtime/index.ts"
import type { Policy } from "./policy.ts"

export interface AgentOptions {
  /** How long one attempt of the policy may take; 10 seconds unless given. What runs longer fails as a timeout. */
  readonly timeout?: Duration.Input
  /** When the policy is tried again after a failure or timeout; at most twice, a jittered 250 ms and 500 ms later, unless given. */
  readonly retry?: Schedule.Schedule<unknown, unknown>
}

/** How many requests an agent works on at once; it abstains from what is asked beyond. */
export const OPEN_REQUESTS_MAX = 8

/** How many answered requests an agent remembers, so as to know a repeated one. */
export const ANSWERED_KEPT = 32

/** How many tool calls of one opinion are published; an opinion's own list is not cut. */
export const TOOL_EVENTS_MAX = 64

const Request = open({ consensus_id: ConsensusId, correlation_id: CorrelationId, symbol: MarketSymbol })
type Request = typeof Request.Type

const State = open({ requests: Schema.Array(Request), answered: Schema.Array(ConsensusId) })
type State = typeof State.Type

/**
 * An agent of a type: it forms an opinion on its symbol by a policy and votes on it in the round it was asked for.
 *
 * idle → analyzing (one activity per round, keyed by its id) → idle, having voted; or failed, having abstained.
 *
 * Guarantees: one vote or abstention per round, however often it is asked; a policy that hangs or fails keeps no
 * other request waiting, and holds one of `OPEN_REQUESTS_MAX` places until its attempts are over.
 */
export const agentActor = (type: AgentType, policy: Policy, options: AgentOptions = {}): Actor =>
  define({
    protocol: agentProtocol(type),
    state: State,
    initial: (): State => ({ requests: [], answered: [] }),
    events: {
      Requested: { request: Request },
      Answered: { consensus_id: ConsensusId },
      Failed: { consensus_id: ConsensusId, reason: Schema.String }
    },
    decide: {
      Analyze: (state, request, context) => {
        const { consensus_id, correlation_id, symbol } = request
        const known = state.requests.some((each) => each.consensus_id === consensus_id)
        if (known || state.answered.includes(consensus_id)) return []
        if (state.requests.length >= OPEN_REQUESTS_MAX) {
          const reason = `${OPEN_REQUESTS_MAX} analyses are running already`
          return [persist({ _tag: "Failed", consensus_id, reason }), abstain(type, request, reason)]
        }
        return [
          persist({ _tag: "Requested", request: { consensus_id, correlation_id, symbol } }),
          publishStatus(type, request, context, "analyzing"),
          start("analyze", consensus_id, request)
        ]
      },
      Cancel: (state, { consensus_id }, context) => cancel(type, state, consensus_id, context)
    },
    evolve: {
      Requested: (state, { request }) => ({ ...state, requests: [...state.requests, request] }),
      Answered: (state, { consensus_id }) => close(state, consensus_id),
      Failed: (state, { consensus_id }) => close(state, consensus_id)
    },
    activities: {
      analyze: activity({
        input: OpinionRequest,
        output: Opinion,
        timeout: options.timeout ?? "10 seconds",
        retry: options.retry ?? defaultRetry,
        run: ({ consensus_id, symbol, bars }) =>
          // A policy may throw before it returns an effect; that is its failure and not the agent's.
          Effect.suspend(() => policy({ agentType: type, symbol, bars, consensusId: consensus_id }))
      })
    },
    completed: {
      analyze: (state, outcome, context) => {
        const request = state.requests.find((each) => each.consensus_id === outcome.key)
        if (request === undefined) return []
        const { consensus_id } = request
        if (outcome._tag === "Failed") {
          const reason = outcome.reason === "timeout" ? "the analysis took too long" : clip(outcome.detail)
          return [
            persist({ _tag: "Failed", consensus_id, reason }),
            publishStatus(type, request, context, "failed", reason),
            abstain(type, request, reason)
          ]
        }
        return [
          persist({ _tag: "Answered", consensus_id }),
          ...outcome.value.tool_calls
            .slice(0, TOOL_EVENTS_MAX)
            .map((call) => publishTool(type, request, context, call)),
          publishDecision(type, request, context, outcome.value),
          ...(state.requests.length > 1 ? [] : [publishStatus(type, request, context, "idle")]),
          vote(type, request, outcome.value)
        ]
      }
    }
  })

const defaultRetry = Schedule.exponential("250 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 2 }))

const close = (state: State, consensusId: string): State => ({
  ...state,
  requests: state.requests.filter((each) => each.consensus_id !== consensusId),
  answered: [...state.answered, consensusId].slice(-ANSWERED_KEPT)
})

/** The round is over, or nobody wants it any more: there is nothing to vote on. */
const cancel = (type: AgentType, state: State, consensus_id: string, context: Context) => {
  const request = state.requests.find((each) => each.consensus_id === consensus_id)
  if (request === undefined) return []
  return [
    persist({ _tag: "Failed", consensus_id, reason: "cancelled" } as const),
    cancelActivity(consensus_id),
    ...(state.requests.length > 1 ? [] : [publishStatus(type, request, context, "idle")])
  ]
}

const vote = (type: AgentType, { consensus_id, symbol }: Request, opinion: Opinion) =>
  send(ConsensusProtocol, consensus_id, "CastVote", {
    vote: {
      agent_id: agentId(type, symbol),
      agent_type: type,
      decision: opinion.decision,
      confidence: opinion.confidence,
      probabilities: opinion.probabilities,
      reasoning: opinion.reasoning
    }
  })

const abstain = (type: AgentType, { consensus_id, symbol }: Request, reason: string) =>
  send(ConsensusProtocol, consensus_id, "Abstain", {
    abstention: { agent_id: agentId(type, symbol), agent_type: type, reason }
  })

const publishDecision = (type: AgentType, { consensus_id, symbol }: Request, context: Context, opinion: Opinion) =>
  publish(events.agent_decision, subjects.decision(symbol, type), {
    agent_id: agentId(type, symbol),
    agent_type: type,
    symbol,
    decision: opinion.decision,
    confidence: opinion.confidence,
    probabilities: opinion.probabilities,
    reasoning: opinion.reasoning,
    timestamp: toTimestamp(context.time),
    tool_calls: opinion.tool_calls,
    metadata: { ...opinion.metadata, consensus_id }
  })

const publishTool = (
  type: AgentType,
  { symbol }: Request,
  context: Context,
  call: Opinion["tool_calls"][number]
): Publish =>
  // A policy names its tools as it likes, and a subject takes neither dots nor spaces.
  publish(events.tool_execution, subjects.tool(type, call.tool_name.replace(/[^A-Za-z0-9_-]/g, "_")), {
    ...call,
    agent_id: agentId(type, symbol),
    timestamp: toTimestamp(context.time)
  })

const publishStatus = (
  type: AgentType,
  { symbol }: Request,
  context: Context,
  status: "analyzing" | "idle" | "failed",
  reason?: string
) =>
  publish(events.agent_status, subjects.status(type, symbol), {
    agent_id: agentId(type, symbol),
    agent_type: type,
    symbol,
    status,
    ...(reason === undefined ? {} : { reason }),
    timestamp: toTimestamp(context.time)
  })

const clip = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text)

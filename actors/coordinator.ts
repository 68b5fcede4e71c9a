import { Schema } from "effect"
import { ulid } from "ulid"
import {
  type AgentType,
  type AnalysisResult,
  agentId,
  agentProtocol,
  Bar,
  BarWindow,
  ConsensusId,
  ConsensusProtocol,
  type ConsensusResult,
  CoordinatorProtocol,
  type CoordinatorStatus,
  CorrelationId,
  emptyWindow,
  events,
  open,
  pushBar,
  RoundRequest,
  subjects,
  toTimestamp,
  WINDOW_BARS_MAX
} from "../protocols/index.ts"
import {
  type Actor,
  answer,
  answerError,
  type Context,
  cancelTimer,
  define,
  persist,
  publish,
  ReplyTo,
  refuse,
  reply,
  send,
  setTimer
} from "../runtime/index.ts"

export interface CoordinatorOptions {
  /** The agents that are asked and invited to vote, each once. */
  readonly panel: readonly [AgentType, ...Array<AgentType>]
  /** How long a round takes votes, in milliseconds, above 0 and at most an hour. */
  readonly roundTimeoutMillis: number
  /** Where votes differ, a confidence below this is not enough; 0 to 1. */
  readonly minConfidence: number
}

/** How many requests wait for their analysis at most; what comes beyond is refused with `CoordinatorBusy`. */
export const WAITING_MAX = 16

const OVERDUE = "analysis_overdue"
/** A round ends by its deadline; what is not heard of this much later, in milliseconds, will not be heard of. */
const OVERDUE_MARGIN_MILLIS = 30_000

/** A request for an analysis: of its own bars, or of the coordinator's as they are when its turn comes. */
const Asked = open({
  correlation_id: CorrelationId,
  reply_to: Schema.NullOr(ReplyTo),
  bars: Schema.NullOr(BarWindow)
})
type Asked = typeof Asked.Type

const Running = open({
  consensus_id: ConsensusId,
  correlation_id: CorrelationId,
  /** The request it answers, or null where new bars started it. */
  reply_to: Schema.NullOr(ReplyTo),
  requested: Schema.Boolean,
  /** Time and close of the last bar it looks at. */
  bar_time: Schema.Int,
  price: Schema.Finite
})
type Running = typeof Running.Type

const State = open({
  window: BarWindow,
  running: Schema.NullOr(Running),
  /** The correlation id of the newest bar that no analysis has looked at. */
  unseen: Schema.NullOr(CorrelationId),
  waiting: Schema.Array(Asked),
  decisions: Schema.Int
})
type State = typeof State.Type

const EVENTS = {
  BarAccepted: { bar: Bar, correlation_id: CorrelationId },
  AnalysisRequested: { asked: Asked },
  AnalysisStarted: { running: Running },
  AnalysisEnded: { consensus_id: ConsensusId }
}

/**
 * The coordinator of a symbol; its id is the symbol.
 *
 * idle ⇄ running one analysis: a round is opened, the panel is asked, and the round's end is the analysis's end.
 *
 * Guarantees: one analysis at a time; nothing waits while it is idle; bars that come while it runs are conflated into
 * one more analysis of the newest; requests are answered in the order they came, and take turns with the bars, so that
 * neither keeps the other out. An agent that is down costs a round its deadline and never the answer.
 *
 * Throws a `SchemaError` on options with which no round could be opened, such as a panel that names an agent twice.
 */
export const coordinatorActor = (options: CoordinatorOptions): Actor => {
  Schema.encodeSync(RoundRequest)(toRoundRequest("CHECK", "check", options))
  return define({
    protocol: CoordinatorProtocol,
    state: State,
    initial: (): State => ({ window: emptyWindow, running: null, unseen: null, waiting: [], decisions: 0 }),
    events: EVENTS,
    decide: {
      Bar: (state, { bar }, context) => {
        const symbol = context.self.id
        const last = state.window.time.at(-1)
        if (last !== undefined && bar.time <= last) {
          return [refuse({ _tag: "StaleBar", symbol, time: bar.time, last_time: last })]
        }
        const correlation_id = correlationOf(context)
        const accepted = evolve.BarAccepted(state, { bar, correlation_id })
        return [
          persist({ _tag: "BarAccepted", bar, correlation_id }),
          publishBar(bar, context),
          reply({ accepted: true }),
          ...startNext(accepted, options, context)
        ]
      },
      Analyze: (state, { correlation_id, bars }, context) => {
        const symbol = context.self.id
        if ((bars ?? state.window).time.length === 0) return [refuse({ _tag: "NoMarketData", symbol })]
        if (state.waiting.length >= WAITING_MAX) {
          return [refuse({ _tag: "CoordinatorBusy", symbol, waiting: state.waiting.length })]
        }
        const asked: Asked = { correlation_id, reply_to: context.replyTo ?? null, bars: bars ? newest(bars) : null }
        const queued = evolve.AnalysisRequested(state, { asked })
        return [persist({ _tag: "AnalysisRequested", asked }), ...startNext(queued, options, context)]
      },
      RoundClosed: (state, { result }, context) => {
        const { running } = state
        if (running === null || running.consensus_id !== result.consensus_id) return []
        const { consensus_id } = running
        return [
          persist({ _tag: "AnalysisEnded", consensus_id }),
          cancelTimer(OVERDUE),
          publishDecision(result, running, context),
          ...(running.reply_to === null
            ? []
            : [answer(CoordinatorProtocol, "Analyze", running.reply_to, toAnswer(result))]),
          ...startNext(evolve.AnalysisEnded(state), options, context, running.requested)
        ]
      },
      AnalysisOverdue: (state, { consensus_id }, context) => {
        const { running } = state
        if (running === null || running.consensus_id !== consensus_id) return []
        const lost = { _tag: "AnalysisLost", symbol: context.self.id, consensus_id } as const
        return [
          persist({ _tag: "AnalysisEnded", consensus_id }),
          ...(running.reply_to === null ? [] : [answerError(CoordinatorProtocol, "Analyze", running.reply_to, lost)]),
          ...startNext(evolve.AnalysisEnded(state), options, context, running.requested)
        ]
      },
      GetStatus: (state, _, context) => [reply(statusOf(state, context))]
    },
    evolve
  })
}

const evolve = {
  BarAccepted: (state: State, { bar, correlation_id }: { bar: Bar; correlation_id: string }): State => ({
    ...state,
    window: pushBar(state.window, bar),
    unseen: correlation_id
  }),
  AnalysisRequested: (state: State, { asked }: { asked: Asked }): State => ({
    ...state,
    waiting: [...state.waiting, asked]
  }),
  AnalysisStarted: (state: State, { running }: { running: Running }): State => ({
    ...state,
    running,
    // A request without bars of its own looks at the newest there are, as an analysis of the bars does.
    unseen: running.requested && state.waiting[0]?.bars ? state.unseen : null,
    waiting: running.requested ? state.waiting.slice(1) : state.waiting
  }),
  AnalysisEnded: (state: State): State => ({ ...state, running: null, decisions: state.decisions + 1 })
}

const statusOf = (state: State, context: Context): typeof CoordinatorStatus.Type => ({
  symbol: context.self.id,
  bars: state.window.time.length,
  last_bar_time: state.window.time.at(-1) ?? null,
  analyzing: state.running?.consensus_id ?? null,
  waiting: state.waiting.length,
  decisions: state.decisions
})

/** Starts what is next, if nothing runs and something waits: after a request's analysis the bars go first. */
const startNext = (state: State, options: CoordinatorOptions, context: Context, afterRequest = false) => {
  const [asked] = state.waiting
  if (state.running !== null) return []
  if (asked !== undefined && !(afterRequest && state.unseen !== null)) {
    return startAnalysis(asked.bars ?? state.window, asked.correlation_id, asked, options, context)
  }
  return state.unseen === null ? [] : startAnalysis(state.window, state.unseen, undefined, options, context)
}

const startAnalysis = (
  bars: BarWindow,
  correlation_id: string,
  asked: Asked | undefined,
  options: CoordinatorOptions,
  context: Context
) => {
  const symbol = context.self.id
  // The library takes 0 for "now", which a replay must not see.
  const consensus_id = ulid(Math.max(1, context.time), context.random)
  const running: Running = {
    consensus_id,
    correlation_id,
    reply_to: asked?.reply_to ?? null,
    requested: asked !== undefined,
    bar_time: bars.time.at(-1)!,
    price: bars.close.at(-1)!
  }
  return [
    persist({ _tag: "AnalysisStarted", running } as const),
    setTimer(OVERDUE, context.time + options.roundTimeoutMillis + OVERDUE_MARGIN_MILLIS, "AnalysisOverdue", {
      consensus_id
    }),
    // Before the panel is asked, so that the round is open when the first vote comes.
    send(ConsensusProtocol, consensus_id, "Open", {
      request: toRoundRequest(symbol, correlation_id, options),
      coordinator: symbol
    }),
    ...options.panel.map((type) =>
      send(agentProtocol(type), symbol, "Analyze", { consensus_id, correlation_id, symbol, bars })
    )
  ]
}

const toRoundRequest = (symbol: string, correlation_id: string, options: CoordinatorOptions): RoundRequest => {
  const [first, ...rest] = options.panel
  const voter = (type: AgentType) => ({ agent_id: agentId(type, symbol), agent_type: type })
  return {
    symbol,
    correlation_id,
    invited: [voter(first), ...rest.map(voter)],
    method: "weighted_confidence",
    timeout_ms: options.roundTimeoutMillis,
    min_confidence: options.minConfidence
  }
}

const toAnswer = (result: ConsensusResult): AnalysisResult => ({
  symbol: result.symbol,
  final_recommendation: result.final_decision,
  confidence: result.confidence,
  consensus_id: result.consensus_id,
  consensus_achieved: result.consensus_achieved,
  votes: result.votes,
  missing_agents: result.missing_agents,
  correlation_id: result.correlation_id
})

const publishDecision = (result: ConsensusResult, { bar_time, price }: Running, context: Context) =>
  publish(events.agent_coordination, subjects.coordination("final_decision", result.symbol), {
    sender_agent_id: `coordinator_${result.symbol}`,
    recipient_agent_id: null,
    message_type: "final_decision",
    payload: { ...result, bar_time: toTimestamp(bar_time), price },
    timestamp: toTimestamp(context.time)
  })

const publishBar = ({ time, open, high, low, close, volume }: Bar, context: Context) =>
  publish(events.market_update, subjects.market(context.self.id), {
    symbol: context.self.id,
    timestamp: toTimestamp(time),
    open,
    high,
    low,
    close,
    volume
  })

/** A market feed names its messages after the symbol, which may hold more than a correlation id takes. */
const correlationOf = (context: Context): string =>
  isCorrelationId(context.correlationId) ? context.correlationId : ulid(Math.max(1, context.time), context.random)

const isCorrelationId = Schema.is(CorrelationId)

/** The part of a request's bars that an analysis looks at. */
const newest = (bars: BarWindow): BarWindow => ({
  ...bars,
  time: bars.time.slice(-WINDOW_BARS_MAX),
  open: bars.open.slice(-WINDOW_BARS_MAX),
  high: bars.high.slice(-WINDOW_BARS_MAX),
  low: bars.low.slice(-WINDOW_BARS_MAX),
  close: bars.close.slice(-WINDOW_BARS_MAX),
  volume: bars.volume.slice(-WINDOW_BARS_MAX)
})

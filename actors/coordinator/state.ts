import { Schema } from "effect"
import {
  AllocationId,
  Arm,
  Bar,
  BarSource,
  BarsPerYear,
  BarWindow,
  Basis,
  Client,
  ClientAddress,
  ConsensusId,
  ContextItems,
  type CoordinatorProtocol,
  CorrelationId,
  ExperimentName,
  ExperimentRequestId,
  emptyWindow,
  Indicators,
  open,
  PAST_DECISIONS_MAX,
  PastDecision,
  pushBar,
  SizedAccount,
  Weight
} from "../../protocols/index.ts"
import { type ActorStepBuilder, type MessageName, omitUndefined, ReplyTo } from "../../runtime/index.ts"
import { OutcomeRecord } from "../learning/outcome-record.ts"
import { Sizing } from "./sizing.ts"

/** A request for an analysis: of its own bars, or of the coordinator's as they are when its turn comes. */
export const RequestedAnalysis = open({
  /** The sequence of the message that asked. */
  id: Schema.Int,
  correlation_id: CorrelationId,
  reply_to: Schema.NullOr(ReplyTo),
  bars: Schema.NullOr(BarWindow),
  /** When it is given up, in milliseconds since 1970. */
  deadline: Schema.optionalKey(Schema.Int),
  /** The allocation that waits for it. */
  allocation: Schema.optionalKey(AllocationId),
  /** What its agents are told besides the bars. */
  context: Schema.optionalKey(ContextItems),
  /** What they are shown beside their own figures. */
  indicators: Schema.optionalKey(Indicators),
  /** The account that it is for. */
  account: Schema.optionalKey(SizedAccount),
  /** Where its own bars come from. */
  source: Schema.optionalKey(BarSource),
  /** Whose it is; none: the house's. */
  client: Schema.optionalKey(Client),
  /** Where it comes from, where clients are not told apart. */
  address: Schema.optionalKey(ClientAddress)
})
export type RequestedAnalysis = typeof RequestedAnalysis.Type

/** The analysis that is under way. */
export const RunningAnalysis = open({
  consensus_id: ConsensusId,
  correlation_id: CorrelationId,
  /** The request it answers, or null where new bars started it. */
  reply_to: Schema.NullOr(ReplyTo),
  allocation: Schema.optionalKey(AllocationId),
  requested: Schema.Boolean,
  /** Time and close of the last bar it looks at. */
  bar_time: Schema.Int,
  price: Schema.Finite,
  basis: Schema.optionalKey(Basis),
  /** The bars came with the request: what prices do here says nothing of it. */
  foreign: Schema.optionalKey(Schema.Literal(true)),
  /** The experiment by whose arm it is held. */
  experiment: Schema.optionalKey(
    open({ name: ExperimentName, request_id: ExperimentRequestId, arm: Arm, label: Schema.String })
  ),
  /** How large a position may be for the account that it is for. */
  sizing: Schema.optionalKey(Sizing),
  /** Whose it is; none: the house's. */
  client: Schema.optionalKey(Client)
})
export type RunningAnalysis = typeof RunningAnalysis.Type

/**
 * Whether what comes of an analysis is for its asker alone, and neither traded on nor learnt from: its bars came with the request, or
 * it is a client's who may not trade, whose news and whose haste may have led to it.
 */
export const isAdvice = ({ foreign, client }: Pick<RunningAnalysis, "foreign" | "client">): boolean =>
  foreign === true || client?.trades === false

export const State = open({
  window: BarWindow,
  running: Schema.NullOr(RunningAnalysis),
  /** The correlation id of the newest bar that no analysis has looked at. */
  unseen: Schema.NullOr(CorrelationId),
  waiting: Schema.Array(RequestedAnalysis),
  decisions: Schema.Int,
  /** What agents' votes weigh, by agent id. */
  weights: Schema.optionalKey(Schema.Record(Schema.String, Weight)),
  /** The latest decisions on bars of its own, oldest first, at most `PAST_DECISIONS_MAX`. */
  past: Schema.optionalKey(Schema.Array(PastDecision)),
  /** Where the last bar came from. */
  source: Schema.optionalKey(BarSource),
  /** How often each decision would have been right, on all bars so far. */
  outcomes: Schema.optionalKey(OutcomeRecord)
})
export type State = typeof State.Type

export const EVENTS = {
  BarAccepted: {
    bar: Bar,
    correlation_id: CorrelationId,
    bars_per_year: Schema.optionalKey(BarsPerYear),
    /** Where it comes from elsewhere than the bar before it; null where nobody says so. */
    source: Schema.optionalKey(Schema.NullOr(BarSource)),
    /** Where the bar tells an outcome: it is of the rule of the time, whatever the rule is when it is read again. */
    outcomes: Schema.optionalKey(OutcomeRecord)
  },
  AnalysisRequested: { asked: RequestedAnalysis },
  AnalysisDropped: { ids: Schema.Array(Schema.Int) },
  AnalysisStarted: { running: RunningAnalysis },
  AnalysisEnded: {
    consensus_id: ConsensusId,
    decided: Schema.optionalKey(PastDecision),
    /** It was cancelled or lost: nothing was decided. */
    undecided: Schema.optionalKey(Schema.Literal(true))
  },
  ConsensusRequested: { consensus_id: ConsensusId },
  WeightsSet: { weights: Schema.Record(Schema.String, Weight) }
}

type Protocol = typeof CoordinatorProtocol

/** A step of a coordinator; one that answers a message where it is named. */
export type CoordinatorStep<K extends MessageName<Protocol> = never> = ActorStepBuilder<
  Protocol,
  State,
  typeof EVENTS,
  K
>

export const initial = (): State => ({ window: emptyWindow, running: null, unseen: null, waiting: [], decisions: 0 })

interface BarAccepted {
  readonly bar: Bar
  readonly correlation_id: string
  readonly bars_per_year?: number
  readonly source?: BarSource | null
  readonly outcomes?: OutcomeRecord
}

export const evolve = {
  BarAccepted: (state: State, { bar, correlation_id, bars_per_year, source, outcomes }: BarAccepted): State => {
    const { source: before, ...rest } = state
    const from = source === undefined ? before : source
    return omitUndefined({
      ...rest,
      source: from ?? undefined,
      outcomes: outcomes ?? state.outcomes,
      window: pushBar(state.window, bar, bars_per_year),
      unseen: correlation_id
    })
  },
  AnalysisRequested: (state: State, { asked }: { asked: RequestedAnalysis }): State => ({
    ...state,
    waiting: [...state.waiting, asked]
  }),
  AnalysisDropped: (state: State, { ids }: { ids: ReadonlyArray<number> }): State => ({
    ...state,
    waiting: state.waiting.filter(({ id }) => !ids.includes(id))
  }),
  AnalysisStarted: (state: State, { running }: { running: RunningAnalysis }): State => ({
    ...state,
    running,
    // A request without bars of its own looks at the newest there are, as an analysis of the bars does, and stands for it.
    unseen: running.requested && (state.waiting[0]?.bars || isAdvice(running)) ? state.unseen : null,
    waiting: running.requested ? state.waiting.slice(1) : state.waiting
  }),
  AnalysisEnded: (
    state: State,
    { decided, undecided }: { consensus_id: string; decided?: PastDecision; undecided?: true }
  ): State =>
    omitUndefined({
      ...state,
      running: null,
      decisions: state.decisions + (undecided === true ? 0 : 1),
      past: decided === undefined ? state.past : [...(state.past ?? []), decided].slice(-PAST_DECISIONS_MAX)
    }),
  ConsensusRequested: (state: State): State => state,
  WeightsSet: (state: State, { weights }: { weights: { readonly [id: string]: number } }): State => ({
    ...state,
    weights
  })
}

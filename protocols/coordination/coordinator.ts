import { Schema } from "effect"
import { ContextItems } from "../agents/context.ts"
import { Decision, DecisionConfidence, Strength } from "../agents/decision.ts"
import { ConsensusResult, Vote } from "../consensus/consensus.ts"
import { Arm, ExperimentName } from "../consensus/experiment.ts"
import { GivenWeights, givenRules, roundQuestion, TimeoutMillis, Voter } from "../consensus/round.ts"
import { Indicators, PositionSizing, SizedAccount } from "../market/analysis-inputs.ts"
import { BarSource, Basis } from "../market/basis.ts"
import { Bar, BarsPerYear, BarWindow } from "../market/market.ts"
import { Client, ClientAddress, Owner } from "../vocabulary/client.ts"
import { AgentId, AllocationId, ConsensusId, CorrelationId, MarketSymbol } from "../vocabulary/names.ts"
import { open } from "../vocabulary/open.ts"

/** Which arm of an experiment held an analysis. */
export const HeldBy = open({ name: ExperimentName, arm: Arm, label: Schema.String })

/** The answer to a request for an analysis. */
export const AnalysisResult = open({
  symbol: MarketSymbol,
  final_recommendation: Decision,
  confidence: DecisionConfidence,
  /** How strongly the votes together speak for it, where agents decide by rules: see the round's result. */
  strength: Schema.optionalKey(Strength),
  consensus_id: ConsensusId,
  consensus_achieved: Schema.Boolean,
  votes: Schema.Array(Vote),
  missing_agents: Schema.Array(AgentId),
  correlation_id: CorrelationId,
  /** How large a position should be, where the request named an account. */
  position_sizing: Schema.optionalKey(PositionSizing),
  /** What it rests on. Results of older versions do not say so. */
  basis: Schema.optionalKey(Basis),
  /** Where the coordinator holds its rounds by an experiment. */
  experiment: Schema.optionalKey(HeldBy)
})
export type AnalysisResult = typeof AnalysisResult.Type

/** No bar of this symbol has been seen, and none came with the request. */
export const NoMarketData = open({ _tag: Schema.tag("NoMarketData"), symbol: Schema.String })
/** As many analyses as the coordinator queues are waiting already. Trying again later helps. */
export const CoordinatorBusy = open({ _tag: Schema.tag("CoordinatorBusy"), symbol: Schema.String, waiting: Schema.Int })
/** Nothing was heard of the analysis's round for longer than a round can take. Asking again may help. */
export const AnalysisLost = open({ _tag: Schema.tag("AnalysisLost"), symbol: Schema.String, consensus_id: ConsensusId })
/** The analysis was cancelled before it had a result. */
export const AnalysisCancelled = open({ _tag: Schema.tag("AnalysisCancelled"), symbol: Schema.String })
/** The deadline of the request passed before its turn came. */
export const DeadlinePassed = open({ _tag: Schema.tag("DeadlinePassed"), symbol: Schema.String })
/** No analysis with this correlation id is waiting or under way. */
export const UnknownAnalysis = open({
  _tag: Schema.tag("UnknownAnalysis"),
  symbol: Schema.String,
  correlation_id: CorrelationId
})
/**
 * An item of the context became known after the last bar that the analysis looks at had begun: `time` is later than `bar_time`,
 * both in milliseconds since 1970. A decision on that bar could not have known it.
 */
export const LookAhead = open({
  _tag: Schema.tag("LookAhead"),
  symbol: Schema.String,
  index: Schema.Int,
  time: Schema.Int,
  bar_time: Schema.Int
})
/** What was asked for, with what it leaves open filled in, breaks a rule between fields. */
export const InvalidRound = open({
  _tag: Schema.tag("InvalidRound"),
  symbol: Schema.String,
  field: Schema.String,
  rule: Schema.String
})

/**
 * What a round is requested with. Unless given: the coordinator's panel is invited, the method is `weighted_confidence`, and
 * votes are taken for as long as in an analysis.
 */
export const ConsensusRequest = open({
  ...givenRules,
  ...roundQuestion,
  correlation_id: CorrelationId,
  invited: Schema.optionalKey(Schema.Array(Voter)),
  timeout_ms: Schema.optionalKey(TimeoutMillis)
})
export type ConsensusRequest = typeof ConsensusRequest.Type

/** What is said to an agent, by its id, or to all who watch the symbol where that is null. */
export const AgentMessage = open({
  sender_agent_id: AgentId,
  recipient_agent_id: Schema.NullOr(AgentId),
  text: Schema.NonEmptyString.check(Schema.isMaxLength(4_000))
})
export type AgentMessage = typeof AgentMessage.Type

/** The bar is not newer than the last one of its symbol. */
export const StaleBar = open({
  _tag: Schema.tag("StaleBar"),
  symbol: Schema.String,
  time: Schema.Int,
  last_time: Schema.Int
})

/**
 * A time is later than can be: `time` of a bar or an item is after `latest`, both in milliseconds since 1970. Once such a bar were taken,
 * every bar of the present would be stale.
 */
export const FutureTime = open({
  _tag: Schema.tag("FutureTime"),
  symbol: Schema.String,
  time: Schema.Finite,
  latest: Schema.Finite
})

export const CoordinatorStatus = open({
  symbol: MarketSymbol,
  bars: Schema.Int,
  last_bar_time: Schema.NullOr(Schema.Int),
  analyzing: Schema.NullOr(ConsensusId),
  waiting: Schema.Int,
  decisions: Schema.Int
})

/** What the coordinator actor understands. Its id is the symbol it coordinates. */
export const CoordinatorProtocol = {
  type: "coordinator",
  messages: {
    /**
     * A new bar. It starts an analysis; while one is running, the newest waiting bar wins. `bars_per_year` holds from then on; the times
     * of the bars tell where it was never given. `source` is where this bar comes from, and what looks wrong there.
     */
    Bar: {
      payload: open({
        bar: Bar,
        bars_per_year: Schema.optionalKey(BarsPerYear),
        source: Schema.optionalKey(BarSource)
      }),
      reply: open({ accepted: Schema.Literal(true) }),
      error: Schema.Union([StaleBar, FutureTime])
    },
    /**
     * Asks for one analysis: of the bars given, or of those the coordinator has. `timeout_ms` is its deadline: it is given up
     * where its turn has not come by then, and its round takes votes no longer than until then. The `allocation` with this id is
     * told what was decided, or why nothing was. No item of `context` may be later than the last bar: that is looked at when the
     * request comes, and bars that come while it waits are only newer.
     */
    Analyze: {
      payload: open({
        correlation_id: CorrelationId,
        bars: Schema.optionalKey(BarWindow),
        timeout_ms: Schema.optionalKey(TimeoutMillis),
        allocation: Schema.optionalKey(AllocationId),
        context: Schema.optionalKey(ContextItems),
        /** What the agents are shown beside their own figures. */
        indicators: Schema.optionalKey(Indicators),
        /** For whom the answer says how large a position should be. */
        account: Schema.optionalKey(SizedAccount),
        /** Where `bars` come from. */
        source: Schema.optionalKey(BarSource),
        /** Whose it is. What comes of a client's analysis that may not trade is neither traded on nor learnt from. */
        client: Schema.optionalKey(Client),
        /** Where it comes from, where clients are not told apart: it waits with no more than its share. */
        address: Schema.optionalKey(ClientAddress)
      }),
      reply: AnalysisResult,
      error: Schema.Union([
        NoMarketData,
        LookAhead,
        FutureTime,
        CoordinatorBusy,
        AnalysisLost,
        AnalysisCancelled,
        DeadlinePassed
      ])
    },
    /**
     * Cancels the analysis with this correlation id, waiting or under way; who asked for it is told. Those of others do not exist for
     * the client in `by`; without it all do.
     */
    CancelAnalysis: {
      payload: open({ correlation_id: CorrelationId, reason: Schema.String, by: Schema.optionalKey(Owner) }),
      reply: open({ cancelled: Schema.Literals(["waiting", "running"]) }),
      error: UnknownAnalysis
    },
    /**
     * Opens a round of its own beside the analyses, and asks those of the house who are invited for their opinions of the bars
     * that are known. Answers at once; the round itself tells the result.
     */
    RequestConsensus: {
      payload: open({
        request: ConsensusRequest,
        /** Whose it is. */
        client: Schema.optionalKey(Client),
        /** What only the gateway's client can open; it comes back in every answer to this request. */
        sealed: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256)))
      }),
      reply: open({
        consensus_id: ConsensusId,
        correlation_id: Schema.optionalKey(CorrelationId),
        sealed: Schema.optionalKey(Schema.String)
      }),
      error: Schema.Union([NoMarketData, InvalidRound])
    },
    /** Somebody says something to an agent, or to all: it is published as `agent_coordination`, and stored with that. */
    Message: { payload: open({ message: AgentMessage }), reply: open({ accepted: Schema.Literal(true) }) },
    /** What agents' votes weigh from now on, by agent id; 1 for who is not named. */
    SetWeights: { payload: open({ weights: GivenWeights }) },
    /** Its own timer: a request that waits has reached its deadline. */
    AnalysisDeadline: { payload: open({}) },
    /** From the consensus actor: the round is over. */
    RoundClosed: { payload: open({ result: ConsensusResult }) },
    /** Its own timer: the round should have ended long ago. */
    AnalysisOverdue: { payload: open({ consensus_id: ConsensusId }) },
    /** From the runtime: one of its messages could not be processed. */
    Failed: { payload: open({ message: Schema.String }) },
    /** From itself: what waits begins. */
    Resume: { payload: open({}) },
    GetStatus: { payload: open({}), reply: CoordinatorStatus }
  }
} as const

import { Schema } from "effect"
import { ConsensusResult, Vote } from "./consensus.ts"
import { Confidence, Decision } from "./decision.ts"
import { Bar, BarWindow } from "./market.ts"
import { AgentId, ConsensusId, CorrelationId, MarketSymbol } from "./names.ts"
import { open } from "./open.ts"

/** The answer to a request for an analysis. */
export const AnalysisResult = open({
  symbol: MarketSymbol,
  final_recommendation: Decision,
  confidence: Confidence,
  consensus_id: ConsensusId,
  consensus_achieved: Schema.Boolean,
  votes: Schema.Array(Vote),
  missing_agents: Schema.Array(AgentId),
  correlation_id: CorrelationId
})
export type AnalysisResult = typeof AnalysisResult.Type

/** No bar of this symbol has been seen, and none came with the request. */
export const NoMarketData = open({ _tag: Schema.tag("NoMarketData"), symbol: Schema.String })
/** As many analyses as the coordinator queues are waiting already. Trying again later helps. */
export const CoordinatorBusy = open({ _tag: Schema.tag("CoordinatorBusy"), symbol: Schema.String, waiting: Schema.Int })
/** Nothing was heard of the analysis's round for longer than a round can take. Asking again may help. */
export const AnalysisLost = open({ _tag: Schema.tag("AnalysisLost"), symbol: Schema.String, consensus_id: ConsensusId })
/** The bar is not newer than the last one of its symbol. */
export const StaleBar = open({
  _tag: Schema.tag("StaleBar"),
  symbol: Schema.String,
  time: Schema.Int,
  last_time: Schema.Int
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
    /** A new bar. It starts an analysis; while one is running, the newest waiting bar wins. */
    Bar: { payload: open({ bar: Bar }), reply: open({ accepted: Schema.Literal(true) }), error: StaleBar },
    /** Asks for one analysis: of the bars given, or of those the coordinator has. */
    Analyze: {
      payload: open({ correlation_id: CorrelationId, bars: Schema.optionalKey(BarWindow) }),
      reply: AnalysisResult,
      error: Schema.Union([NoMarketData, CoordinatorBusy, AnalysisLost])
    },
    /** From the consensus actor: the round is over. */
    RoundClosed: { payload: open({ result: ConsensusResult }) },
    /** Its own timer: the round should have ended long ago. */
    AnalysisOverdue: { payload: open({ consensus_id: ConsensusId }) },
    GetStatus: { payload: open({}), reply: CoordinatorStatus }
  }
} as const

import { Schema } from "effect"
import { Indicators } from "../market/analysis-inputs.ts"
import { Basis } from "../market/basis.ts"
import { BarWindow } from "../market/market.ts"
import {
  AgentId,
  type AgentType,
  AgentType as AgentTypeSchema,
  ConsensusId,
  CorrelationId,
  MarketSymbol,
  Timestamp
} from "../vocabulary/names.ts"
import { open } from "../vocabulary/open.ts"
import { ContextItems, PAST_DECISIONS_MAX, PastDecision } from "./context.ts"
import { OutcomeCounts } from "./decision.ts"
import { AgentReport, BreakerState, ModelCallBegun } from "./model.ts"

/**
 * What an agent is asked: an opinion on a symbol, for a round, from these bars and nothing newer. `context` comes from outside, `past`
 * are the latest joint decisions on the symbol, oldest first. `deadline`, in milliseconds since 1970, is when the round takes its last
 * votes, where that is known. `advice`: the bars are a client's own, so that how tools do on them says nothing of the tools.
 */
export const opinionFields = {
  consensus_id: ConsensusId,
  correlation_id: CorrelationId,
  symbol: MarketSymbol,
  bars: BarWindow,
  context: Schema.optionalKey(ContextItems),
  past: Schema.optionalKey(Schema.Array(PastDecision).check(Schema.isMaxLength(PAST_DECISIONS_MAX))),
  /** Figures that came with the request, to be seen beside those of the tools. */
  indicators: Schema.optionalKey(Indicators),
  /** How often each decision would have been right on the symbol, as far as the last bar tells; none where the bars came with the request. */
  outcomes: Schema.optionalKey(OutcomeCounts),
  deadline: Schema.optionalKey(Schema.Int),
  advice: Schema.optionalKey(Schema.Literal(true)),
  /** What the opinion will rest on; it comes back in the opinion's metadata. */
  basis: Schema.optionalKey(Basis)
} as const
export const OpinionRequest = open(opinionFields)
export type OpinionRequest = typeof OpinionRequest.Type

// Made once: what is known of a schema, such as how it encodes, is remembered by the schema itself.
const messages = {
  /** Form an opinion and vote on it in the round named. */
  Analyze: { payload: OpinionRequest },
  /** The round does not need the opinion any more. */
  Cancel: { payload: open({ consensus_id: ConsensusId }) },
  /** How it comes to its opinions, and what that has cost so far. */
  GetStatus: { payload: open({}), reply: AgentReport },
  /** From a tool's feedback tracker: whether the tool is used. */
  ToolState: { payload: open({ tool: Schema.NonEmptyString, state: BreakerState }) },
  /** Its own activity is about to send a request to a model. */
  ModelCallBegan: { payload: open({ consensus_id: ConsensusId, activity: Schema.String, call: ModelCallBegun }) },
  /** From the runtime: the outcome of its activity with this key could not be processed. */
  Failed: { payload: open({ key: Schema.String }) },
  /** Its own timer: a model had all the time it may take. */
  ModelOutOfTime: { payload: open({ consensus_id: ConsensusId }) }
} as const

/** What an agent actor understands. Its id is the symbol it follows. */
export const agentProtocol = <const T extends AgentType>(type: T) => ({ type, messages }) as const

/** `agent_status`: what an agent is doing, as clients see it. */
export const AgentStatus = open({
  agent_id: AgentId,
  agent_type: AgentTypeSchema,
  symbol: MarketSymbol,
  status: Schema.Literals(["analyzing", "idle", "failed"]),
  reason: Schema.optionalKey(Schema.String),
  timestamp: Timestamp
})

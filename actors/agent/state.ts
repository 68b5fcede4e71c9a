import { Schema } from "effect"
import {
  Basis,
  BreakerState,
  ConsensusId,
  CorrelationId,
  MarketSymbol,
  ModelCallBegun,
  ModelErrorKind,
  ModelName,
  ModelUsage,
  OpinionRequest,
  open,
  ToolCall
} from "../../protocols/index.ts"
import { TakenTurn } from "../model/conversation.ts"

/** What came of one request to a model: null where tokens or price are not known, `lost` where it may cost something all the same. */
export const Receipt = open({
  call_id: Schema.NonEmptyString,
  input_tokens: Schema.NullOr(Schema.Int),
  output_tokens: Schema.NullOr(Schema.Int),
  cost_usd: Schema.NullOr(Schema.Finite),
  lost: Schema.Boolean
})
export type Receipt = typeof Receipt.Type

/** A request to a model of which the agent was told that it begins, and whether it has been accounted for. */
const Entry = open({ activity: Schema.String, call: ModelCallBegun, settled: Schema.Boolean })
export type Entry = typeof Entry.Type

/** Why the agent's own rules answer in place of the model. */
export const Fallback = open({ kind: ModelErrorKind, reason: Schema.String })
export type Fallback = typeof Fallback.Type

/** A conversation with a model over one request. Which activity is open follows from it: see `model-conversation.ts`. */
export const ModelConversation = open({
  model: ModelName,
  request: OpinionRequest,
  /** When the model's time is over, in milliseconds since 1970. */
  deadline: Schema.Int,
  /** The tools that are not to be used. */
  unavailable: Schema.optionalKey(Schema.Array(Schema.String)),
  measured: Schema.optionalKey(Schema.Array(ToolCall)),
  /** The model turned out to take no tools: what they say is given with the question. */
  toolless: Schema.optionalKey(Schema.Literal(true)),
  turns: Schema.Array(TakenTurn),
  /** What is wrong with the answer that the model gave; it is told so once. */
  fault: Schema.optionalKey(Schema.String),
  fallback: Schema.optionalKey(Fallback),
  calls: Schema.Array(Entry),
  usage: ModelUsage
})
export type ModelConversation = typeof ModelConversation.Type

export const Request = open({
  consensus_id: ConsensusId,
  correlation_id: CorrelationId,
  symbol: MarketSymbol,
  asked: Schema.optionalKey(ModelConversation),
  /** What the opinion will rest on. */
  basis: Schema.optionalKey(Basis),
  /** Its bars are a client's own. */
  advice: Schema.optionalKey(Schema.Literal(true))
})
export type Request = typeof Request.Type

/** What a model has cost the agent so far, and its breaker as the last call on whatever node left it. */
const Account = open({ usage: ModelUsage, breaker: BreakerState, seen: Schema.NullOr(Schema.Int) })
export type Account = typeof Account.Type

export const State = open({
  requests: Schema.Array(Request),
  answered: Schema.Array(ConsensusId),
  /** The tools that are not as ever, by name: see their feedback trackers. Not in the states of older versions. */
  tools: Schema.optionalKey(Schema.Record(Schema.String, BreakerState)),
  /** By model. Not in the states of older versions. */
  accounts: Schema.optionalKey(Schema.Record(Schema.String, Account))
})
export type State = typeof State.Type

/** How many answered requests an agent remembers, so as to know a repeated one. */
export const ANSWERED_KEPT = 32

const Told = { consensus_id: ConsensusId }
const Called = { ...Told, activity: Schema.String, receipts: Schema.Array(Receipt) }

export const events = {
  Requested: { request: Request },
  ModelCallBegun: { ...Told, model: ModelName, activity: Schema.String, call: ModelCallBegun },
  /** A model said something; `fault` says why it is not the answer, where it should have been. */
  ModelAnswered: { ...Called, turn: TakenTurn, fault: Schema.optionalKey(Schema.String) },
  /** The model takes no tools: it is asked without them. */
  ToolsRefused: Called,
  /** No more is asked of the model. */
  FellBack: { ...Called, fallback: Fallback },
  ToolStateSeen: { tool: Schema.NonEmptyString, state: BreakerState },
  BreakerSeen: { model: ModelName, breaker: BreakerState, at: Schema.Int },
  ToolsUsed: { ...Told, calls: Schema.Array(ToolCall) },
  Answered: Told,
  Failed: { ...Told, reason: Schema.String }
}

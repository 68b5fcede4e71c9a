import { Schema } from "effect"
import { Confidence, Decision, DecisionConfidence, Strength } from "../agents/decision.ts"
import { Client, ClientAddress, Owner } from "../vocabulary/client.ts"
import { AllocationId, ConsensusId, CorrelationId, MarketSymbol, Timestamp } from "../vocabulary/names.ts"
import { open } from "../vocabulary/open.ts"

const LEVERAGE_MAX = 10

/** A part of the portfolio's equity, 0 to 10. Counted in whole millionths: what is finer is cut off. */
export const Limit = Schema.Finite.check(
  Schema.makeFilter((value: number) => (value >= 0 && value <= LEVERAGE_MAX) || "a limit is from 0 to 10 times equity")
)

/** A position as a part of equity; below 0 it is short. */
export const Exposure = Schema.Finite.check(
  Schema.makeFilter((value: number) => Math.abs(value) <= LEVERAGE_MAX || "a position is at most 10 times equity")
)

const Group = Schema.NonEmptyString.check(Schema.isMaxLength(64))

/** The limits on the whole, as parts of equity. */
export const RiskLimits = open({
  /** Of all positions, long and short, together: the risk budget. */
  gross: Limit,
  /** Of long less short positions, on either side. */
  net: Limit,
  /** Of one symbol's position. */
  per_symbol: Limit,
  /** Of all positions of a group, such as a sector, long and short, together. */
  per_group: Limit,
  /** The budget is whole up to a drawdown of `from`, none from `to` on, and in proportion between. */
  drawdown: open({ from: Confidence, to: Confidence }).check(
    Schema.makeFilter(({ from, to }) => from < to || "`from` must be below `to`")
  ),
  /** Whether SELL opens short positions, or only closes long ones. */
  allow_short: Schema.Boolean
})
export type RiskLimits = typeof RiskLimits.Type

/** One symbol of a portfolio, the group it counts to, and its position now. */
export const Holding = open({ symbol: MarketSymbol, group: Group, current: Exposure })
export type Holding = typeof Holding.Type

export const SYMBOLS_MAX = 64

const Holdings = Schema.NonEmptyArray(Holding).check(
  Schema.isMaxLength(SYMBOLS_MAX),
  Schema.makeFilter(
    (holdings: ReadonlyArray<Holding>) =>
      new Set(holdings.map(({ symbol }) => symbol)).size === holdings.length || "a symbol is named twice"
  )
)

/** One decision over several symbols with a shared risk budget. */
export const AllocationRequest = open({
  correlation_id: CorrelationId,
  holdings: Holdings,
  limits: RiskLimits,
  /** How far equity is below its highest, 0 to 1. */
  drawdown: Confidence,
  /** Symbols whose position must not grow nor change sides, whatever is decided. */
  vetoed: Schema.Array(MarketSymbol),
  /** How long the symbols' decisions are awaited, in milliseconds, at most an hour. */
  timeout_ms: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3_600_000 })),
  /** Whose it is. */
  client: Schema.optionalKey(Client),
  /** Where it comes from, where clients are not told apart. */
  address: Schema.optionalKey(ClientAddress)
})
export type AllocationRequest = typeof AllocationRequest.Type

/**
 * The body of `POST /api/v1/agents/allocation`.
 *
 * Unless given: no drawdown, nobody vetoed, and 30,000 ms for the symbols' decisions.
 */
export const AllocationBody = Schema.Struct({
  correlation_id: Schema.optionalKey(CorrelationId),
  holdings: Holdings,
  limits: RiskLimits,
  drawdown: Schema.optionalKey(Confidence),
  vetoed: Schema.optionalKey(Schema.Array(MarketSymbol)),
  timeout_ms: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 120_000 })))
})
export type AllocationBody = typeof AllocationBody.Type

/** What a symbol's round decided. */
export const SymbolDecision = open({
  symbol: MarketSymbol,
  decision: Decision,
  confidence: DecisionConfidence,
  /** The part of the greatest position that is wanted; the confidence unless given. */
  strength: Schema.optionalKey(Strength),
  consensus_id: ConsensusId
})
export type SymbolDecision = typeof SymbolDecision.Type

/** Which limit made a target smaller than what was decided. */
export const Binding = Schema.Literals(["veto", "per_symbol", "per_group", "gross", "net"])
export type Binding = typeof Binding.Type

/** What a symbol's position should be, as a part of equity, in whole millionths. */
export const Target = open({
  symbol: MarketSymbol,
  decision: Decision,
  current: Exposure,
  target: Exposure,
  limited_by: Schema.Array(Binding)
})
export type Target = typeof Target.Type

const resultFields = {
  correlation_id: CorrelationId,
  targets: Schema.Array(Target),
  /** The risk budget after the drawdown, and what of it is used. */
  budget: Limit,
  gross: Schema.Finite,
  net: Schema.Finite,
  /** Symbols without a decision: they count as HOLD. */
  missing: Schema.Array(MarketSymbol),
  /** By symbol, why: what its coordinator answered, such as `NoMarketData`, or `deadline`. */
  missing_because: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  decisions: Schema.Array(SymbolDecision),
  /** `all_answers`: all were heard of, and some had nothing to say. */
  closed_by: Schema.Literals(["all_decisions", "all_answers", "deadline"]),
  closed_at: Timestamp
} as const
export const AllocationResult = open(resultFields)
export type AllocationResult = typeof AllocationResult.Type

/** The result with the id under which it stays, as a client gets it. */
export const Allocated = open({ allocation_id: AllocationId, ...resultFields })

/** This id is used by an allocation that is still waiting for decisions. */
export const AllocationOpen = open({ _tag: Schema.tag("AllocationOpen"), id: Schema.String })
export const UnknownAllocation = open({
  _tag: Schema.tag("UnknownAllocation"),
  id: Schema.String,
  /** It is there, of the house, and its client may not see its events. */
  unseen: Schema.optionalKey(Schema.Literal(true))
})

/** What the allocation actor understands. Its id is the allocation's: each decides once. */
export const AllocationProtocol = {
  type: "allocation",
  messages: {
    /** Answered once all symbols are decided, or at the deadline. Of a decided allocation it gets the result that is there. */
    Allocate: { payload: open({ request: AllocationRequest }), reply: AllocationResult, error: AllocationOpen },
    /** From a symbol's coordinator. Its first word counts; of a symbol that is not part of it, none. */
    SymbolDecided: { payload: SymbolDecision },
    /** From a symbol's coordinator: there will be no decision, and why. */
    SymbolMissing: { payload: open({ symbol: MarketSymbol, reason: Schema.String }) },
    /** Its own timer. */
    Deadline: { payload: open({}) },
    /** The result, or null while decisions are awaited. */
    GetResult: {
      /**
       * `by`: the client that wants to know; the allocations of other clients do not exist for it, and those of the house only where it
       * may see their events (`sees`).
       */
      payload: open({ by: Schema.optionalKey(Owner), sees: Schema.optionalKey(Schema.Boolean) }),
      reply: Schema.NullOr(AllocationResult),
      error: UnknownAllocation
    }
  }
} as const

/** `agent_coordination` with the targets of a portfolio. */
export const AllocationDecision = open({
  sender_agent_id: Schema.NonEmptyString,
  recipient_agent_id: Schema.Null,
  message_type: Schema.Literal("allocation"),
  payload: AllocationResult,
  timestamp: Timestamp
})

export const allocationDecision = { type: "agent_coordination", data: AllocationDecision } as const

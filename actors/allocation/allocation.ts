import { Schema } from "effect"
import {
  AllocationProtocol,
  AllocationRequest,
  AllocationResult,
  allocationDecision,
  type Client,
  MarketSymbol,
  open,
  SymbolDecision,
  subjects,
  toTimestamp
} from "../../protocols/index.ts"
import {
  type Actor,
  answer,
  type Context,
  cancelTimer,
  define,
  persist,
  publish,
  ReplyTo,
  refuse,
  reply,
  type Send,
  setTimer
} from "../../runtime/index.ts"
import { allocate } from "./allocate.ts"

export interface AllocationOptions {
  /**
   * The message by which a symbol's coordinator is asked for a decision; it is to send `SymbolDecided` or `SymbolMissing` to
   * the allocation with this id. Nobody is asked unless given: then somebody else has to tell.
   */
  readonly ask?: (order: {
    readonly symbol: string
    readonly allocation: string
    readonly correlationId: string
    /** How long the symbol has, in milliseconds: less than the allocation, so that it can still be heard. */
    readonly timeoutMillis: number
    readonly client?: Client
    readonly address?: string
  }) => Send
}

const DEADLINE = "deadline"

/** The part of its time that an allocation gives to its symbols' rounds: what they say at their end has to arrive. */
const SYMBOLS_SHARE = 0.8

const Missed = open({ symbol: MarketSymbol, reason: Schema.String })

const Open = open({
  request: AllocationRequest,
  reply_to: Schema.NullOr(ReplyTo),
  decisions: Schema.Array(SymbolDecision),
  /** Symbols of which is known that no decision comes. */
  missed: Schema.optionalKey(Schema.Array(Missed)),
  result: Schema.NullOr(AllocationResult)
})
type Open = typeof Open.Type

/** Null until it is asked for. */
const State = Schema.NullOr(Open)
type State = typeof State.Type

/**
 * One decision over several symbols with a shared risk budget; its id is the allocation's.
 *
 * unasked → waiting for each symbol's round → decided, for ever.
 *
 * Guarantees: it decides exactly once, when the last symbol is decided or at its durable deadline, and answers who asked
 * exactly once; a symbol of which nothing is heard counts as HOLD and is named; the result does not depend on the order
 * in which decisions came.
 */
export const allocationActor = ({ ask }: AllocationOptions = {}): Actor =>
  define({
    protocol: AllocationProtocol,
    state: State,
    initial: (): State => null,
    events: {
      Asked: { request: AllocationRequest, reply_to: Schema.NullOr(ReplyTo) },
      Heard: { decision: SymbolDecision },
      Missed: { symbol: MarketSymbol, reason: Schema.String },
      Decided: { result: AllocationResult }
    },
    decide: {
      Allocate: (state, { request }, context) => {
        const { id } = context.self
        if (state !== null) {
          return [state.result === null ? refuse({ _tag: "AllocationOpen", id } as const) : reply(state.result)]
        }
        return [
          persist({ _tag: "Asked", request, reply_to: context.replyTo ?? null } as const),
          setTimer(DEADLINE, context.time + request.timeout_ms, "Deadline", {}),
          ...(ask === undefined
            ? []
            : request.holdings.map(({ symbol }) =>
                ask({
                  ...{ symbol, allocation: id, correlationId: request.correlation_id },
                  timeoutMillis: Math.max(1, Math.floor(request.timeout_ms * SYMBOLS_SHARE)),
                  ...(request.client === undefined ? {} : { client: request.client }),
                  ...(request.address === undefined ? {} : { address: request.address })
                })
              ))
        ]
      },
      SymbolDecided: (state, decision, context) => {
        if (state === null || state.result !== null || !awaits(state, decision.symbol)) return []
        const heard = withDecision(state, decision)
        return [persist({ _tag: "Heard", decision } as const), ...closeIfComplete(heard, context)]
      },
      SymbolMissing: (state, { symbol, reason }, context) => {
        if (state === null || state.result !== null || !awaits(state, symbol)) return []
        const missed = { symbol, reason }
        return [persist({ _tag: "Missed", ...missed } as const), ...closeIfComplete(withMissed(state, missed), context)]
      },
      Deadline: (state, _, context) =>
        state === null || state.result !== null ? [] : close(state, "deadline", context),
      GetResult: (state, { by, sees = false }, context) => {
        const unknown = { _tag: "UnknownAllocation", id: context.self.id } as const
        if (state === null || !isOpenTo(state, by)) return [refuse(unknown)]
        const { client } = state.request
        return [
          by !== undefined && client === undefined && !sees
            ? refuse({ ...unknown, unseen: true } as const)
            : reply(state.result)
        ]
      }
    },
    evolve: {
      Asked: (_, { request, reply_to }) => ({ request, reply_to, decisions: [], result: null }),
      Heard: (state, { decision }) => (state === null ? null : withDecision(state, decision)),
      Missed: (state, missed) => (state === null ? null : withMissed(state, missed)),
      Decided: (state, { result }) => (state === null ? null : { ...state, result })
    }
  })

/** For a client there are its own, and those of nobody. */
const isOpenTo = ({ request: { client } }: Open, by: string | undefined): boolean =>
  by === undefined || client === undefined || client.subject === by

const awaits = ({ request, decisions, missed = [] }: Open, symbol: string): boolean =>
  request.holdings.some((holding) => holding.symbol === symbol) &&
  ![...decisions, ...missed].some((heard) => heard.symbol === symbol)

const withDecision = (state: Open, decision: SymbolDecision): Open => ({
  ...state,
  decisions: [...state.decisions, decision]
})

const withMissed = (state: Open, { symbol, reason }: typeof Missed.Type): Open => ({
  ...state,
  missed: [...(state.missed ?? []), { symbol, reason }]
})

/** Once all symbols are heard of there is nothing to wait for. */
const closeIfComplete = (state: Open, context: Context) => {
  const { decisions, missed = [], request } = state
  if (decisions.length + missed.length < request.holdings.length) return []
  return [cancelTimer(DEADLINE), ...close(state, missed.length === 0 ? "all_decisions" : "all_answers", context)]
}

const close = (state: Open, closedBy: AllocationResult["closed_by"], context: Context) => {
  const result = toResult(state, closedBy, context)
  return [
    persist({ _tag: "Decided", result } as const),
    publish(allocationDecision, subjects.coordination("allocation", context.self.id), {
      sender_agent_id: `allocation_${context.self.id}`,
      recipient_agent_id: null,
      message_type: "allocation",
      payload: result,
      timestamp: toTimestamp(context.time)
    }),
    ...(state.reply_to === null ? [] : [answer(AllocationProtocol, "Allocate", state.reply_to, result)])
  ]
}

const UNHEARD: Pick<SymbolDecision, "decision" | "confidence" | "strength"> = { decision: "HOLD", confidence: 0 }

/** Decisions are listed in the order of the holdings, so that the result does not tell who came first. */
const toResult = (
  { request, decisions, missed = [] }: Open,
  closedBy: AllocationResult["closed_by"],
  context: Context
): AllocationResult => {
  const decisionOn = (symbol: string) => decisions.find((decision) => decision.symbol === symbol)
  const allocation = allocate({
    views: request.holdings.map((holding) => {
      const { decision, confidence, strength = confidence } = decisionOn(holding.symbol) ?? UNHEARD
      return { ...holding, decision, strength }
    }),
    limits: request.limits,
    drawdown: request.drawdown,
    vetoed: request.vetoed
  })
  const missing = request.holdings.map(({ symbol }) => symbol).filter((symbol) => decisionOn(symbol) === undefined)
  const because = (symbol: string) => missed.find((each) => each.symbol === symbol)?.reason ?? "deadline"
  return {
    correlation_id: request.correlation_id,
    ...allocation,
    missing,
    ...(missing.length === 0
      ? {}
      : { missing_because: Object.fromEntries(missing.map((symbol) => [symbol, because(symbol)])) }),
    decisions: request.holdings.flatMap(({ symbol }) => decisionOn(symbol) ?? []),
    closed_by: closedBy,
    closed_at: toTimestamp(context.time)
  }
}

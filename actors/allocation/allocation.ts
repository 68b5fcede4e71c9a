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
  type ActorStepBuilder,
  answer,
  type Context,
  cancelTimer,
  define,
  omitUndefined,
  publish,
  ReplyTo,
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

const EVENTS = {
  Asked: { request: AllocationRequest, reply_to: Schema.NullOr(ReplyTo) },
  Heard: { decision: SymbolDecision },
  Missed: { symbol: MarketSymbol, reason: Schema.String },
  Decided: { result: AllocationResult }
}

type AllocationStep = ActorStepBuilder<typeof AllocationProtocol, State, typeof EVENTS>

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
    events: EVENTS,
    decide: {
      Allocate: (state, { request }, step) => {
        const { id } = step.self
        if (state !== null) {
          return state.result === null ? step.refuse({ _tag: "AllocationOpen", id }) : step.reply(state.result)
        }
        step.persist("Asked", { request, reply_to: step.replyTo ?? null })
        step.add(setTimer(DEADLINE, step.time + request.timeout_ms, "Deadline", {}))
        if (ask !== undefined) step.add(...request.holdings.map(({ symbol }) => ask(orderFor(symbol, id, request))))
      },
      SymbolDecided: (state, decision, step) => {
        if (!awaits(state, decision.symbol)) return
        step.persist("Heard", { decision })
        closeIfComplete(step)
      },
      SymbolMissing: (state, { symbol, reason }, step) => {
        if (!awaits(state, symbol)) return
        step.persist("Missed", { symbol, reason })
        closeIfComplete(step)
      },
      Deadline: (state, _, step) => {
        if (state !== null && state.result === null) close(step, state, "deadline")
      },
      GetResult: (state, { by, sees = false }, step) => {
        const { id } = step.self
        if (state === null || !isOpenTo(state, by)) return step.refuse({ _tag: "UnknownAllocation", id })
        const hidden = by !== undefined && state.request.client === undefined && !sees
        if (hidden) step.refuse({ _tag: "UnknownAllocation", id, unseen: true })
        else step.reply(state.result)
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

const awaits = (state: State, symbol: string): boolean => {
  if (state === null || state.result !== null) return false
  const { request, decisions, missed = [] } = state
  return (
    request.holdings.some((holding) => holding.symbol === symbol) &&
    ![...decisions, ...missed].some((heard) => heard.symbol === symbol)
  )
}

const orderFor = (symbol: string, allocation: string, request: AllocationRequest) =>
  omitUndefined({
    ...{ symbol, allocation, correlationId: request.correlation_id },
    timeoutMillis: Math.max(1, Math.floor(request.timeout_ms * SYMBOLS_SHARE)),
    client: request.client,
    address: request.address
  })

const withDecision = (state: Open, decision: SymbolDecision): Open => ({
  ...state,
  decisions: [...state.decisions, decision]
})

const withMissed = (state: Open, { symbol, reason }: typeof Missed.Type): Open => ({
  ...state,
  missed: [...(state.missed ?? []), { symbol, reason }]
})

/** Once all symbols are heard of there is nothing to wait for. */
const closeIfComplete = (step: AllocationStep) => {
  const { state } = step
  if (state === null) return
  const { decisions, missed = [], request } = state
  if (decisions.length + missed.length < request.holdings.length) return
  step.add(cancelTimer(DEADLINE))
  close(step, state, missed.length === 0 ? "all_decisions" : "all_answers")
}

const close = (step: AllocationStep, state: Open, closedBy: AllocationResult["closed_by"]) => {
  const { id } = step.self
  const result = toResult(state, closedBy, step)
  step.persist("Decided", { result })
  step.add(
    publish(allocationDecision, subjects.coordination("allocation", id), {
      sender_agent_id: `allocation_${id}`,
      recipient_agent_id: null,
      message_type: "allocation",
      payload: result,
      timestamp: toTimestamp(step.time)
    })
  )
  if (state.reply_to !== null) step.add(answer(AllocationProtocol, "Allocate", state.reply_to, result))
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
  return omitUndefined({
    correlation_id: request.correlation_id,
    ...allocation,
    missing,
    missing_because:
      missing.length === 0 ? undefined : Object.fromEntries(missing.map((symbol) => [symbol, because(symbol)])),
    decisions: request.holdings.flatMap(({ symbol }) => decisionOn(symbol) ?? []),
    closed_by: closedBy,
    closed_at: toTimestamp(context.time)
  })
}

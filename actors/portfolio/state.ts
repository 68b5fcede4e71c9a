// What a portfolio remembers, and how it follows from its events. Pure and bounded.
import { Schema } from "effect"
import {
  ConsensusId,
  Micros,
  Order,
  OrderStatus,
  open,
  type PortfolioProtocol,
  VetoReason
} from "../../protocols/index.ts"
import type { ActorStepBuilder, MessageName } from "../../runtime/index.ts"
import { Book, equityOf, openBook, post } from "./book.ts"

const Worked = open({ order: Order, status: OrderStatus, consensus_id: Schema.NullOr(ConsensusId) })

export const Veto = open({ symbol: Schema.String, reason: VetoReason, at: Schema.Int })

export const State = open({
  book: Book,
  /** The last close of each symbol that has been seen, and its time. */
  prices: Schema.Record(Schema.String, open({ time: Schema.Int, price: Schema.Finite })),
  /** The highest equity there was. */
  peak: Micros,
  /** Why entries are stopped; null where they are not. */
  stopped: Schema.NullOr(Schema.String),
  /** Every position is to be closed, those too that come of orders on their way. */
  flattening: Schema.Boolean,
  /** What is placed or works, one a symbol. */
  orders: Schema.Array(Worked),
  /** The decisions that were taken lately, so that none is taken twice. */
  taken: Schema.Array(ConsensusId),
  /** When orders were placed in the last 24 hours. */
  placed: Schema.Array(Schema.Int),
  vetoes: Schema.Array(Veto),
  counts: open({ orders: Schema.Int, fills: Schema.Int, vetoes: Schema.Int, rejected: Schema.Int })
})
export type State = typeof State.Type

const OrderId = Schema.NonEmptyString

export const EVENTS = {
  DecisionTaken: { consensus_id: ConsensusId },
  PriceSeen: { symbol: Schema.String, time: Schema.Int, price: Schema.Finite },
  OrderPlaced: { order: Order, consensus_id: Schema.NullOr(ConsensusId), at: Schema.Int },
  OrderWorking: { order_id: OrderId },
  OrderFilled: { order_id: OrderId, price: Schema.Finite, fee: Micros },
  OrderEnded: { order_id: OrderId, status: Schema.Literals(["rejected", "cancelled"]), reason: Schema.String },
  Vetoed: { veto: Veto },
  EntriesStopped: { reason: Schema.String, flatten: Schema.Boolean },
  EntriesResumed: {}
}

type Protocol = typeof PortfolioProtocol
type Activities = { readonly place: { readonly input: typeof Order } }

/** A step of an account; one that answers a message where it is named. */
export type AccountStep<K extends MessageName<Protocol> = never> = ActorStepBuilder<
  Protocol,
  State,
  typeof EVENTS,
  K,
  Activities
>

/** How many symbols an account trades at most. */
export const SYMBOLS_MAX = 500
const TAKEN_KEPT = 256
const VETOES_KEPT = 20
const DAY_MILLIS = 86_400_000

export const initial = (deposit: number) => (): State => ({
  book: openBook(deposit),
  prices: {},
  peak: deposit,
  stopped: null,
  flattening: false,
  orders: [],
  taken: [],
  placed: [],
  vetoes: [],
  counts: { orders: 0, fills: 0, vetoes: 0, rejected: 0 }
})

/** Whether the account was ever told of something to trade on, or stopped. A name that was only asked about may be a misspelt one. */
export const isKnown = ({ prices, taken, stopped }: State): boolean =>
  stopped !== null || taken.length > 0 || Object.keys(prices).length > 0

/** The last prices by symbol. */
export const pricesOf = (state: State): { readonly [symbol: string]: number } =>
  Object.fromEntries(Object.entries(state.prices).map(([symbol, { price }]) => [symbol, price]))

/** How far the equity is below its highest, from 0 to 1. */
export const drawdownOf = (state: State): number =>
  state.peak <= 0 ? 1 : Math.max(0, Math.min(1, 1 - equityOf(state.book, pricesOf(state)) / state.peak))

/** How many orders were placed in the 24 hours before a time. */
export const ordersSince = (state: State, now: number): number =>
  state.placed.filter((at) => at > now - DAY_MILLIS).length

const withPeak = (state: State): State => {
  const equity = equityOf(state.book, pricesOf(state))
  return equity > state.peak ? { ...state, peak: equity } : state
}

const without = (state: State, id: string): State => ({
  ...state,
  orders: state.orders.filter(({ order }) => order.id !== id)
})

type Fields<K extends keyof typeof EVENTS> = Schema.Struct<(typeof EVENTS)[K]>["Type"]

export const evolve = {
  DecisionTaken: (state: State, { consensus_id }: Fields<"DecisionTaken">): State => ({
    ...state,
    taken: [...state.taken, consensus_id].slice(-TAKEN_KEPT)
  }),
  PriceSeen: (state: State, { symbol, time, price }: Fields<"PriceSeen">): State =>
    withPeak({ ...state, prices: { ...state.prices, [symbol]: { time, price } } }),
  OrderPlaced: (state: State, { order, consensus_id, at }: Fields<"OrderPlaced">): State => ({
    ...state,
    orders: [...state.orders, { order, status: "placing", consensus_id }],
    placed: [...state.placed.filter((before) => before > at - DAY_MILLIS), at],
    counts: { ...state.counts, orders: state.counts.orders + 1 }
  }),
  OrderWorking: (state: State, { order_id }: Fields<"OrderWorking">): State => ({
    ...state,
    orders: state.orders.map((each): typeof Worked.Type =>
      each.order.id === order_id ? { ...each, status: "working" } : each
    )
  }),
  OrderFilled: (state: State, { order_id, price, fee }: Fields<"OrderFilled">): State => {
    const filled = state.orders.find(({ order }) => order.id === order_id)
    if (filled === undefined) return state
    const { symbol, quantity } = filled.order
    const counts = { ...state.counts, fills: state.counts.fills + 1 }
    return { ...without(state, order_id), book: post(state.book, { symbol, quantity, price, fee }), counts }
  },
  OrderEnded: (state: State, { order_id, status }: Fields<"OrderEnded">): State => ({
    ...without(state, order_id),
    counts: { ...state.counts, rejected: state.counts.rejected + (status === "rejected" ? 1 : 0) }
  }),
  Vetoed: (state: State, { veto }: Fields<"Vetoed">): State => ({
    ...state,
    vetoes: [...state.vetoes, veto].slice(-VETOES_KEPT),
    counts: { ...state.counts, vetoes: state.counts.vetoes + 1 }
  }),
  EntriesStopped: (state: State, { reason, flatten }: Fields<"EntriesStopped">): State => ({
    ...state,
    stopped: reason,
    flattening: state.flattening || flatten
  }),
  // Drawdown counts from here: the person who resumes has seen it.
  EntriesResumed: (state: State): State => ({
    ...state,
    stopped: null,
    flattening: false,
    peak: equityOf(state.book, pricesOf(state))
  })
}

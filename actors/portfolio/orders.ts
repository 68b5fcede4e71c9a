import type { Order } from "../../protocols/index.ts"
import {
  type Context,
  type EventOf,
  type Persist,
  type Publish,
  persist,
  type StartActivity,
  start
} from "../../runtime/index.ts"
import { publishAlert } from "../alert.ts"
import type { OrderAdapter } from "./adapter.ts"
import { publishAccount, publishOrder } from "./announcements.ts"
import { type EVENTS, evolve, type State } from "./state.ts"

/** What happens to orders. */
type OrderEvent = Extract<EventOf<typeof EVENTS>, { readonly _tag: "OrderPlaced" | "OrderFilled" | "OrderEnded" }>
export type Steps = ReadonlyArray<
  Persist<OrderEvent> | Publish | StartActivity<{ readonly name: "place"; readonly input: Order }>
>

/** An order works. Where everything is to be closed, one on paper that would enter does so no more. */
export const works = (state: State, id: string, adapter: OrderAdapter, context: Context) => {
  const found = orderOf(state, id)
  if (found === undefined) return []
  if (state.flattening && adapter.fillsAtBars && found.order.reason === "decision") {
    const cancelled = end(state, id, "cancelled", state.stopped ?? "flatten", context)
    return [...cancelled, ...closing(afterAll(state, cancelled), context, found.order.symbol)]
  }
  return [persist({ _tag: "OrderWorking", order_id: id } as const)]
}

export const orderOf = (state: State, id: string) => state.orders.find(({ order }) => order.id === id)

export const place = (order: Order, consensus_id: string | null, context: Context): Steps => [
  persist({ _tag: "OrderPlaced", order, consensus_id, at: context.time } as const),
  start("place", order.id, order),
  publishOrder(order, "placing", { consensus_id }, context)
]

/** The order is filled; and where everything is to be closed, so is what came of it. */
export const fill = (state: State, id: string, price: number, fee: number, context: Context): Steps => {
  const found = orderOf(state, id)
  if (found === undefined) return []
  const event = { _tag: "OrderFilled", order_id: id, price, fee } as const
  const after = evolve.OrderFilled(state, event)
  return [
    persist(event),
    publishOrder(found.order, "filled", { price, fee, consensus_id: found.consensus_id }, context),
    publishAccount(after, context),
    ...(state.flattening ? closing(after, context, found.order.symbol) : [])
  ]
}

export const end = (
  state: State,
  id: string,
  status: "rejected" | "cancelled",
  reason: string,
  context: Context
): Steps => {
  const found = orderOf(state, id)
  if (found === undefined) return []
  const why = reason.slice(0, 300)
  return [
    persist({ _tag: "OrderEnded", order_id: id, status, reason: why } as const),
    publishOrder(found.order, status, { reason: why, consensus_id: found.consensus_id }, context),
    // Somebody wanted out, and is not.
    ...(status === "rejected" && found.order.reason === "flatten"
      ? [
          publishAlert(
            "critical",
            "flatten_rejected",
            `${found.order.symbol} of ${context.self.id} is still held: ${why}`,
            context
          )
        ]
      : [])
  ]
}

/** The order that closes a position; none while another one of the symbol is under way. */
export const closing = (state: State, context: Context, symbol: string): Steps => {
  const quantity = state.book.positions[symbol]?.quantity ?? 0
  const last = state.prices[symbol]
  if (quantity === 0 || last === undefined || state.orders.some(({ order }) => order.symbol === symbol)) return []
  const order = {
    ...{ id: `flatten-${context.sequence}-${symbol}`, account: context.self.id, symbol, quantity: -quantity },
    ...{ bar_time: last.time, reference_price: last.price, reason: "flatten" as const }
  }
  return place(order, null, context)
}

/** The state after what happened to orders. */
export const afterAll = (state: State, steps: Steps): State =>
  steps.reduce((before, step) => {
    if (step.op !== "persist") return before
    const { event } = step
    if (event._tag === "OrderFilled") return evolve.OrderFilled(before, event)
    return event._tag === "OrderEnded" ? evolve.OrderEnded(before, event) : evolve.OrderPlaced(before, event)
  }, state)

import type { Order } from "../../protocols/index.ts"
import { start } from "../../runtime/index.ts"
import { publishAlert } from "../alert.ts"
import type { OrderAdapter } from "./adapter.ts"
import { publishAccount, publishOrder } from "./announcements.ts"
import type { AccountStep, State } from "./state.ts"

/** An order works. Where everything is to be closed, one on paper that would enter does so no more. */
export const works = (step: AccountStep, id: string, adapter: OrderAdapter) => {
  const found = orderOf(step.state, id)
  if (found === undefined) return
  const { stopped, flattening } = step.state
  if (!flattening || !adapter.fillsAtBars || found.order.reason !== "decision") {
    return void step.persist("OrderWorking", { order_id: id })
  }
  end(step, id, "cancelled", stopped ?? "flatten")
  close(step, found.order.symbol)
}

const orderOf = (state: State, id: string) => state.orders.find(({ order }) => order.id === id)

export const place = (step: AccountStep, order: Order, consensus_id: string | null) => {
  step.persist("OrderPlaced", { order, consensus_id, at: step.time })
  step.add(start("place", order.id, order), publishOrder(order, "placing", { consensus_id }, step))
}

/** The order is filled; and where everything is to be closed, so is what came of it. */
export const fill = (step: AccountStep, id: string, price: number, fee: number) => {
  const found = orderOf(step.state, id)
  if (found === undefined) return
  const { order, consensus_id } = found
  const after = step.persist("OrderFilled", { order_id: id, price, fee })
  step.add(publishOrder(order, "filled", { price, fee, consensus_id }, step), publishAccount(after, step))
  if (after.flattening) close(step, order.symbol)
}

export const end = (step: AccountStep, id: string, status: "rejected" | "cancelled", because: string) => {
  const found = orderOf(step.state, id)
  if (found === undefined) return
  const { order, consensus_id } = found
  const reason = because.slice(0, 300)
  step.persist("OrderEnded", { order_id: id, status, reason })
  step.add(publishOrder(order, status, { reason, consensus_id }, step))
  // Somebody wanted out, and is not.
  if (status === "rejected" && order.reason === "flatten") {
    const message = `${order.symbol} of ${step.self.id} is still held: ${reason}`
    step.add(publishAlert("critical", "flatten_rejected", message, step))
  }
}

/** Places the order that closes a position; none while another one of the symbol is under way. */
export const close = (step: AccountStep, symbol: string) => {
  const { book, prices, orders } = step.state
  const quantity = book.positions[symbol]?.quantity ?? 0
  const last = prices[symbol]
  if (quantity === 0 || last === undefined || orders.some(({ order }) => order.symbol === symbol)) return
  const order: Order = {
    ...{ id: `flatten-${step.sequence}-${symbol}`, account: step.self.id, symbol, quantity: -quantity },
    ...{ bar_time: last.time, reference_price: last.price, reason: "flatten" }
  }
  place(step, order, null)
}

import { Effect, Schema } from "effect"
import type { Order, Placement } from "../../protocols/index.ts"

/** An order could not be placed. Trying again may help, and does no harm. */
export class OrderError extends Schema.TaggedError<OrderError>()("OrderError", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/**
 * Where orders go: to a broker, an exchange, or nowhere.
 *
 * `place` runs as an activity, at least once: the same `order.id` again must not trade again, and answer the same. What is not
 * filled at once is filled later by the message `Filled`; unless `fillsAtBars`, with which the portfolio fills it itself, at the open
 * of the next bar.
 */
export interface OrderAdapter {
  readonly name: string
  readonly fillsAtBars: boolean
  readonly place: (order: Order) => Effect.Effect<Placement, OrderError>
}

/** Paper: every order works, and is filled at the next bar's open. */
export const paper: OrderAdapter = {
  name: "paper",
  fillsAtBars: true,
  place: () => Effect.succeed({ _tag: "Working" })
}

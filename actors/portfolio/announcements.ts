// What the world hears of an account.
import { Option, Schema } from "effect"
import {
  events,
  inCurrency,
  type Order,
  type PortfolioView,
  subjects,
  toTimestamp,
  type VetoReason
} from "../../protocols/index.ts"
import { type Context, omitUndefined, publish } from "../../runtime/index.ts"
import { amountOf, equityOf, grossOf } from "./book.ts"
import { drawdownOf, isKnown, pricesOf, State } from "./state.ts"

type Became = {
  readonly price?: number
  readonly fee?: number
  readonly reason?: string
  readonly consensus_id: string | null
}

export const publishOrder = (
  order: Order,
  status: "placing" | "working" | "filled" | "rejected" | "cancelled",
  { price, fee, reason, consensus_id }: Became,
  context: Context
) =>
  publish(
    events.order_update,
    subjects.order(order.account, order.symbol),
    omitUndefined({
      account: order.account,
      symbol: order.symbol,
      order_id: order.id,
      status,
      quantity: order.quantity,
      price: price ?? null,
      fee: fee ?? null,
      amounts: fee === undefined ? undefined : inCurrency({ fee }),
      reason: reason ?? null,
      consensus_id,
      timestamp: toTimestamp(context.time)
    })
  )

export const publishVeto = (
  symbol: string,
  quantity: number,
  reason: VetoReason,
  consensus_id: string,
  context: Context
) =>
  publish(events.order_update, subjects.order(context.self.id, symbol), {
    account: context.self.id,
    symbol,
    order_id: null,
    status: "vetoed",
    quantity,
    price: null,
    fee: null,
    reason,
    consensus_id,
    timestamp: toTimestamp(context.time)
  })

/** The account as it stands after a step. */
export const publishAccount = (state: State, context: Context) => {
  const prices = pricesOf(state)
  const equity = equityOf(state.book, prices)
  const { cash, realized, fees } = state.book
  const money = { cash, equity, realized, fees }
  return publish(events.portfolio_update, subjects.portfolio(context.self.id), {
    account: context.self.id,
    ...money,
    amounts: inCurrency(money),
    exposure: exposureOf(state, equity),
    drawdown: drawdownOf(state),
    entries_stopped: state.stopped !== null,
    timestamp: toTimestamp(context.time)
  })
}

const exposureOf = (state: State, equity: number): number =>
  equity <= 0 ? 0 : grossOf(state.book, pricesOf(state)) / equity

/** An account as people and programs see it. */
export const viewOf = (state: State, account: string, currency: string): PortfolioView => {
  const { book } = state
  const prices = pricesOf(state)
  const equity = equityOf(book, prices)
  return {
    account,
    currency,
    deposited: book.deposited,
    cash: book.cash,
    equity,
    realized: book.realized,
    fees: book.fees,
    positions: Object.entries(book.positions).map(([symbol, { quantity, cost }]) => {
      const price = prices[symbol] ?? null
      const value = price === null ? cost : amountOf(quantity, price)
      return { symbol, quantity, cost, price, value, unrealized: value - cost }
    }),
    exposure: exposureOf(state, equity),
    drawdown: drawdownOf(state),
    entries: { stopped: state.stopped !== null, reason: state.stopped },
    orders: state.orders.map(({ order, status }) => ({ order, status })),
    counts: state.counts,
    last_vetoes: state.vetoes.map(({ symbol, reason, at }) => ({ symbol, reason, timestamp: toTimestamp(at) }))
  }
}

const decodeState = Schema.decodeUnknownOption(Schema.toCodecJson(State))

/** An account from its state as it is stored; nothing where it is none, or was never told of anything. */
export const portfolioView = (account: string, state: unknown, currency = "USD"): PortfolioView | undefined =>
  decodeState(state).pipe(
    Option.filter(isKnown),
    Option.map((known) => viewOf(known, account, currency)),
    Option.getOrUndefined
  )

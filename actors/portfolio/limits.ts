// What an account may never do, and how large it wants to be. Pure.
import { Schema } from "effect"
import { type Decision, Instrument, type VetoReason } from "../../protocols/index.ts"
import { amountOf, type Book, equityOf, grossOf, MICROS } from "./book.ts"
import { inLots, inTicks } from "./quantities.ts"

const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Count = Schema.Int.check(Schema.isGreaterThan(0))

/** The hard limits of an account, and how it trades. Fractions are of its equity unless said otherwise. */
export const AccountRules = Schema.Struct({
  /** The largest position in one symbol, reached at a strength of 1. */
  maxPosition: Share,
  /** The largest sum of the sizes of all positions; above 1 it borrows. */
  maxExposure: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10 })),
  /** Once the equity is so far below its highest, entries stop until a person resumes them. */
  maxDrawdown: Share,
  /** Orders of all symbols in 24 hours. */
  maxOrdersPerDay: Count,
  /** Whether it may sell what it does not have. */
  short: Schema.Boolean,
  /** A change of a position smaller than this is not worth its fee. */
  minTrade: Share,
  /** What a trade costs, as a part of its amount. */
  fee: Share,
  /** By how much worse than the open of the bar it is filled, as a part of the price. */
  slippage: Share,
  /** What exchanges ask of orders, by symbol. */
  instruments: Schema.optionalKey(Schema.Record(Schema.String, Instrument))
})
export type AccountRules = typeof AccountRules.Type

export const ACCOUNT_DEFAULTS: AccountRules = {
  maxPosition: 0.25,
  maxExposure: 1,
  maxDrawdown: 0.2,
  maxOrdersPerDay: 100,
  short: false,
  minTrade: 0.01,
  fee: 0.0005,
  slippage: 0.0005
}

interface Sizing {
  /** In micros. */
  readonly equity: number
  readonly price: number
  /** Quantities are multiples of it. */
  readonly lot: number
  readonly rules: AccountRules
}

export type Prices = { readonly [symbol: string]: number }

/**
 * The quantity that an account wants to hold after a decision: none to sell, or short where it may; a part of the largest
 * position, by strength and in whole lots, to buy; what it holds to hold.
 */
export const wanted = (
  decision: Decision,
  strength: number,
  held: number,
  { equity, price, lot, rules }: Sizing
): number => {
  if (decision === "HOLD") return held
  const most = inLots((Math.max(0, equity) * rules.maxPosition * strength) / (price * MICROS), lot)
  if (decision === "BUY") return most
  // Without a position there is nothing to sell; a short one is closed by the opposite decision.
  return rules.short ? -most : Math.min(0, held)
}

export interface Circumstances {
  readonly book: Book
  readonly prices: Prices
  readonly rules: AccountRules
  readonly entriesStopped: boolean
  /** How far the equity is below its highest, as a part of that. */
  readonly drawdown: number
  readonly ordersToday: number
}

/** Why a trade may not be made; nothing where it may. One that only makes a position smaller may always be made. */
export const vetoOf = (
  symbol: string,
  quantity: number,
  price: number,
  { book, prices, rules, entriesStopped, drawdown, ordersToday }: Circumstances
): VetoReason | undefined => {
  const held = book.positions[symbol]?.quantity ?? 0
  const after = held + quantity
  if (isReduction(held, after)) return undefined
  if (entriesStopped) return "entries_stopped"
  if (drawdown >= rules.maxDrawdown) return "drawdown"
  if (ordersToday >= rules.maxOrdersPerDay) return "orders_per_day"
  if (after < 0 && !rules.short) return "short_not_allowed"
  const at = { ...prices, [symbol]: price }
  const equity = equityOf(book, at)
  const size = Math.abs(amountOf(after, price))
  // A price that has moved since the size was worked out is no breach.
  const slack = 1 + 1e-9
  if (size > equity * rules.maxPosition * slack) return "position_limit"
  if (grossOf(book, at) - Math.abs(amountOf(held, price)) + size > equity * rules.maxExposure * slack) {
    return "exposure_limit"
  }
  const paid = amountOf(quantity, price * (1 + Math.sign(quantity) * rules.slippage))
  if (rules.maxExposure <= 1 && paid + feeOf(paid, rules) > book.cash) return "cash"
  return undefined
}

/** Whether a position only gets smaller, and does not turn. */
export const isReduction = (held: number, after: number): boolean =>
  held !== 0 && Math.abs(after) < Math.abs(held) && (after === 0 || Math.sign(after) === Math.sign(held))

/** The fee of a trade's amount, in micros. */
export const feeOf = (amount: number, { fee }: AccountRules): number => Math.ceil(Math.abs(amount) * fee)

/** The price at which an order in a symbol is filled, where the bar opens at one. */
export const fillPrice = (
  open: number,
  { symbol, quantity }: Traded,
  { slippage, instruments }: AccountRules
): number => inTicks(open * (1 + Math.sign(quantity) * slippage), quantity, instruments?.[symbol])

interface Traded {
  readonly symbol: string
  readonly quantity: number
}

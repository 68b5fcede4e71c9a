// The books of an account: what there is, what was paid, what was earned. Money in whole numbers, so that nothing gets lost.
import { Schema } from "effect"
import { Micros, open } from "../../protocols/index.ts"
import { exact } from "./quantities.ts"

const Position = open({
  quantity: Schema.Finite,
  /** What was paid for the units there are; below 0 for what was sold short. */
  cost: Micros
})
type Position = typeof Position.Type

export const Book = open({
  deposited: Micros,
  cash: Micros,
  /** What sales brought beyond what was paid for what was sold, fees not counted. */
  realized: Micros,
  fees: Micros,
  /** What is held, by symbol. */
  positions: Schema.Record(Schema.String, Position)
})
export type Book = typeof Book.Type

/** A quantity bought (above 0) or sold (below) at a price in the account's currency. `fee` in micros, at least 0. */
export interface Fill {
  readonly symbol: string
  readonly quantity: number
  readonly price: number
  readonly fee: number
}

export const MICROS = 1_000_000

/** The books of an account into which so much was paid, in micros. */
export const openBook = (deposited: number): Book => ({
  deposited,
  cash: deposited,
  realized: 0,
  fees: 0,
  positions: {}
})

/** What so many units are worth at a price, in micros. */
export const amountOf = (quantity: number, price: number): number => Math.round(quantity * price * MICROS)

/** Whether a trade's amount can be written exactly in these books. */
export const isWritable = (book: Book, { quantity, price, fee }: Fill): boolean => {
  const most = Math.abs(quantity) * price * MICROS + fee
  const held = Object.values(book.positions).reduce((sum, { cost }) => sum + Math.abs(cost), 0)
  return most + Math.abs(book.cash) + Math.abs(book.realized) + book.fees + held < Number.MAX_SAFE_INTEGER
}

/**
 * The books after a trade. What leaves or turns a position is realized at its average cost.
 *
 * Law: cash = deposited + realized − fees − the costs of all positions, always and exactly.
 */
export const post = (book: Book, fill: Fill): Book => {
  const before = book.positions[fill.symbol] ?? { quantity: 0, cost: 0 }
  const paid = amountOf(fill.quantity, fill.price)
  const { position, realized } = traded(before, fill.quantity, paid)
  const { [fill.symbol]: _, ...others } = book.positions
  return {
    ...book,
    cash: book.cash - paid - fill.fee,
    realized: book.realized + realized,
    fees: book.fees + fill.fee,
    positions: position.quantity === 0 ? others : { ...others, [fill.symbol]: position }
  }
}

const traded = (before: Position, quantity: number, paid: number) => {
  const opposite = Math.sign(before.quantity) === -Math.sign(quantity)
  if (!opposite) {
    return { position: { quantity: exact(before.quantity + quantity), cost: before.cost + paid }, realized: 0 }
  }
  const closed = Math.min(Math.abs(before.quantity), Math.abs(quantity))
  // Of what is closed; rounding goes to what stays, and is realized with it in the end.
  const cost =
    closed === Math.abs(before.quantity) ? before.cost : Math.round(before.cost * (closed / Math.abs(before.quantity)))
  const proceeds = closed === Math.abs(quantity) ? paid : Math.round(paid * (closed / Math.abs(quantity)))
  return {
    position: { quantity: exact(before.quantity + quantity), cost: before.cost - cost + paid - proceeds },
    realized: -proceeds - cost
  }
}

/** The most that can be counted exactly, in micros: 2^53 − 1. */
export const WORTH_MAX = Number.MAX_SAFE_INTEGER

/** Whether what the account is worth at some prices, and all that it is added up from, can be counted exactly. */
export const isCountable = (book: Book, prices: { readonly [symbol: string]: number }): boolean =>
  Math.abs(book.cash) + grossOf(book, prices) <= WORTH_MAX

/** What the account is worth at some prices, by symbol, in micros; a position without a price at its cost. */
export const equityOf = (book: Book, prices: { readonly [symbol: string]: number }): number =>
  Object.entries(book.positions).reduce(
    (sum, [symbol, { quantity, cost }]) =>
      sum + (prices[symbol] === undefined ? cost : amountOf(quantity, prices[symbol])),
    book.cash
  )

/** The sum of the sizes of all positions at some prices, in micros. */
export const grossOf = (book: Book, prices: { readonly [symbol: string]: number }): number =>
  Object.entries(book.positions).reduce(
    (sum, [symbol, { quantity, cost }]) =>
      sum + Math.abs(prices[symbol] === undefined ? cost : amountOf(quantity, prices[symbol])),
    0
  )

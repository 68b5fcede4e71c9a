// What became of an account's orders, and why each was placed. Pure.
import { Schema } from "effect"
import { type Decision, OrderUpdate } from "../../protocols/index.ts"
import type { PublishedEvent } from "../../sim/index.ts"

/**
 * What a fill did to the position: `enters` one, `enlarges` it to the size wanted, `reduces` it to that size, because its price has made it a
 * larger part of the equity, `exits`, or `turns` it to the other side.
 */
export type FillReason = "enters" | "enlarges" | "reduces" | "exits" | "turns"

/** A quantity bought (above 0) or sold (below) at the open of a bar. */
export interface Filled {
  /** The start of the bar at whose open it was filled, and of the one it was decided on, in milliseconds since 1970. */
  readonly time: number
  readonly decided_at: number
  readonly decision: Decision
  readonly reason: FillReason
  readonly quantity: number
  readonly price: number
  /** In the account's currency. */
  readonly fee: number
  /** The position after it. */
  readonly held: number
}

/** An order that was not placed, or not filled. */
export interface Unfilled {
  /** The start of the bar on which that became known, in milliseconds since 1970. */
  readonly time: number
  readonly status: "vetoed" | "rejected"
  readonly quantity: number
  readonly reason: string
}

export const fillReason = (held: number, after: number): FillReason => {
  if (held === 0) return "enters"
  if (after === 0) return "exits"
  if (Math.sign(after) !== Math.sign(held)) return "turns"
  return Math.abs(after) > Math.abs(held) ? "enlarges" : "reduces"
}

const isUpdate = Schema.is(OrderUpdate)
const UNITS = 1e8

/** What one account has done. */
export class Statement {
  readonly fills: Array<Filled> = []
  readonly unfilled: Array<Unfilled> = []
  #held = 0
  #decided: { readonly decision: Decision; readonly at: number } = { decision: "HOLD", at: 0 }

  /** What is decided on a bar: an order that follows is of it. One is under way at a time. */
  decide(decision: Decision, at: number): void {
    this.#decided = { decision, at }
  }

  hear({ status, quantity, price, amounts, reason }: OrderUpdate, time: number): void {
    if (status === "vetoed" || status === "rejected") {
      this.unfilled.push({ time, status, quantity, reason: reason ?? "unknown" })
    }
    if (status !== "filled" || price === null) return
    const before = this.#held
    this.#held = Math.round((before + quantity) * UNITS) / UNITS
    const { decision, at } = this.#decided
    this.fills.push({
      ...{ time, decided_at: at, decision, reason: fillReason(before, this.#held) },
      ...{ quantity, price, fee: amounts?.fee ?? 0, held: this.#held }
    })
  }
}

/** An event as news of an order; nothing where it is something else. */
export const orderUpdateOf = ({ type, data }: PublishedEvent): OrderUpdate | undefined =>
  type === "order_update" && isUpdate(data) ? data : undefined

// Which price tells a decision's outcome. Pure.
import type { UnscoredReason } from "../../protocols/index.ts"
import { type OutcomeRule, patienceFor } from "../learning/outcome-rule.ts"

/** A bar's close, and the start of the bar in milliseconds since 1970. */
export interface PricePoint {
  readonly time: number
  readonly price: number
}

/** How many prices are kept for decisions that are told late. */
export const PRICES_MAX = 128

/** The prices with one more; the oldest falls out past `PRICES_MAX`. Older than the last, or as old, changes nothing. */
export const pushPrice = (prices: ReadonlyArray<PricePoint>, next: PricePoint): ReadonlyArray<PricePoint> =>
  next.time <= (prices.at(-1)?.time ?? -1) ? prices : [...prices.slice(1 - PRICES_MAX), next]

/** When the bars of the prices began. */
export const timesOf = (prices: ReadonlyArray<PricePoint>): ReadonlyArray<number> => prices.map(({ time }) => time)

export type Judgement =
  | { readonly _tag: "Wait" }
  | { readonly _tag: "Judge"; readonly at: PricePoint }
  | { readonly _tag: "Unscored"; readonly reason: UnscoredReason }

/**
 * What the prices so far say of a decision on the bar at `barTime`.
 *
 * It is judged by the first price at or after its horizon and by no other, so it does not matter whether the decision or
 * the price was told first. Where that price came too late, or may have been forgotten, there is no outcome.
 */
export const judge = (
  prices: ReadonlyArray<PricePoint>,
  barTime: number,
  rule: Pick<OutcomeRule, "horizonMillis" | "patienceMillis">
): Judgement => {
  const due = barTime + rule.horizonMillis
  const index = prices.findIndex(({ time }) => time >= due)
  const at = prices[index]
  if (at === undefined) return { _tag: "Wait" }
  if (index === 0 && prices.length >= PRICES_MAX) return { _tag: "Unscored", reason: "price_forgotten" }
  // Of no bar after that one: an outcome is the same whenever it is asked for.
  const patience = patienceFor(rule, timesOf(prices.slice(0, index + 1)))
  return at.time > due + patience ? { _tag: "Unscored", reason: "no_price" } : { _tag: "Judge", at }
}

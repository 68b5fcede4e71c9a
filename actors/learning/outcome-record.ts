// How often each decision would have been right, over all bars that a symbol ever had. Pure; as large after a million bars as after two.
import { Schema } from "effect"
import { type Bar, BarTime, type BarWindow, OutcomeCounts, open } from "../../protocols/index.ts"
import { type OutcomeRule, patienceFor } from "./outcome-rule.ts"
import { outcomeOf } from "./scoring.ts"

/** Outcomes by one rule that follow one another: the next one begins at the price that told the one before it. */
export const OutcomeRecord = open({
  rule: open({ horizonMillis: Schema.Finite, patienceMillis: Schema.Finite, threshold: Schema.Finite }),
  /** Where the outcome begins that is not known yet. */
  since: open({ time: BarTime, price: Schema.Finite }),
  counts: OutcomeCounts
})
export type OutcomeRecord = typeof OutcomeRecord.Type

/**
 * The record after a bar that follows on those of the window. Where there is none, or one by another rule, it begins anew with the bars of the
 * window. The same record where the bar tells no outcome.
 */
export const recordBar = (
  record: OutcomeRecord | undefined,
  window: BarWindow,
  bar: Pick<Bar, "time" | "close">,
  rule: OutcomeRule
): OutcomeRecord => {
  const patienceMillis = patienceFor(rule, [...window.time, bar.time])
  const next = (before: OutcomeRecord | undefined, time: number, price: number) =>
    follow(before, { time, price }, rule, patienceMillis)
  if (record !== undefined && isBy(record, rule)) return next(record, bar.time, bar.close)
  const begun = window.time.reduce<OutcomeRecord | undefined>(
    (before, time, index) => next(before, time, window.close[index]!),
    undefined
  )
  return next(begun, bar.time, bar.close)
}

const NONE: OutcomeCounts = { BUY: 0, SELL: 0, HOLD: 0 }

const follow = (
  record: OutcomeRecord | undefined,
  point: OutcomeRecord["since"],
  { horizonMillis, patienceMillis, threshold }: OutcomeRule,
  patience: number
): OutcomeRecord => {
  if (record === undefined) {
    return { rule: { horizonMillis, patienceMillis, threshold }, since: point, counts: NONE }
  }
  const { since, counts } = record
  const due = since.time + horizonMillis
  if (point.time < due) return record
  if (point.time > due + patience) return { ...record, since: point }
  const outcome = outcomeOf(since.price, point.price, threshold)
  return { ...record, since: point, counts: { ...counts, [outcome]: counts[outcome] + 1 } }
}

const isBy = ({ rule }: OutcomeRecord, { horizonMillis, patienceMillis, threshold }: OutcomeRule): boolean =>
  rule.horizonMillis === horizonMillis && rule.patienceMillis === patienceMillis && rule.threshold === threshold

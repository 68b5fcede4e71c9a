import { Schema } from "effect"
import { Timestamp, toTimestamp } from "../vocabulary/names.ts"
import { open } from "../vocabulary/open.ts"
import type { BarWindow } from "./market.ts"
import { tradingYearOf } from "./trading-year.ts"

/** The most that is said of where bars come from: warnings, and characters of each text. */
export const SOURCE_WARNINGS_MAX = 16
export const SOURCE_TEXT_MAX = 400

const Text = Schema.String.check(Schema.isMaxLength(SOURCE_TEXT_MAX))

/** Where the bars of a request come from, as who asks says it: a file's name, how it was read, and what looks wrong in it. */
export const BarSource = open({
  name: Schema.NonEmptyString.check(Schema.isMaxLength(256)),
  layout: Schema.optionalKey(Text),
  warnings: Schema.optionalKey(Schema.Array(Text).check(Schema.isMaxLength(SOURCE_WARNINGS_MAX)))
})
export type BarSource = typeof BarSource.Type

/** What a decision rests on. */
export const Basis = open({
  /** When the last bar began, and its close. */
  bar_time: Timestamp,
  price: Schema.Finite,
  bars: Schema.Int,
  /** The usual time from one bar to the next, in seconds; null where there is one bar. */
  interval_seconds: Schema.NullOr(Schema.Finite),
  /** How many such bars a year of trading was taken to have, and what it was taken for; as given, or found out of the bars. */
  bars_per_year: Schema.optionalKey(Schema.Finite),
  year: Schema.optionalKey(Text),
  /** Whether the bars are those that the system was fed, or came with the request. */
  from: Schema.Literals(["market", "request"]),
  source: Schema.optionalKey(BarSource)
})
export type Basis = typeof Basis.Type

/** What a decision on these bars rests on; there is at least one. */
export const basisOf = (bars: BarWindow, from: Basis["from"], source?: BarSource): Basis => ({
  bar_time: toTimestamp(bars.time.at(-1) ?? 0),
  price: bars.close.at(-1) ?? 0,
  bars: bars.time.length,
  interval_seconds: usualInterval(bars.time),
  ...yearOf(bars),
  from,
  ...(source === undefined ? {} : { source })
})

const yearOf = ({ time, bars_per_year }: BarWindow) =>
  bars_per_year === undefined ? tradingYearOf(time) : { bars_per_year, year: "as given with the bars" }

/** The most frequent time between neighbours, and the shortest of those that are as frequent. In seconds. */
const usualInterval = (times: ReadonlyArray<number>): number | null => {
  const counts = new Map<number, number>()
  for (let index = 1; index < times.length; index++) {
    const gap = times[index]! - times[index - 1]!
    counts.set(gap, (counts.get(gap) ?? 0) + 1)
  }
  const [usual] = [...counts].toSorted(([a, one], [b, other]) => other - one || a - b)
  return usual === undefined ? null : usual[0] / 1_000
}

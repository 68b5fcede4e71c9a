import type { ToolTrend } from "../../protocols/index.ts"
import type { Execution } from "./state.ts"
import { percentile, trendTest } from "./statistics.ts"

/** How many executions it takes to speak of a trend. */
export const TREND_EXECUTIONS_MIN = 30
/** A trend is said where chance alone gives one like it less often than this. */
export const TREND_LEVEL = 0.01

type Trend = typeof ToolTrend.Type

/** Whether executions succeed more or less often as time goes by. */
export const successTrend = (window: ReadonlyArray<Execution>): Trend =>
  trendOf(
    window.map(({ status }) => (status === "success" ? 1 : 0)),
    (half) => half.reduce((sum, value) => sum + value, 0) / half.length,
    1
  )

/** Whether executions take less or more time as time goes by; `earlier` and `later` are medians. */
export const timeTrend = (window: ReadonlyArray<Execution>): Trend =>
  trendOf(
    window.map(({ ms }) => ms),
    (half) =>
      percentile(
        half.toSorted((a, b) => a - b),
        0.5
      ),
    -1
  )

/** `better` is 1 where larger values are better, and -1 where smaller ones are. */
const trendOf = (
  values: ReadonlyArray<number>,
  summary: (half: ReadonlyArray<number>) => number,
  better: 1 | -1
): Trend => {
  if (values.length < TREND_EXECUTIONS_MIN) {
    return { verdict: "insufficient_data", p_value: null, earlier: null, later: null }
  }
  const half = Math.floor(values.length / 2)
  const halves = { earlier: summary(values.slice(0, half)), later: summary(values.slice(half)) }
  const test = trendTest(values)
  if (test === undefined) return { verdict: "stable", p_value: null, ...halves }
  const direction = test.correlation * better > 0 ? "improving" : "declining"
  return { verdict: test.p < TREND_LEVEL ? direction : "stable", p_value: test.p, ...halves }
}

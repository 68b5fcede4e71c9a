import type { FailurePredictor } from "../../protocols/index.ts"
import type { Execution } from "./state.ts"
import { fisher } from "./statistics.ts"

/** How many executions, and failures among them, it takes to look for what predicts failure. */
export const PREDICTOR_EXECUTIONS_MIN = 30
export const PREDICTOR_FAILURES_MIN = 5
/** With how many executions a feature's value must have been the case. */
export const SUPPORT_MIN = 5
/** How likely one is found by chance where none is, over all that are looked at. */
const LEVEL = 0.01
const PREDICTORS_MAX = 10

/** Each feature and value among some executions, with how many of them it was the case, and how many of those failed. */
export const countFeatures = (window: ReadonlyArray<Execution>) => {
  const counts = new Map<string, { feature: string; value: string; count: number; failures: number }>()
  for (const { features, status } of window) {
    for (const [feature, value] of Object.entries(features)) {
      const key = `${feature}=${value}`
      const known = counts.get(key) ?? { feature, value, count: 0, failures: 0 }
      counts.set(key, {
        ...known,
        count: known.count + 1,
        failures: known.failures + (status === "success" ? 0 : 1)
      })
    }
  }
  return counts
}

/**
 * What was the case with executions that failed more often than the others, the surest first. Each is tested alone, and its
 * p-value is multiplied by how many were tested (Bonferroni), so that looking at many does not find some by chance.
 */
export const failurePredictors = (window: ReadonlyArray<Execution>): ReadonlyArray<typeof FailurePredictor.Type> => {
  const failures = window.filter(({ status }) => status !== "success").length
  if (window.length < PREDICTOR_EXECUTIONS_MIN || failures < PREDICTOR_FAILURES_MIN) return []
  // What is the case with all executions tells nothing of some.
  const tested = [...countFeatures(window).values()].filter(
    ({ count }) => count >= SUPPORT_MIN && count < window.length
  )
  const overall = failures / window.length
  return tested
    .map(({ feature, value, count, failures: failed }) => ({
      feature,
      value,
      count,
      failures: failed,
      failure_rate: failed / count,
      lift: failed / count / overall,
      p_value: Math.min(1, tested.length * fisher(failed, count, failures, window.length))
    }))
    .filter(({ lift, p_value }) => lift > 1 && p_value < LEVEL)
    .toSorted((a, b) => a.p_value - b.p_value || b.lift - a.lift)
    .slice(0, PREDICTORS_MAX)
}

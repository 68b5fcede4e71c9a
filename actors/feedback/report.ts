import { type AgentType, type ToolReport, toTimestamp } from "../../protocols/index.ts"
import { CLUSTER_EXECUTIONS_MIN, clustersOf } from "./clusters.ts"
import { errorPatterns } from "./errors.ts"
import { failurePredictors, PREDICTOR_EXECUTIONS_MIN, PREDICTOR_FAILURES_MIN } from "./predictors.ts"
import { type Execution, inWindow, isWarmUp, type State, type WindowBounds } from "./state.ts"
import { percentile, wilson } from "./statistics.ts"
import { suggestionsFor } from "./suggestions.ts"
import { successTrend, TREND_EXECUTIONS_MIN, timeTrend } from "./trend.ts"

export interface ReportSubject {
  readonly agent_type: AgentType
  readonly tool: string
}

/** What a tracker can say at a time. Pure; `random` is where the search for kinds of executions starts. */
export const reportOf = (
  state: State,
  subject: ReportSubject,
  bounds: WindowBounds,
  now: number,
  random: () => number
): ToolReport => {
  const all = inWindow(state.window, now, bounds.maxAgeMillis)
  const window = all.filter((execution) => !isWarmUp(execution))
  const failures = window.filter(({ status }) => status !== "success").length
  const successes = window.length - failures
  const { breaker } = state
  const found = {
    ...subject,
    total: state.total,
    window: {
      executions: all.length,
      executions_max: bounds.executionsMax,
      max_age_ms: bounds.maxAgeMillis,
      from: all[0] === undefined ? null : toTimestamp(all[0].at),
      to: all[0] === undefined ? null : toTimestamp(all.at(-1)!.at)
    },
    warm_up: all.length - window.length,
    success_rate: window.length === 0 ? null : successes / window.length,
    success_interval: window.length === 0 ? null : wilson(successes, window.length),
    execution_time_ms: timesOf(window),
    errors: errorPatterns(window),
    trend: successTrend(window),
    time_trend: timeTrend(window),
    predictors: failurePredictors(window),
    clusters: clustersOf(window, random),
    breaker: {
      state: breaker.state,
      since: toTimestamp(breaker.since),
      until: breaker.until === null ? null : toTimestamp(breaker.until)
    },
    insufficient: missing(window.length, failures)
  }
  const last = all.at(-1)
  return { ...found, suggestions: suggestionsFor(found, last !== undefined && isWarmUp(last)) }
}

const timesOf = (window: ReadonlyArray<Execution>): ToolReport["execution_time_ms"] => {
  if (window.length === 0) return null
  const times = window.map(({ ms }) => ms).toSorted((a, b) => a - b)
  return {
    mean: times.reduce((sum, ms) => sum + ms, 0) / times.length,
    median: percentile(times, 0.5),
    p95: percentile(times, 0.95),
    max: times.at(-1)!
  }
}

const missing = (executions: number, failures: number): ToolReport["insufficient"] =>
  [
    { what: "trend", needed: TREND_EXECUTIONS_MIN, have: executions },
    { what: "predictors", needed: PREDICTOR_EXECUTIONS_MIN, have: executions },
    { what: "predictors: failures", needed: PREDICTOR_FAILURES_MIN, have: failures },
    { what: "clusters", needed: CLUSTER_EXECUTIONS_MIN, have: executions }
  ].filter(({ needed, have }) => have < needed)

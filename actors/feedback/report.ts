import { type AgentType, type ToolReport, toTimestamp } from "../../protocols/index.ts"
import { CLUSTER_EXECUTIONS_MIN, clustersOf } from "./clusters.ts"
import { errorPatterns } from "./errors.ts"
import { failurePredictors, PREDICTOR_EXECUTIONS_MIN, PREDICTOR_FAILURES_MIN } from "./predictors.ts"
import { type Execution, inWindow, type State, type WindowBounds } from "./state.ts"
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
  const window = inWindow(state.window, now, bounds.maxAgeMillis)
  const count = window.length
  // A warm-up says nothing of the tool: who has too few bars gets no result from any.
  const judged = window.filter(({ kind }) => kind !== "insufficient_data")
  const failures = judged.filter(({ status }) => status !== "success").length
  const successes = judged.length - failures
  const { breaker } = state
  const found = {
    ...subject,
    total: state.total,
    window: {
      executions: count,
      executions_max: bounds.executionsMax,
      max_age_ms: bounds.maxAgeMillis,
      from: window[0] === undefined ? null : toTimestamp(window[0].at),
      to: window[0] === undefined ? null : toTimestamp(window.at(-1)!.at)
    },
    warm_up: count - judged.length,
    success_rate: judged.length === 0 ? null : successes / judged.length,
    success_interval: judged.length === 0 ? null : wilson(successes, judged.length),
    execution_time_ms: timesOf(window),
    errors: errorPatterns(window),
    trend: successTrend(judged),
    time_trend: timeTrend(window),
    predictors: failurePredictors(judged),
    clusters: clustersOf(window, random),
    breaker: {
      state: breaker.state,
      since: toTimestamp(breaker.since),
      until: breaker.until === null ? null : toTimestamp(breaker.until)
    },
    insufficient: missing(judged.length, failures)
  }
  return { ...found, suggestions: suggestionsFor(found, failures + found.warm_up) }
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

import type { ToolReport, ToolSuggestion } from "../../protocols/index.ts"

type Suggestion = typeof ToolSuggestion.Type
type Found = Omit<ToolReport, "suggestions">

const FAILURES_MIN = 5
const percent = (share: number): string => `${Math.round(100 * share)}%`

/** What a person could do about how a tool does; nothing where nothing is wrong. `warming`: it had too few bars the last time as well. */
export const suggestionsFor = (found: Found, warming: boolean): ReadonlyArray<Suggestion> =>
  [
    resting(found),
    warming ? warmUp(found) : undefined,
    slow(found),
    dominant(found),
    predicted(found),
    declining(found),
    slower(found)
  ].flatMap((each) => each ?? [])

const ofKind = (found: Found, wanted: string): number =>
  found.errors.reduce((sum, { kind, count }) => sum + (kind === wanted ? count : 0), 0)

const resting = ({ breaker, tool, errors }: Found): Suggestion | undefined =>
  breaker.state !== "open"
    ? undefined
    : {
        code: "resting",
        text: `${tool} is not used until ${breaker.until}: it failed too often, last with "${errors[0]?.example ?? "no message"}".`
      }

const warmUp = ({ warm_up, window, tool }: Found): Suggestion | undefined =>
  warm_up < FAILURES_MIN || warm_up < 0.2 * window.executions
    ? undefined
    : {
        code: "more_bars",
        text: `Give ${tool} more bars, or do without it until there are enough: ${warm_up} of ${window.executions} uses had too few.`
      }

const slow = (found: Found): Suggestion | undefined => {
  const time = found.execution_time_ms
  const timeouts = ofKind(found, "timeout") + found.errors.filter(({ pattern }) => pattern === "timeout").length
  if (timeouts >= FAILURES_MIN && timeouts >= 0.05 * found.window.executions) {
    return {
      code: "timeouts",
      text: `${percent(timeouts / found.window.executions)} of executions run into their timeout: raise it, or make fewer run at once.`
    }
  }
  if (time === null || found.window.executions < 30 || time.p95 < 10 * time.median || time.p95 < 1_000) return undefined
  return {
    code: "slow_tail",
    text: `One execution in twenty takes over ${Math.round(time.p95)} ms, where half take ${time.median.toFixed(1)} ms or less: look at what ${found.tool} waits for then.`
  }
}

const dominant = ({ errors, tool }: Found): Suggestion | undefined => {
  const worst = errors.find(({ kind }) => kind !== "unavailable")
  if (worst === undefined || worst.count < FAILURES_MIN || worst.share < 0.5) return undefined
  return {
    code: "one_cause",
    text: `${percent(worst.share)} of the failures of ${tool} say the same: "${worst.example}". Mend that first.`
  }
}

const predicted = ({ predictors, tool }: Found): Suggestion | undefined => {
  const [first] = predictors
  return (
    first && {
      code: "predictor",
      text: `With ${first.feature} ${first.value}, ${tool} fails ${first.lift.toFixed(1)} times as often as otherwise usual (${first.failures} of ${first.count}): do not use it then, or mend it for that.`
    }
  )
}

const declining = ({ trend, tool, window }: Found): Suggestion | undefined =>
  trend.verdict !== "declining" || trend.earlier === null || trend.later === null
    ? undefined
    : {
        code: "declining",
        text: `${tool} succeeded in ${percent(trend.earlier)} of the older half of the executions since ${window.from}, and in ${percent(trend.later)} of the newer half: look at what changed.`
      }

const slower = ({ time_trend, tool }: Found): Suggestion | undefined =>
  time_trend.verdict !== "declining" ||
  time_trend.earlier === null ||
  time_trend.later === null ||
  time_trend.later < 1.5 * time_trend.earlier
    ? undefined
    : {
        code: "slower",
        text: `${tool} has become slower: half of the newer executions take ${time_trend.later.toFixed(1)} ms or more, of the older ones ${time_trend.earlier.toFixed(1)} ms.`
      }

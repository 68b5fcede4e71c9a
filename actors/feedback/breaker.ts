// A circuit breaker as a pure state machine: M. Nygard, Release It!, 2007.
import type { ToolErrorKind } from "../../protocols/index.ts"
import type { Breaker, Execution } from "./state.ts"

export interface BreakerOptions {
  /** How many of the latest executions are looked at. */
  readonly latest: number
  /** How many of them may fail before it opens. */
  readonly failures: number
  /** How long it rests the first time, in milliseconds; each time that it opens again at once, twice as long. */
  readonly pauseMillis: number
  /** It never rests longer than this, in milliseconds. */
  readonly pauseMillisMax: number
}

export const BREAKER_DEFAULTS: BreakerOptions = {
  latest: 10,
  failures: 5,
  pauseMillis: 60_000,
  pauseMillisMax: 15 * 60_000
}

/** Faults of who called, and not of the tool. */
const NOT_ITS_OWN: ReadonlySet<ToolErrorKind> = new Set(["insufficient_data", "invalid_input", "unavailable"])

/** Whether an execution says something of the tool itself. */
export const tells = ({ kind }: Execution): boolean => kind === undefined || !NOT_ITS_OWN.has(kind)

/**
 * The breaker after an execution, the last of the window.
 *
 * closed → open: `failures` of the `latest` since it closed failed. half_open → closed: it succeeded; → open: it failed. While it is
 * open, executions that were under way change nothing.
 */
export const afterExecution = (
  breaker: Breaker,
  window: ReadonlyArray<Execution>,
  options: BreakerOptions
): Breaker => {
  const execution = window.at(-1)
  if (execution === undefined || !tells(execution) || breaker.state === "open") return breaker
  const failed = execution.status !== "success"
  if (breaker.state === "half_open") return failed ? opened(breaker, execution.at, options) : closed(execution.at)
  return failed && failuresOf(breaker, window, options) >= options.failures
    ? opened(breaker, execution.at, options)
    : breaker
}

/** How many of the latest executions since the breaker closed failed. */
const failuresOf = ({ since }: Breaker, window: ReadonlyArray<Execution>, options: BreakerOptions): number => {
  let [seen, failures] = [0, 0]
  for (let at = window.length - 1; at >= 0 && seen < options.latest; at--) {
    const execution = window[at]!
    if (execution.at < since) break
    if (!tells(execution)) continue
    seen++
    if (execution.status !== "success") failures++
  }
  return failures
}

/** The breaker when its rest is over; one that does not rest stays as it is. */
export const afterRest = (breaker: Breaker, now: number): Breaker =>
  breaker.state !== "open" ? breaker : { ...breaker, state: "half_open", since: now, until: null }

const opened = (breaker: Breaker, at: number, options: BreakerOptions): Breaker => {
  const pause_ms =
    breaker.state === "half_open" ? Math.min(2 * breaker.pause_ms, options.pauseMillisMax) : options.pauseMillis
  return { ...breaker, state: "open", since: at, until: at + pause_ms, pause_ms }
}

const closed = (at: number): Breaker => ({ state: "closed", since: at, until: null, pause_ms: 0 })

// What a feedback tracker remembers, and how it follows from its events. Pure, and bounded however many executions there are.
import { Schema } from "effect"
import { BreakerState, type FeedbackProtocol, open, ToolErrorKind, ToolStatus } from "../../protocols/index.ts"
import type { ActorStepBuilder } from "../../runtime/index.ts"

/** One execution in the window. */
export const Execution = open({
  at: Schema.Int,
  status: ToolStatus,
  ms: Schema.Finite,
  kind: Schema.optionalKey(ToolErrorKind),
  /** Clipped. */
  error: Schema.optionalKey(Schema.String),
  features: Schema.Record(Schema.String, Schema.String)
})
export type Execution = typeof Execution.Type

/** Whether there were too few bars: who has too few gets no result from any tool, so it says nothing of this one. */
export const isWarmUp = ({ kind }: Execution): boolean => kind === "insufficient_data"

export const Breaker = open({
  state: BreakerState,
  since: Schema.Int,
  /** When it is tried again; null unless it is open. */
  until: Schema.NullOr(Schema.Int),
  /** How long it rests when it opens, in milliseconds. */
  pause_ms: Schema.Int
})
export type Breaker = typeof Breaker.Type

const Total = open({ executions: Schema.Int, succeeded: Schema.Int, failed: Schema.Int, timed_out: Schema.Int })

export const State = open({
  total: Total,
  /** Oldest first. */
  window: Schema.Array(Execution),
  breaker: Breaker,
  /** The success rate from which it has degraded; null while it has not. */
  degraded_from: Schema.NullOr(Schema.Finite),
  /** The symbols whose agents used it lately, the latest last: who is told of its breaker. */
  symbols: Schema.Array(Schema.String)
})
export type State = typeof State.Type

export interface WindowBounds {
  /** How many executions are kept. */
  readonly executionsMax: number
  /** For how long, in milliseconds. */
  readonly maxAgeMillis: number
}

export const EVENTS = {
  // The bounds are written down: replaying under another configuration gives the window that there was.
  Executed: {
    execution: Execution,
    symbol: Schema.String,
    executions_max: Schema.Int,
    max_age_ms: Schema.Int
  },
  BreakerMoved: { breaker: Breaker },
  Degraded: { from: Schema.Finite },
  Recovered: {}
}

export type TrackerStep = ActorStepBuilder<typeof FeedbackProtocol, State, typeof EVENTS>

/** How many agents are told of a breaker. */
export const SYMBOLS_MAX = 64

export const initial = (): State => ({
  total: { executions: 0, succeeded: 0, failed: 0, timed_out: 0 },
  window: [],
  breaker: { state: "closed", since: 0, until: null, pause_ms: 0 },
  degraded_from: null,
  symbols: []
})

/** What of a window is not too old at a time. */
export const inWindow = (
  window: ReadonlyArray<Execution>,
  now: number,
  maxAgeMillis: number
): ReadonlyArray<Execution> => {
  const first = window.findIndex(({ at }) => at > now - maxAgeMillis)
  return first === -1 ? [] : first === 0 ? window : window.slice(first)
}

type Executed = Schema.Struct<(typeof EVENTS)["Executed"]>["Type"]

export const evolve = {
  Executed: (state: State, { execution, symbol, executions_max, max_age_ms }: Executed): State => {
    const { executions, succeeded, failed, timed_out } = state.total
    const { status, at } = execution
    const kept = inWindow(state.window, at, max_age_ms)
    return {
      ...state,
      total: {
        ...state.total,
        executions: executions + 1,
        succeeded: succeeded + (status === "success" ? 1 : 0),
        failed: failed + (status === "failed" && !isWarmUp(execution) ? 1 : 0),
        timed_out: timed_out + (status === "timeout" ? 1 : 0)
      },
      window: [...kept.slice(Math.max(0, kept.length + 1 - executions_max)), execution],
      // Who was told that it is not used has to be told that it is: nobody is forgotten before.
      symbols:
        state.breaker.state !== "closed" || state.symbols.at(-1) === symbol
          ? state.symbols
          : [...state.symbols.filter((each) => each !== symbol), symbol].slice(-SYMBOLS_MAX)
    }
  },
  BreakerMoved: (state: State, { breaker }: { breaker: Breaker }): State => ({ ...state, breaker }),
  Degraded: (state: State, { from }: { from: number }): State => ({ ...state, degraded_from: from }),
  Recovered: (state: State): State => ({ ...state, degraded_from: null })
}

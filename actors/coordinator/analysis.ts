import { Schema } from "effect"
import { ulid } from "ulid"
import {
  type BarWindow,
  basisOf,
  ConsensusProtocol,
  type ContextItems,
  CorrelationId,
  WINDOW_BARS_MAX
} from "../../protocols/index.ts"
import { type Context, persist, send, setTimer } from "../../runtime/index.ts"
import { isRequestedRound, requestedId } from "../consensus/opened-at.ts"
import { askAgents } from "./asking.ts"
import { assignSteps, type Coordination, drawArm, heldBy } from "./experiment.ts"
import { lifetimeOf, toRoundRequest, votesUntil } from "./options.ts"
import { refuseRequester } from "./requester.ts"
import { sizingOf } from "./sizing.ts"
import { evolve, isAdvice, type RequestedAnalysis, type RunningAnalysis, type State } from "./state.ts"

export const TIMERS = { overdue: "analysis_overdue", deadline: "analysis_deadline" } as const

/** Starts what is next, if nothing runs and something waits: after a request's analysis the bars go first. */
export const startNext = (state: State, options: Coordination, context: Context, afterRequest = false) => {
  if (state.running !== null) return []
  const dropped = dropExpired(state, context)
  const left = dropped.state
  const [asked] = left.waiting
  if (asked !== undefined && !(afterRequest && left.unseen !== null)) {
    const { bars, context: items } = asked
    return [...dropped.steps, ...startAnalysis(left, { bars: bars ?? undefined, items }, asked, options, context)]
  }
  if (left.unseen === null) return dropped.steps
  return [...dropped.steps, ...startAnalysis(left, {}, left.unseen, options, context)]
}

/** Requests whose deadline has passed while they waited are given up, and who asked is told. */
export const dropExpired = (state: State, context: Context) => {
  const expired = state.waiting.filter(({ deadline }) => deadline !== undefined && deadline <= context.time)
  if (expired.length === 0) return { state, steps: [] }
  const ids = expired.map(({ id }) => id)
  const passed = { _tag: "DeadlinePassed", symbol: context.self.id } as const
  return {
    state: evolve.AnalysisDropped(state, { ids }),
    steps: [
      persist({ _tag: "AnalysisDropped", ids } as const),
      ...expired.flatMap((asked) => refuseRequester(asked, passed))
    ]
  }
}

/** The timer for the first deadline of those who wait. One that has started in the meantime only lets it go off for nothing. */
export const awaitDeadline = (state: State) => {
  const first = Math.min(...state.waiting.flatMap(({ deadline }) => deadline ?? []))
  return Number.isFinite(first) ? [setTimer(TIMERS.deadline, first, "AnalysisDeadline", {})] : []
}

/** What came with a request: bars of its own, and what its agents are told besides. */
export interface RequestInputs {
  readonly bars?: BarWindow | undefined
  readonly items?: ContextItems | undefined
}

/**
 * Starts an analysis: of bars that were given, or of those that are known; for who asked, or because there are new ones, whose
 * correlation id it then is.
 */
export const startAnalysis = (
  state: State,
  { bars: given, items }: RequestInputs,
  cause: RequestedAnalysis | string,
  options: Coordination,
  context: Context
) => {
  const symbol = context.self.id
  const bars = given ?? state.window
  const asked = typeof cause === "string" ? undefined : cause
  const correlation_id = typeof cause === "string" ? cause : cause.correlation_id
  const consensus_id = asked === undefined ? newId(context) : newRequestedId(context)
  const { trial } = options
  const drawn = trial && drawArm(trial, symbol, correlation_id)
  const held = heldBy(options, drawn)
  const basis = given === undefined ? basisOf(bars, "market", state.source) : basisOf(bars, "request", asked?.source)
  const running: RunningAnalysis = {
    consensus_id,
    correlation_id,
    reply_to: asked?.reply_to ?? null,
    ...(asked?.allocation === undefined ? {} : { allocation: asked.allocation }),
    requested: asked !== undefined,
    bar_time: bars.time.at(-1)!,
    price: bars.close.at(-1)!,
    basis,
    ...(given === undefined ? {} : { foreign: true as const }),
    ...(drawn === undefined ? {} : { experiment: drawn }),
    ...(asked?.account === undefined ? {} : { sizing: sizingOf(asked.account, bars) }),
    ...(asked?.client === undefined ? {} : { client: asked.client })
  }
  const left = asked?.deadline === undefined ? undefined : asked.deadline - context.time
  const weights = (held.learntWeights ? state.weights : undefined) ?? {}
  const request = toRoundRequest(held.options, { symbol, correlation_id, weights, client: asked?.client }, left)
  return [
    persist({ _tag: "AnalysisStarted", running } as const),
    setTimer(TIMERS.overdue, context.time + lifetimeOf(request), "AnalysisOverdue", { consensus_id }),
    // What prices do says nothing of bars that came with a request.
    ...(trial === undefined || drawn === undefined || isAdvice(running) ? [] : assignSteps(trial, drawn.request_id)),
    // Before the panel is asked, so that the round is open when the first vote comes.
    send(ConsensusProtocol, consensus_id, "Open", { request, coordinator: symbol }),
    ...askAgents(
      held.options.panel,
      {
        ...{ consensus_id, correlation_id, symbol, bars, basis },
        ...(items === undefined ? {} : { context: items }),
        ...(asked?.indicators === undefined ? {} : { indicators: asked.indicators }),
        ...(given === undefined || running.client === undefined ? {} : { advice: true as const }),
        ...pastOf(state, running.bar_time),
        ...(given === undefined ? outcomesOf(state) : {})
      },
      (agent) => votesUntil(request, agent, context.time)
    )
  ]
}

/** How often each decision would have been right on the symbol's own bars. */
export const outcomesOf = ({ outcomes }: State) => (outcomes === undefined ? {} : { outcomes: outcomes.counts })

/** The latest decisions, as far as somebody could know them who looks at bars up to one that began at `barTime`. */
export const pastOf = ({ past = [] }: State, barTime: number) => {
  const known = past.filter(({ bar_time }) => bar_time <= barTime)
  return known.length === 0 ? {} : { past: known }
}

/** An id that says not of its round that somebody asked for it: what does so by chance is drawn again. */
export const newId = (context: Pick<Context, "time" | "random">): string => {
  // The library takes 0 for "now", which a replay must not see.
  const id = ulid(Math.max(1, context.time), context.random)
  return isRequestedRound(id) ? newId(context) : id
}

/** The same for a round that somebody asked for, which is kept for a shorter time than those of the market: its id says so. */
export const newRequestedId = (context: Pick<Context, "time" | "random">): string => requestedId(newId(context))

/** A market feed names its messages after the symbol, which may hold more than a correlation id takes. */
export const correlationOf = (context: Context): string =>
  isCorrelationId(context.correlationId) ? context.correlationId : newId(context)

const isCorrelationId = Schema.is(CorrelationId)

/** The part of a request's bars that an analysis looks at. */
export const newest = (bars: BarWindow): BarWindow => ({
  ...bars,
  time: bars.time.slice(-WINDOW_BARS_MAX),
  open: bars.open.slice(-WINDOW_BARS_MAX),
  high: bars.high.slice(-WINDOW_BARS_MAX),
  low: bars.low.slice(-WINDOW_BARS_MAX),
  close: bars.close.slice(-WINDOW_BARS_MAX),
  volume: bars.volume.slice(-WINDOW_BARS_MAX)
})

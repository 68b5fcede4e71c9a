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
import { type Context, omitUndefined, send, setTimer } from "../../runtime/index.ts"
import { isRequestedRound, requestedId } from "../consensus/opened-at.ts"
import { askAgents } from "./asking.ts"
import { assign, type Coordination, drawArm, heldBy } from "./experiment.ts"
import { lifetimeOf, toRoundRequest, votesUntil } from "./options.ts"
import { refuseRequester } from "./requester.ts"
import { sizingOf } from "./sizing.ts"
import { type CoordinatorStep, isAdvice, type RequestedAnalysis, type RunningAnalysis, type State } from "./state.ts"

export const TIMERS = { overdue: "analysis_overdue", deadline: "analysis_deadline" }

/** Starts what is next, if nothing runs and something waits: after a request's analysis the bars go first. */
export const startNext = (step: CoordinatorStep, options: Coordination, afterRequest = false) => {
  if (step.state.running !== null) return
  dropExpired(step)
  const { waiting, unseen } = step.state
  const [asked] = waiting
  if (asked !== undefined && !(afterRequest && unseen !== null)) {
    return startAnalysis(step, { bars: asked.bars ?? undefined, items: asked.context }, asked, options)
  }
  if (unseen !== null) startAnalysis(step, {}, unseen, options)
}

/** Requests whose deadline has passed while they waited are given up, and who asked is told. */
export const dropExpired = (step: CoordinatorStep) => {
  const expired = step.state.waiting.filter(({ deadline }) => deadline !== undefined && deadline <= step.time)
  if (expired.length === 0) return
  step.persist("AnalysisDropped", { ids: expired.map(({ id }) => id) })
  for (const asked of expired) refuseRequester(step, asked, { _tag: "DeadlinePassed", symbol: step.self.id })
}

/** The timer for the first deadline of those who wait. One that has started in the meantime only lets it go off for nothing. */
export const awaitDeadline = (step: CoordinatorStep) => {
  const first = Math.min(...step.state.waiting.flatMap(({ deadline }) => deadline ?? []))
  if (Number.isFinite(first)) step.add(setTimer(TIMERS.deadline, first, "AnalysisDeadline", {}))
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
  step: CoordinatorStep,
  { bars: given, items }: RequestInputs,
  cause: RequestedAnalysis | string,
  options: Coordination
) => {
  const { state, time } = step
  const symbol = step.self.id
  const bars = given ?? state.window
  const asked = typeof cause === "string" ? undefined : cause
  const correlation_id = typeof cause === "string" ? cause : cause.correlation_id
  const consensus_id = asked === undefined ? newId(step) : newRequestedId(step)
  const { trial } = options
  const drawn = trial && drawArm(trial, symbol, correlation_id)
  const held = heldBy(options, drawn)
  const basis = given === undefined ? basisOf(bars, "market", state.source) : basisOf(bars, "request", asked?.source)
  const running: RunningAnalysis = omitUndefined({
    consensus_id,
    correlation_id,
    reply_to: asked?.reply_to ?? null,
    allocation: asked?.allocation,
    requested: asked !== undefined,
    bar_time: bars.time.at(-1)!,
    price: bars.close.at(-1)!,
    basis,
    foreign: given === undefined ? undefined : true,
    experiment: drawn,
    sizing: asked?.account && sizingOf(asked.account, bars),
    client: asked?.client
  })
  const left = asked?.deadline === undefined ? undefined : asked.deadline - time
  const weights = (held.learntWeights ? state.weights : undefined) ?? {}
  const request = toRoundRequest(held.options, { symbol, correlation_id, weights, client: asked?.client }, left)
  step.persist("AnalysisStarted", { running })
  step.add(setTimer(TIMERS.overdue, time + lifetimeOf(request), "AnalysisOverdue", { consensus_id }))
  // What prices do says nothing of bars that came with a request.
  if (trial !== undefined && drawn !== undefined && !isAdvice(running)) assign(step, trial, drawn.request_id)
  // Before the panel is asked, so that the round is open when the first vote comes.
  step.add(send(ConsensusProtocol, consensus_id, "Open", { request, coordinator: symbol }))
  const opinion = omitUndefined({
    ...{ consensus_id, correlation_id, symbol, bars, basis },
    context: items,
    indicators: asked?.indicators,
    advice: given === undefined || running.client === undefined ? undefined : true,
    past: pastOf(state, running.bar_time),
    // How often each decision would have been right on the symbol's own bars.
    outcomes: given === undefined ? state.outcomes?.counts : undefined
  })
  step.add(...askAgents(held.options.panel, opinion, (agent) => votesUntil(request, agent, time)))
}

/** The latest decisions, as far as somebody could know them who looks at bars up to one that began at `barTime`; nothing where there are none. */
export const pastOf = ({ past = [] }: State, barTime: number) => {
  const known = past.filter(({ bar_time }) => bar_time <= barTime)
  return known.length === 0 ? undefined : known
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

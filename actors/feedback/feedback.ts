import { Option, Schema } from "effect"
import {
  type AgentType,
  type BreakerState,
  FeedbackProtocol,
  MODEL_TOOL,
  type ToolReport,
  toTimestamp,
  trackedBy
} from "../../protocols/index.ts"
import { type Actor, type Context, define, type Send, seededRandom, setTimer } from "../../runtime/index.ts"
import { publishAlert } from "../alert.ts"
import { afterExecution, afterRest, BREAKER_DEFAULTS, type BreakerOptions, tells } from "./breaker.ts"
import { EXECUTIONS_MAX, toExecution } from "./execution.ts"
import { type ReportSubject, reportOf } from "./report.ts"
import { type Breaker, EVENTS, evolve, initial, inWindow, State, type TrackerStep, type WindowBounds } from "./state.ts"
import { wilson } from "./statistics.ts"
import { successTrend } from "./trend.ts"

export interface FeedbackOptions extends WindowBounds {
  readonly breaker: BreakerOptions
  /** The message by which an agent is told the state of a tool's breaker; nobody is told unless given. */
  readonly tellAgent?: (agent: { readonly type: AgentType; readonly symbol: string }, tool: ToolState) => Send
}

/** What an agent is told of a tool. */
export interface ToolState {
  readonly tool: string
  readonly state: BreakerState
}

/** 500 executions, none older than a week. */
export const FEEDBACK_DEFAULTS: FeedbackOptions = {
  executionsMax: 500,
  maxAgeMillis: 7 * 86_400_000,
  breaker: BREAKER_DEFAULTS
}

const Positive = Schema.Int.check(Schema.isGreaterThan(0))
const Valid = Schema.Struct({
  executionsMax: Positive.check(Schema.isLessThanOrEqualTo(EXECUTIONS_MAX)),
  maxAgeMillis: Positive,
  breaker: Schema.Struct({ latest: Positive, failures: Positive, pauseMillis: Positive, pauseMillisMax: Positive })
})

/** After how many executions it is looked at again whether a tool degrades: looking always would find chance. */
const TREND_EVERY = 25
/** Surer than a report has to be, because it is looked at for ever. */
const ALERT_LEVEL = 0.001

/**
 * How one tool does for one type of agent; its id is `<agent_type>:<tool>`.
 *
 * It is told of every execution. What it says is of a window bounded by count and age; only the totals go back to the first.
 * Where a tool fails too often its breaker opens, and the agents that used it lately are told; it is tried again after a rest.
 *
 * Guarantees: its state is bounded however many executions there are; an alert is published once when the tool degrades, and
 * once when it has recovered. Throws a `SchemaError` on options that are none.
 */
export const feedbackActor = (given: Partial<FeedbackOptions> = {}): Actor => {
  const options: FeedbackOptions = { ...FEEDBACK_DEFAULTS, ...given }
  Schema.decodeUnknownSync(Valid)(options)
  return define({
    protocol: FeedbackProtocol,
    state: State,
    initial,
    events: EVENTS,
    decide: {
      Used: (state, { use }, step) => {
        const after = step.persist("Executed", {
          execution: toExecution(use, step.time),
          symbol: use.symbol,
          executions_max: options.executionsMax,
          max_age_ms: options.maxAgeMillis
        })
        const isModel = subjectOf(step).tool === MODEL_TOOL
        if (!isModel) moveBreaker(step, afterExecution(state.breaker, after.window, options.breaker), options)
        judgeTrend(step, options)
      },
      BreakerRested: (state, _, step) => moveBreaker(step, afterRest(state.breaker, step.time), options),
      GetReport: (state, _, step) => step.reply(reportOf(state, subjectOf(step), options, step.time, step.random))
    },
    evolve
  })
}

const subjectOf = ({ self }: Context): ReportSubject => {
  const subject = trackedBy(self.id)
  if (subject === undefined) throw new Error(`a tracker's id is <agent_type>:<tool>, and not ${self.id}`)
  return subject
}

const decodeState = Schema.decodeUnknownOption(Schema.toCodecJson(State))

/** What a tracker would say at a time, from its state as it is stored; nothing where it is none, or has another name than trackers have. */
export const feedbackReport = (
  id: string,
  state: unknown,
  now: number,
  options: WindowBounds = FEEDBACK_DEFAULTS
): ToolReport | undefined => {
  const subject = trackedBy(id)
  return subject === undefined
    ? undefined
    : decodeState(state).pipe(
        Option.map((known) => reportOf(known, subject, options, now, seededRandom(now))),
        Option.getOrUndefined
      )
}

/** What follows where the breaker has changed: its rest, who is told, and the alert. */
const moveBreaker = (step: TrackerStep, breaker: Breaker, { tellAgent }: FeedbackOptions) => {
  if (breaker === step.state.breaker) return
  const { agent_type: type, tool } = subjectOf(step)
  const { symbols } = step.persist("BreakerMoved", { breaker })
  if (breaker.until !== null) step.add(setTimer("breaker_rest", breaker.until, "BreakerRested", {}))
  if (tellAgent !== undefined) {
    step.add(...symbols.map((symbol) => tellAgent({ type, symbol }, { tool, state: breaker.state })))
  }
  if (breaker.state !== "half_open") step.add(alertOf(breaker, { agent_type: type, tool }, step))
}

const alertOf = (breaker: Breaker, { agent_type, tool }: ReportSubject, context: Context) =>
  breaker.state === "open"
    ? publishAlert(
        "warning",
        "tool_breaker_open",
        `${agent_type} does without ${tool} until ${toTimestamp(breaker.until ?? 0)}: it failed too often`,
        context
      )
    : publishAlert("info", "tool_breaker_closed", `${agent_type} uses ${tool} again`, context)

/** Says once that a tool degrades, and once that it has recovered: that it does as well as before, and not that it stays bad. */
const judgeTrend = (step: TrackerStep, options: FeedbackOptions) => {
  const { total, window: all, degraded_from } = step.state
  if (total.executions % TREND_EVERY !== 0) return
  // Too few bars of a new symbol are no sign that the tool gets worse.
  const window = inWindow(all, step.time, options.maxAgeMillis).filter(tells)
  const { verdict, p_value, earlier, later } = successTrend(window)
  if (earlier === null || later === null) return
  const { agent_type, tool } = subjectOf(step)
  if (degraded_from === null) {
    if (verdict !== "declining" || (p_value ?? 1) >= ALERT_LEVEL) return
    step.persist("Degraded", { from: earlier })
    const rates = `${percent(later)} of its newer executions succeeded, ${percent(earlier)} of the older`
    return step.add(publishAlert("warning", "tool_degraded", `${tool} of ${agent_type} degrades: ${rates}`, step))
  }
  const newer = window.slice(Math.floor(window.length / 2))
  if (wilson(Math.round(later * newer.length), newer.length).high < degraded_from) return
  step.persist("Recovered", {})
  const rate = `${percent(later)} of its newer executions succeeded`
  step.add(publishAlert("info", "tool_recovered", `${tool} of ${agent_type} has recovered: ${rate}`, step))
}

const percent = (share: number): string => `${Math.round(100 * share)}%`

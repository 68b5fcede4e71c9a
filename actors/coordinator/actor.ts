import { Schema } from "effect"
import {
  AccountId,
  type Bar,
  type ConsensusResult,
  CoordinatorProtocol,
  type CoordinatorStatus,
  contextBytes,
  PerformanceProtocol,
  PortfolioProtocol,
  RoundRequest,
  TIME_MAX
} from "../../protocols/index.ts"
import {
  type Actor,
  type Context,
  cancelTimer,
  define,
  escalate,
  omitUndefined,
  type Payload,
  type Refusal,
  send
} from "../../runtime/index.ts"
import { recordBar } from "../learning/outcome-record.ts"
import { OUTCOME_DEFAULTS } from "../learning/outcome-rule.ts"
import { awaitDeadline, correlationOf, dropExpired, newest, startAnalysis, startNext, TIMERS } from "./analysis.ts"
import { type Coordination, tellNoOutcome, toCoordination } from "./experiment.ts"
import { publishBar, publishDecision, publishMessage, toAnswer } from "./messages.ts"
import { type CoordinatorOptions, panelFor, toRoundRequest } from "./options.ts"
import { loseAnalysis, recover } from "./recovering.ts"
import { answerRequester, refuseRequester, tellMissing } from "./requester.ts"
import { cancelAnalysis, requestConsensus } from "./requests.ts"
import {
  type CoordinatorStep,
  EVENTS,
  evolve,
  initial,
  isAdvice,
  type RequestedAnalysis,
  type RunningAnalysis,
  State
} from "./state.ts"
import { upcast } from "./upcast.ts"

/** How many requests wait for their analysis at most; what comes beyond is refused with `CoordinatorBusy`. */
export const WAITING_MAX = 16

/** How many of them may be of one client: the others are left to others. */
const WAITING_OF_CLIENT_MAX = 4

/** How many may come from one address, where clients are not told apart: the others are left to other addresses, and to who is on NATS. */
const WAITING_OF_ADDRESS_MAX = 8

/** The most bytes of context, as JSON, that wait with them: all that waits is in one record of the journal. */
export const WAITING_CONTEXT_BYTES_MAX = 256 * 1024

/**
 * The coordinator of a symbol; its id is the symbol.
 *
 * idle ⇄ running one analysis: a round is opened, the panel is asked, and the round's end is the analysis's end.
 *
 * Guarantees: one analysis at a time; nothing waits while it is idle; bars that come while it runs are conflated into
 * one more analysis of the newest; requests are answered in the order they came, and take turns with the bars, so that
 * neither keeps the other out. An agent that is down costs a round its deadline and never the answer. Rounds that are
 * requested for themselves are held beside the analyses, and wait for none.
 *
 * Throws a `SchemaError` on options with which no round could be opened, such as a panel that names an agent twice.
 */
export const coordinatorActor = (given: CoordinatorOptions): Actor => {
  const of = optionsBySymbol(given)
  Schema.decodeUnknownSync(Accounts)(given.accounts ?? [])
  return define({
    protocol: CoordinatorProtocol,
    version: 2,
    upcast,
    state: State,
    initial,
    events: EVENTS,
    decide: {
      Bar: (_, accepted, step) => acceptBar(step, accepted, of(step.self)),
      Analyze: (_, request, step) => analyze(step, request, of(step.self)),
      CancelAnalysis: (_, request, step) => cancelAnalysis(step, request, of(step.self)),
      RequestConsensus: (_, asked, step) => requestConsensus(step, asked, of(step.self)),
      Message: (_, { message }, step) => {
        step.add(publishMessage(message, step))
        step.reply({ accepted: true })
      },
      SetWeights: ({ weights: known }, { weights }, step) => {
        if (JSON.stringify(weights) !== JSON.stringify(known)) step.persist("WeightsSet", { weights })
      },
      RoundClosed: (_, { result }, step) => endAnalysis(step, result, of(step.self)),
      AnalysisOverdue: ({ running }, { consensus_id }, step) => {
        if (running === null || running.consensus_id !== consensus_id) return
        loseAnalysis(step, running)
        startNext(step, of(step.self), running.requested)
      },
      Failed: (_, { message }, step) => recover(step, message),
      Resume: (_, __, step) => startNext(step, of(step.self)),
      AnalysisDeadline: (_, __, step) => {
        dropExpired(step)
        awaitDeadline(step)
      },
      GetStatus: (state, _, step) => step.reply(statusOf(state, step))
    },
    evolve,
    // Nobody waits for what cannot be processed: not longer than until the next message.
    supervision: {
      ...{ decode: escalate, decide: escalate, evolve: escalate, size: escalate },
      supervisor: ({ id }, { message }) => send(CoordinatorProtocol, id, "Failed", { message })
    }
  })
}

/** The options of each symbol, with its panel. */
const optionsBySymbol = (given: CoordinatorOptions): ((self: { readonly id: string }) => Coordination) => {
  const { panels = {} } = given
  const common = checked(toCoordination(given))
  const own = new Map(Object.values(panels).map((panel) => [panel, checked(toCoordination({ ...given, panel }))]))
  return ({ id }) => {
    const panel = panelFor(panels, id)
    return (panel && own.get(panel)) ?? common
  }
}

const checked = (options: Coordination): Coordination => {
  const { a, b } = options.trial?.arms ?? {}
  for (const held of [options, a?.options, b?.options]) if (held !== undefined) check(held)
  return options
}

const Accounts = Schema.Array(AccountId)

/** The latest time that a bar may have, in milliseconds since 1970: ahead of the clock, or of the bar before it, by no more than was said. */
const latestOf = ({ aheadMillis }: CoordinatorOptions, now: number, last = 0): number =>
  aheadMillis === undefined ? TIME_MAX : Math.min(TIME_MAX, Math.max(now, last) + aheadMillis)

const check = (options: CoordinatorOptions): void => {
  const request = toRoundRequest(options, { symbol: "CHECK", correlation_id: "check", weights: {} })
  Schema.encodeSync(RoundRequest)({ ...request, timeout_ms: options.roundTimeoutMillis })
}

const acceptBar = (
  step: CoordinatorStep<"Bar">,
  { bar, bars_per_year, source }: Payload<typeof CoordinatorProtocol, "Bar">,
  options: Coordination
) => {
  const symbol = step.self.id
  const { window, source: before, outcomes: known } = step.state
  const last = window.time.at(-1)
  if (last !== undefined && bar.time <= last) {
    return step.refuse({ _tag: "StaleBar", symbol, time: bar.time, last_time: last })
  }
  const latest = latestOf(options, step.time, last)
  if (bar.time > latest) return step.refuse({ _tag: "FutureTime", symbol, time: bar.time, latest })
  // Said again with each bar of a feed: it is stored where it changes.
  const isSame = JSON.stringify(source) === JSON.stringify(before)
  const outcomes = recordBar(known, window, bar, options.outcome ?? OUTCOME_DEFAULTS)
  const accepted = omitUndefined({
    ...{ bar, correlation_id: correlationOf(step) },
    bars_per_year: bars_per_year === window.bars_per_year ? undefined : bars_per_year,
    source: isSame ? undefined : (source ?? null),
    outcomes: outcomes === known ? undefined : outcomes
  })
  step.persist("BarAccepted", accepted)
  step.add(
    publishBar(bar, step),
    send(PerformanceProtocol, symbol, "Price", { time: bar.time, price: bar.close }),
    ...toldOfBar(options, symbol, bar)
  )
  step.reply({ accepted: true })
  startNext(step, options)
}

const analyze = (
  step: CoordinatorStep<"Analyze">,
  request: Payload<typeof CoordinatorProtocol, "Analyze">,
  options: Coordination
) => {
  const { correlation_id, bars, timeout_ms, allocation, context: items } = request
  const { source, client, address, indicators, account } = request
  const fault = faultOf(step.state, request, step)
  if (fault !== undefined) {
    step.refuse(fault)
    return tellMissing(step, allocation, fault.symbol, fault._tag)
  }
  // Then nothing waits, and it starts at once: its bars and items go to the agents, and need not be kept here as well.
  const idle = step.state.running === null
  const asked: RequestedAnalysis = omitUndefined({
    id: step.sequence,
    correlation_id,
    reply_to: step.replyTo ?? null,
    bars: bars === undefined || idle ? null : newest(bars),
    deadline: timeout_ms === undefined ? undefined : step.time + timeout_ms,
    allocation,
    context: idle ? undefined : items,
    indicators,
    account,
    source: bars === undefined ? undefined : source,
    client,
    address
  })
  step.persist("AnalysisRequested", { asked })
  if (idle) startAnalysis(step, { bars: bars && newest(bars), items }, asked, options)
  else if (asked.deadline !== undefined) awaitDeadline(step)
}

/** Why no analysis is held for a request, or nothing. */
const faultOf = (
  { window, waiting }: State,
  { bars, context: items = [], client, address }: Payload<typeof CoordinatorProtocol, "Analyze">,
  context: Context
): Refusal<typeof CoordinatorProtocol, "Analyze"> | undefined => {
  const symbol = context.self.id
  const bar_time = (bars ?? window).time.at(-1)
  if (bar_time === undefined) return { _tag: "NoMarketData", symbol }
  if (bar_time > TIME_MAX) return { _tag: "FutureTime", symbol, time: bar_time, latest: TIME_MAX }
  const index = items.findIndex(({ time }) => time > bar_time)
  if (index >= 0) return { _tag: "LookAhead", symbol, index, time: items[index]!.time, bar_time }
  const bytes = waiting.reduce((sum, { context: each = [] }) => sum + contextBytes(each), contextBytes(items))
  const own = waiting.filter((each) => client !== undefined && each.client?.subject === client.subject).length
  const near = waiting.filter((each) => address !== undefined && each.address === address).length
  const full =
    own >= WAITING_OF_CLIENT_MAX ||
    near >= WAITING_OF_ADDRESS_MAX ||
    waiting.length >= WAITING_MAX ||
    (items.length > 0 && bytes > WAITING_CONTEXT_BYTES_MAX)
  return full ? { _tag: "CoordinatorBusy", symbol, waiting: waiting.length } : undefined
}

/** A round is over. Where it was that of the analysis, so is the analysis: who asked is answered, and the next one starts. */
const endAnalysis = (step: CoordinatorStep, result: ConsensusResult, options: Coordination) => {
  const { running } = step.state
  if (running === null || running.consensus_id !== result.consensus_id) return
  const { consensus_id } = running
  const cancelled = result.closed_by === "cancelled"
  if (cancelled) step.persist("AnalysisEnded", { consensus_id, undecided: true })
  else step.persist("AnalysisEnded", omitUndefined({ consensus_id, decided: remembered(result, running) }))
  step.add(cancelTimer(TIMERS.overdue))
  if (cancelled) {
    tellNoOutcome(step, running)
    refuseRequester(step, running, { _tag: "AnalysisCancelled", symbol: step.self.id })
  } else {
    step.add(...publishDecision(result, running, step))
    if (!isAdvice(running)) tellForOutcome(step, result, running, options)
    answerRequester(step, running, toAnswer(result, running))
  }
  startNext(step, options, running.requested)
}

/** What later analyses are told of a decision; of one that was for its asker alone nothing. */
const remembered = ({ final_decision, confidence }: ConsensusResult, running: RunningAnalysis) => {
  const { consensus_id, bar_time, price } = running
  return isAdvice(running) ? undefined : { consensus_id, bar_time, price, decision: final_decision, confidence }
}

/** A decision on bars of our own is judged by what the price does, and traded on. */
const tellForOutcome = (
  step: CoordinatorStep,
  result: ConsensusResult,
  { bar_time, price, experiment }: RunningAnalysis,
  { accounts = [] }: Coordination
) => {
  const { consensus_id, correlation_id, final_decision, confidence, probabilities, votes, symbol, strength } = result
  const round = omitUndefined({
    ...{ consensus_id, correlation_id, final_decision, confidence, bar_time, price, votes },
    probabilities,
    experiment: experiment && { name: experiment.name, request_id: experiment.request_id }
  })
  const traded = omitUndefined({
    ...{ consensus_id, symbol, decision: final_decision, confidence, bar_time, price },
    strength
  })
  step.add(
    send(PerformanceProtocol, symbol, "Decided", { round }),
    ...accounts.map((account) => send(PortfolioProtocol, account, "Decided", traded))
  )
}

/** Accounts fill their orders at a bar's open, and are worth its close. */
const toldOfBar = ({ accounts = [] }: Coordination, symbol: string, { time, open, close }: Bar) =>
  accounts.map((account) => send(PortfolioProtocol, account, "Price", { symbol, time, open, close }))

const statusOf = (state: State, context: Context): typeof CoordinatorStatus.Type => ({
  symbol: context.self.id,
  bars: state.window.time.length,
  last_bar_time: state.window.time.at(-1) ?? null,
  analyzing: state.running?.consensus_id ?? null,
  waiting: state.waiting.length,
  decisions: state.decisions
})

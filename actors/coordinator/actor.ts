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
  type Payload,
  persist,
  type Refusal,
  refuse,
  reply,
  send
} from "../../runtime/index.ts"
import { recordBar } from "../learning/outcome-record.ts"
import { OUTCOME_DEFAULTS } from "../learning/outcome-rule.ts"
import { awaitDeadline, correlationOf, dropExpired, newest, startAnalysis, startNext, TIMERS } from "./analysis.ts"
import { type Coordination, toCoordination, withoutOutcome } from "./experiment.ts"
import { publishBar, publishDecision, publishMessage, toAnswer } from "./messages.ts"
import { type CoordinatorOptions, toRoundRequest } from "./options.ts"
import { loseAnalysis, recover } from "./recovering.ts"
import { answerRequester, refuseRequester, tellMissing } from "./requester.ts"
import { cancelAnalysis, requestConsensus, setWeights } from "./requests.ts"
import { EVENTS, evolve, initial, isAdvice, type RequestedAnalysis, type RunningAnalysis, State } from "./state.ts"
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
  const options = toCoordination(given)
  const { a, b } = options.trial?.arms ?? {}
  for (const held of [options, a?.options, b?.options]) if (held !== undefined) check(held)
  Schema.decodeUnknownSync(Accounts)(options.accounts ?? [])
  return define({
    protocol: CoordinatorProtocol,
    version: 2,
    upcast,
    state: State,
    initial,
    events: EVENTS,
    decide: {
      Bar: (state, { bar, bars_per_year, source }, context) => {
        const symbol = context.self.id
        const last = state.window.time.at(-1)
        if (last !== undefined && bar.time <= last) {
          return [refuse({ _tag: "StaleBar", symbol, time: bar.time, last_time: last })]
        }
        const latest = latestOf(options, context.time, last)
        if (bar.time > latest) return [refuse({ _tag: "FutureTime", symbol, time: bar.time, latest })]
        const correlation_id = correlationOf(context)
        // Said again with each bar of a feed: it is stored where it changes.
        const isNew = bars_per_year !== undefined && bars_per_year !== state.window.bars_per_year
        const outcomes = recordBar(state.outcomes, state.window, bar, options.outcome ?? OUTCOME_DEFAULTS)
        const told = {
          ...(JSON.stringify(source) === JSON.stringify(state.source) ? {} : { source: source ?? null }),
          ...(outcomes === state.outcomes ? {} : { outcomes })
        }
        const event = { bar, correlation_id, ...(isNew ? { bars_per_year } : {}), ...told }
        const accepted = evolve.BarAccepted(state, event)
        return [
          persist({ _tag: "BarAccepted", ...event }),
          publishBar(bar, context),
          send(PerformanceProtocol, symbol, "Price", { time: bar.time, price: bar.close }),
          ...toldOfBar(options, symbol, bar),
          reply({ accepted: true }),
          ...startNext(accepted, options, context)
        ]
      },
      Analyze: (state, request, context) => analyze(state, request, options, context),
      CancelAnalysis: (state, request, context) => cancelAnalysis(state, request, options, context),
      RequestConsensus: (state, asked, context) => requestConsensus(state, asked, options, context),
      Message: (_, { message }, context) => [publishMessage(message, context), reply({ accepted: true })],
      SetWeights: (state, { weights }) => setWeights(state, weights),
      RoundClosed: (state, { result }, context) => endAnalysis(state, result, options, context),
      AnalysisOverdue: (state, { consensus_id }, context) => {
        const { running } = state
        if (running === null || running.consensus_id !== consensus_id) return []
        const lost = loseAnalysis(running, context)
        return [...lost.steps, ...startNext(lost.after(state), options, context, running.requested)]
      },
      Failed: (state, { message }, context) => recover(state, message, context),
      Resume: (state, _, context) => startNext(state, options, context),
      AnalysisDeadline: (state, _, context) => {
        const dropped = dropExpired(state, context)
        return [...dropped.steps, ...awaitDeadline(dropped.state)]
      },
      GetStatus: (state, _, context) => [reply(statusOf(state, context))]
    },
    evolve,
    // Nobody waits for what cannot be processed: not longer than until the next message.
    supervision: {
      ...{ decode: escalate, decide: escalate, evolve: escalate, size: escalate },
      supervisor: ({ id }, { message }) => send(CoordinatorProtocol, id, "Failed", { message })
    }
  })
}

const Accounts = Schema.Array(AccountId)

/** The latest time that a bar may have, in milliseconds since 1970: ahead of the clock, or of the bar before it, by no more than was said. */
const latestOf = ({ aheadMillis }: CoordinatorOptions, now: number, last = 0): number =>
  aheadMillis === undefined ? TIME_MAX : Math.min(TIME_MAX, Math.max(now, last) + aheadMillis)

const check = (options: CoordinatorOptions): void => {
  const request = toRoundRequest(options, { symbol: "CHECK", correlation_id: "check", weights: {} })
  Schema.encodeSync(RoundRequest)({ ...request, timeout_ms: options.roundTimeoutMillis })
}

const analyze = (
  state: State,
  request: Payload<typeof CoordinatorProtocol, "Analyze">,
  options: Coordination,
  context: Context
) => {
  const { correlation_id, bars, timeout_ms, allocation, context: items } = request
  const { source, client, address, indicators, account } = request
  const fault = faultOf(state, request, context)
  if (fault !== undefined) return [refuse(fault), ...tellMissing(allocation, fault.symbol, fault._tag)]
  // Then nothing waits, and it starts at once: its bars and items go to the agents, and need not be kept here as well.
  const idle = state.running === null
  const asked: RequestedAnalysis = {
    id: context.sequence,
    correlation_id,
    reply_to: context.replyTo ?? null,
    bars: bars === undefined || idle ? null : newest(bars),
    ...(timeout_ms === undefined ? {} : { deadline: context.time + timeout_ms }),
    ...(allocation === undefined ? {} : { allocation }),
    ...(items === undefined || idle ? {} : { context: items }),
    ...(indicators === undefined ? {} : { indicators }),
    ...(account === undefined ? {} : { account }),
    ...(source === undefined || bars === undefined ? {} : { source }),
    ...(client === undefined ? {} : { client }),
    ...(address === undefined ? {} : { address })
  }
  const queued = evolve.AnalysisRequested(state, { asked })
  return [
    persist({ _tag: "AnalysisRequested", asked } as const),
    ...(asked.deadline === undefined || idle ? [] : awaitDeadline(queued)),
    ...(idle ? startAnalysis(queued, { bars: bars && newest(bars), items }, asked, options, context) : [])
  ]
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
const endAnalysis = (state: State, result: ConsensusResult, options: Coordination, context: Context) => {
  const { running } = state
  if (running === null || running.consensus_id !== result.consensus_id) return []
  const { consensus_id } = running
  const cancelled = result.closed_by === "cancelled"
  const ended = {
    _tag: "AnalysisEnded",
    consensus_id,
    ...(cancelled ? UNDECIDED : remembered(result, running))
  } as const
  const error = { _tag: "AnalysisCancelled", symbol: context.self.id } as const
  return [
    persist(ended),
    cancelTimer(TIMERS.overdue),
    ...(cancelled
      ? [...withoutOutcome(running), ...refuseRequester(running, error)]
      : [
          ...publishDecision(result, running, context),
          ...toldForOutcome(result, running, options),
          ...answerRequester(running, toAnswer(result, running))
        ]),
    ...startNext(evolve.AnalysisEnded(state, ended), options, context, running.requested)
  ]
}

const UNDECIDED = { undecided: true } as const

/** What later analyses are told of a decision; of one that was for its asker alone nothing. */
const remembered = ({ final_decision, confidence }: ConsensusResult, running: RunningAnalysis) => {
  const { consensus_id, bar_time, price } = running
  return isAdvice(running) ? {} : { decided: { consensus_id, bar_time, price, decision: final_decision, confidence } }
}

/** A decision on bars of our own is judged by what the price does, and traded on, unless it was for its asker alone. */
const toldForOutcome = (result: ConsensusResult, running: RunningAnalysis, { accounts = [] }: Coordination) => {
  const { bar_time, price, experiment } = running
  const { consensus_id, correlation_id, final_decision, confidence, probabilities, votes } = result
  const round = {
    ...{ consensus_id, correlation_id, final_decision, confidence, bar_time, price, votes },
    ...(probabilities === undefined ? {} : { probabilities }),
    ...(experiment === undefined ? {} : { experiment: { name: experiment.name, request_id: experiment.request_id } })
  }
  if (isAdvice(running)) return []
  const traded = {
    ...{ consensus_id, symbol: result.symbol, decision: final_decision, confidence, bar_time, price },
    ...(result.strength === undefined ? {} : { strength: result.strength })
  }
  return [
    send(PerformanceProtocol, result.symbol, "Decided", { round }),
    ...accounts.map((account) => send(PortfolioProtocol, account, "Decided", traded))
  ]
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

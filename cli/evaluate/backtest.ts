// Walks forward through prices with the actors themselves, in virtual time.
import { Schema } from "effect"
import {
  ACCOUNT_DEFAULTS,
  type AccountRules,
  type AgentDefinition,
  allActors,
  equityOf,
  grossOf,
  isCountable,
  judge,
  MICROS,
  outcomeOf,
  PANEL,
  type Policy,
  portfolioActor,
  WORTH_MAX
} from "../../actors/index.ts"
import {
  type AgentType,
  type Bar,
  ConsensusResult,
  CoordinatorProtocol,
  type Decision,
  type Instrument,
  PortfolioProtocol,
  type Probabilities,
  tradingYearOf,
  WINDOW_BARS_MAX
} from "../../protocols/index.ts"
import { DirectHost, type PublishedEvent, returnsOf, spreadOf } from "../../sim/index.ts"
import { type Filled, orderUpdateOf, Statement, type Unfilled } from "./fills.ts"

export interface BacktestOptions {
  readonly symbol: string
  readonly policy: Policy
  readonly panel?: ReadonlyArray<AgentType>
  /** Agents beside those that come with the system, whose policies must not wait for the world; none unless given. */
  readonly agents?: ReadonlyArray<AgentDefinition>
  /** What a trade costs, as parts of its amount and of the price; as the paper account has them unless given. */
  readonly fee?: number
  readonly slippage?: number
  /** Whether SELL sells short, or only gets out; only out unless given. */
  readonly short?: boolean
  /** The part of the equity that a position takes when it is entered; 0.9 unless given. */
  readonly size?: number
  /** How many bars a year of trading has; the bars tell unless given. */
  readonly barsPerYear?: number | undefined
  /** What can be ordered; without it whole units, and such fractions of them as cost no more than a thousandth of the deposit. */
  readonly instrument?: Instrument
  /** How many bars nobody trades on; as many as an analysis looks at unless given. */
  readonly warmUp?: number
}

/** What one strategy said of a bar. */
export interface StrategyDecision {
  readonly decision: Decision
  readonly confidence: number
  readonly probabilities: Probabilities
}

/** What one strategy did with an account, a value for each bar from the end of the warm-up on. */
export interface Followed {
  readonly name: string
  readonly said: ReadonlyArray<StrategyDecision | undefined>
  /** In the account's currency, at the bar's close. */
  readonly equity: ReadonlyArray<number>
  /** The size of the position as a part of the equity. */
  readonly exposure: ReadonlyArray<number>
  /** What was bought and sold, in the account's currency. */
  readonly traded: number
  readonly fees: number
  /** In the order in which they were filled. */
  readonly fills: ReadonlyArray<Filled>
  readonly unfilled: ReadonlyArray<Unfilled>
}

export interface Walk {
  readonly symbol: string
  /** The bars from the end of the warm-up on. */
  readonly bars: ReadonlyArray<Bar>
  readonly warmUp: number
  /** How often each decision would have been right in the warm-up. */
  readonly warmUpOutcomes: Probabilities
  readonly barsPerYear: number
  /** A return beyond which BUY or SELL was right: a quarter of the standard deviation of the warm-up's returns. */
  readonly threshold: number
  readonly strategies: ReadonlyArray<Followed>
  readonly rules: AccountRules
  /** How many messages and outcomes the actors decided. */
  readonly messages: number
}

export const BUY_AND_HOLD = "buy_and_hold"
export const LEARNED = "learned_weights"
export const EQUAL = "equal_weights"

/** An account is worth more than can be counted exactly: a price has risen too far for its position. */
export class EquityTooLarge extends Schema.TaggedError<EquityTooLarge>()("EquityTooLarge", {
  account: Schema.String,
  time: Schema.String,
  /** In the account's currency. */
  limit: Schema.Finite
}) {
  override get message() {
    return `the account of ${this.account} is worth more than ${this.limit} on ${this.time}: equity is counted in millionths, exactly up to 2^53 of them`
  }
}

/** What each account begins with, in its currency. */
export const DEPOSIT = 100_000
const MIN_CONFIDENCE = 0.6
const WEEK_MILLIS = 7 * 86_400_000

/** The fewest bars of a backtest. */
export const barsNeeded = (warmUp = WINDOW_BARS_MAX): number => warmUp + 2

/**
 * Gives bars, of which there are at least `barsNeeded`, one after the other to a coordinator with its panel, rounds and learning, and to a paper account for each strategy:
 * the panel with learned weights, the same votes with equal weights, each agent alone, and buying at the first chance.
 *
 * Guarantee: what is decided on a bar, and what an account has at its close, follows from that bar and those before it alone. Throws what
 * the actors throw, and `EquityTooLarge`.
 */
export const walkForward = (bars: ReadonlyArray<Bar>, options: BacktestOptions): Walk => {
  const { symbol, policy, panel = PANEL, agents = [], warmUp = WINDOW_BARS_MAX } = options
  const barsPerYear = options.barsPerYear ?? tradingYearOf(bars.map(({ time }) => time))?.bars_per_year ?? 1
  const before = bars.slice(0, warmUp)
  const interval = intervalOf(before)
  const threshold = spreadOf(returnsOf(before.map(({ close }) => close))).deviation / 4
  const rules: AccountRules = {
    ...ACCOUNT_DEFAULTS,
    ...{ maxPosition: options.size ?? 0.9, maxDrawdown: 1, minTrade: 0.05, maxOrdersPerDay: 1_000 },
    ...{ fee: options.fee ?? ACCOUNT_DEFAULTS.fee, slippage: options.slippage ?? ACCOUNT_DEFAULTS.slippage },
    short: options.short ?? false,
    ...(options.instrument === undefined ? {} : { instruments: { [symbol]: options.instrument } })
  }
  const portfolio = portfolioActor({ deposit: DEPOSIT, rules })
  const ears = new Ears()
  const learning = {
    horizonMillis: shortestOf(before),
    patienceMillis: Math.max(WEEK_MILLIS, 10 * interval),
    threshold
  }
  const host = new DirectHost({
    actors: [...allActors({ policy, panel, agents, minConfidence: MIN_CONFIDENCE, performance: learning }), portfolio],
    // What the tools' trackers would say is of no use here, and a third of all messages.
    unread: ["feedback"],
    startTime: bars[0]?.time ?? 0,
    hear: ears.hear
  })
  const accounts = [LEARNED, EQUAL, ...panel, BUY_AND_HOLD].map(openAccount)
  for (const [index, bar] of bars.entries()) {
    const { time, open, close } = bar
    host.advanceTo(time + interval)
    ears.time = time
    for (const { name } of accounts) host.tell(PortfolioProtocol, name, "Price", { symbol, time, open, close })
    host.ask(CoordinatorProtocol, symbol, "Bar", { bar, bars_per_year: barsPerYear })
    const result = ears.take()
    if (result !== undefined) host.forget("consensus", result.consensus_id)
    if (index < warmUp) continue
    for (const account of accounts) {
      const said = saidBy(account.name, result, index === warmUp)
      account.said.push(said)
      // HOLD asks an account for nothing.
      if (said !== undefined && said.decision !== "HOLD" && result !== undefined) {
        // The whole size whatever the confidence, so that strategies differ by their decisions alone.
        ears.statementOf(account.name).decide(said.decision, time)
        const decided = { consensus_id: result.consensus_id, symbol, decision: said.decision, confidence: 1 }
        host.tell(PortfolioProtocol, account.name, "Decided", { ...decided, bar_time: time, price: close })
      }
      const state = host.stateOf(portfolio, account.name)
      if (state !== undefined && !isCountable(state.book, { [symbol]: close })) {
        throw new EquityTooLarge({
          account: account.name,
          time: new Date(time).toISOString(),
          limit: WORTH_MAX / MICROS
        })
      }
      const equity = state === undefined ? DEPOSIT * MICROS : equityOf(state.book, { [symbol]: close })
      account.equity.push(equity / MICROS)
      account.exposure.push(state === undefined ? 0 : grossOf(state.book, { [symbol]: close }) / equity)
    }
  }
  const strategies = accounts.map((account) => {
    const state = host.stateOf(portfolio, account.name)
    const { fills, unfilled } = ears.statementOf(account.name)
    const traded = fills.reduce((sum, { quantity, price }) => sum + Math.abs(quantity) * price, 0)
    return { ...account, traded, fills, unfilled, fees: (state?.book.fees ?? 0) / MICROS }
  })
  const warmUpOutcomes = outcomesIn(bars.slice(0, warmUp + 1), threshold)
  const told = { symbol, warmUp, warmUpOutcomes, barsPerYear, threshold, rules }
  return { ...told, bars: bars.slice(warmUp), strategies, messages: host.decided }
}

/** How often each decision would have been right by the next of some bars. */
const outcomesIn = (bars: ReadonlyArray<Bar>, threshold: number): Probabilities => {
  const counted = { BUY: 0, SELL: 0, HOLD: 0 }
  for (const [index, { close }] of bars.slice(1).entries()) counted[outcomeOf(bars[index]!.close, close, threshold)]++
  return counted
}

const openAccount = (name: string) => ({
  name,
  said: [] as (StrategyDecision | undefined)[],
  equity: [] as number[],
  exposure: [] as number[]
})

/** The least distance of bars, in milliseconds: after it the next bar tells what came of a decision, also where months are of many lengths. */
const shortestOf = (bars: ReadonlyArray<Bar>): number =>
  bars.slice(1).reduce((least, { time }, index) => Math.min(least, time - bars[index]!.time), WEEK_MILLIS)

/** The usual distance of bars, in milliseconds: the median. */
const intervalOf = (bars: ReadonlyArray<Bar>): number => {
  const gaps = bars.slice(1).map(({ time }, index) => time - bars[index]!.time)
  return gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 1
}

const EVEN: Probabilities = { BUY: 1 / 3, SELL: 1 / 3, HOLD: 1 / 3 }

/** What a strategy made of a round. */
const saidBy = (name: string, result: ConsensusResult | undefined, first: boolean): StrategyDecision | undefined => {
  if (result === undefined) return undefined
  if (name === BUY_AND_HOLD) return { decision: first ? "BUY" : "HOLD", confidence: 1, probabilities: EVEN }
  const { votes } = result
  if (name === LEARNED) {
    return {
      decision: result.final_decision,
      confidence: result.confidence,
      probabilities: result.probabilities ?? EVEN
    }
  }
  if (name === EQUAL) {
    const { decision } = judge({ method: result.method, min_confidence: MIN_CONFIDENCE, invited: votes }, votes)
    const probabilities = meanOf(votes.flatMap(({ probabilities }) => probabilities ?? []))
    return { decision, confidence: probabilities[decision], probabilities }
  }
  const vote = votes.find(({ agent_type }) => agent_type === name)
  return vote === undefined
    ? undefined
    : { decision: vote.decision, confidence: vote.confidence, probabilities: vote.probabilities ?? EVEN }
}

const meanOf = (all: ReadonlyArray<Probabilities>): Probabilities => {
  const mean = (decision: Decision) => all.reduce((sum, each) => sum + each[decision], 0) / all.length
  return all.length === 0 ? EVEN : { BUY: mean("BUY"), SELL: mean("SELL"), HOLD: mean("HOLD") }
}

const Announced = Schema.Struct({ payload: ConsensusResult })
const decodeResult = Schema.decodeUnknownSync(Announced)
/** Hears what is decided, and what becomes of orders. */
class Ears {
  readonly #statements = new Map<string, Statement>()
  #result: ConsensusResult | undefined
  /** The start of the bar that is being told, in milliseconds since 1970. */
  time = 0

  readonly hear = (event: PublishedEvent): void => {
    if (event.subject.startsWith("coordination.final_decision.")) this.#result = decodeResult(event.data).payload
    const update = orderUpdateOf(event)
    if (update !== undefined) this.statementOf(update.account).hear(update, this.time)
  }

  /** The last decision, once. */
  take(): ConsensusResult | undefined {
    const result = this.#result
    this.#result = undefined
    return result
  }

  statementOf(account: string): Statement {
    const found = this.#statements.get(account) ?? new Statement()
    this.#statements.set(account, found)
    return found
  }
}

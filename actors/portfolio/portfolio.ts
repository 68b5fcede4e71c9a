import { Schedule, Schema } from "effect"
import { type Decision, Order, Placement, PortfolioProtocol, type VetoReason } from "../../protocols/index.ts"
import { type Actor, activity, type Context, define, type Refusal } from "../../runtime/index.ts"
import { publishAlert } from "../alert.ts"
import { type OrderAdapter, paper } from "./adapter.ts"
import { publishVeto, viewOf } from "./announcements.ts"
import { amountOf, type Book, equityOf, isCountable, isWritable, MICROS, post, WORTH_MAX } from "./book.ts"
import { ACCOUNT_DEFAULTS, AccountRules, feeOf, fillPrice, isReduction, vetoOf, wanted } from "./limits.ts"
import { close, end, fill, place, works } from "./orders.ts"
import { exact, lotOf } from "./quantities.ts"
import {
  type AccountStep,
  drawdownOf,
  EVENTS,
  evolve,
  initial,
  isKnown,
  ordersSince,
  pricesOf,
  State,
  SYMBOLS_MAX
} from "./state.ts"

export interface PortfolioOptions {
  /** What is paid in when an account is first heard of, in its currency; 100,000 unless given. */
  readonly deposit: number
  /** For people; USD unless given. */
  readonly currency: string
  readonly rules: AccountRules
  readonly adapter: OrderAdapter
}

export const PORTFOLIO_DEFAULTS: PortfolioOptions = {
  deposit: 100_000,
  currency: "USD",
  rules: ACCOUNT_DEFAULTS,
  adapter: paper
}

const Deposit = Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000_000 }))

/**
 * A trading account; its id is its name.
 *
 * It is told final decisions and bars. A decision becomes at most one order, which an activity gives to the adapter; on paper it is
 * filled at the open of the first bar after the one it was decided on, worse by the slippage, less the fee. What breaks
 * a limit is vetoed, and the veto is told. Two switches for people: stop entries, and flatten; a drawdown beyond the limit
 * stops entries by itself. Who asks of an account that was never told of anything is refused: the name may be misspelt.
 *
 * Guarantees: a decision is taken once; an order has one end; money neither appears nor vanishes (the law of `post`), whatever
 * crashes; the state is bounded. Throws a `SchemaError` on options that are none.
 */
export const portfolioActor = (given: Partial<PortfolioOptions> = {}): Actor<State> => {
  const options = { ...PORTFOLIO_DEFAULTS, ...given }
  Schema.decodeUnknownSync(AccountRules)(options.rules)
  Schema.decodeUnknownSync(Deposit)(options.deposit)
  return define({
    protocol: PortfolioProtocol,
    state: State,
    initial: initial(Math.round(options.deposit * MICROS)),
    events: EVENTS,
    decide: {
      Decided: (state, decided, step) => {
        if (state.taken.includes(decided.consensus_id)) return
        step.persist("DecisionTaken", { consensus_id: decided.consensus_id })
        trade(step, decided, options)
      },
      Price: (_, bar, step) => seePrice(step, bar, options),
      Filled: (_, { order_id, price, fee }, step) => fill(step, order_id, price, fee),
      StopEntries: (state, { reason }, step) => {
        if (!isKnown(state)) return step.refuse(unknown(step))
        stop(step, reason, false)
        step.reply({ entries_stopped: true, orders: state.orders.length })
      },
      ResumeEntries: (state, _, step) => {
        if (!isKnown(state)) return step.refuse(unknown(step))
        if (state.stopped !== null || state.flattening) step.persist("EntriesResumed", {})
        step.reply({ entries_stopped: false, orders: state.orders.length })
      },
      Flatten: (state, { reason }, step) => {
        if (!isKnown(state)) return step.refuse(unknown(step))
        flatten(step, reason)
        step.reply({ entries_stopped: true, orders: step.state.orders.length })
      },
      GetPortfolio: (state, _, step) =>
        isKnown(state) ? step.reply(viewOf(state, step.self.id, options.currency)) : step.refuse(unknown(step))
    },
    evolve,
    activities: {
      place: activity({
        input: Order,
        output: Placement,
        timeout: "10 seconds",
        retry: Schedule.exponential("250 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 3 })),
        run: (order) => options.adapter.place(order)
      })
    },
    completed: {
      place: (_, outcome, step) => {
        const { key } = outcome
        if (outcome._tag === "Failed") return end(step, key, "rejected", outcome.detail)
        const placement = outcome.value
        if (placement._tag === "Rejected") return end(step, key, "rejected", placement.reason)
        if (placement._tag === "Filled") return fill(step, key, placement.price, placement.fee)
        works(step, key, options.adapter)
      }
    }
  })
}

interface Decided {
  readonly consensus_id: string
  readonly symbol: string
  readonly decision: Decision
  readonly confidence: number
  readonly strength?: number
  readonly bar_time: number
  readonly price: number
}

/** A decision as an order, or as a veto, or as nothing to do. */
const trade = (step: AccountStep, decided: Decided, { rules }: PortfolioOptions) => {
  const { state } = step
  const { symbol, price, decision, confidence, strength = confidence, consensus_id } = decided
  const known = { ...pricesOf(state), [symbol]: price }
  const equity = equityOf(state.book, known)
  const held = state.book.positions[symbol]?.quantity ?? 0
  const instrument = rules.instruments?.[symbol]
  const lot = lotOf(price, state.book.deposited / MICROS, instrument)
  const desired = wanted(decision, strength, held, { equity, price, lot, rules })
  // What turns a position closes it and enters another one: where entries are stopped, it only closes.
  const after = state.stopped !== null && Math.sign(desired) === -Math.sign(held) ? 0 : desired
  const quantity = exact(after - held)
  if (decision === "HOLD" || (quantity === 0 && (decision === "SELL" || held !== 0))) return
  const veto = (reason: VetoReason) => {
    step.persist("Vetoed", { veto: { symbol, reason, at: step.time } })
    step.add(publishVeto(symbol, quantity, reason, consensus_id, step))
  }
  if (!isCountable(state.book, known)) return veto("position_limit")
  if (state.orders.some(({ order }) => order.symbol === symbol)) return veto("order_pending")
  if (state.prices[symbol] === undefined && Object.keys(state.prices).length >= SYMBOLS_MAX)
    return veto("too_many_symbols")
  if (quantity === 0) return veto("too_small")
  if (after !== 0 && Math.abs(quantity) < (instrument?.minimum ?? 0)) {
    return held === 0 ? veto("too_small") : undefined
  }
  // To get out is always worth it.
  if (after !== 0 && Math.abs(amountOf(quantity, price)) < equity * rules.minTrade) {
    return isReduction(held, after) || held !== 0 ? undefined : veto("too_small")
  }
  if (!isWritable(state.book, { symbol, quantity, price, fee: 0 })) return veto("position_limit")
  const reason = vetoOf(symbol, quantity, price, {
    ...{ book: state.book, prices: known, rules },
    entriesStopped: state.stopped !== null,
    drawdown: drawdownOf(state),
    ordersToday: ordersSince(state, step.time)
  })
  if (reason !== undefined) return veto(reason)
  const order: Order = {
    ...{ id: consensus_id, account: step.self.id, symbol, quantity },
    ...{ bar_time: decided.bar_time, reference_price: price, reason: "decision" }
  }
  place(step, order, consensus_id)
}

interface SeenBar {
  readonly symbol: string
  readonly time: number
  readonly open: number
  readonly close: number
}

/** A bar: what works on paper is filled at its open; then positions are worth its close, and the drawdown is looked at. */
const seePrice = (step: AccountStep, bar: SeenBar, { rules, adapter }: PortfolioOptions) => {
  const { state } = step
  const { symbol, time, close: price } = bar
  const before = state.prices[symbol]
  if (before !== undefined && time <= before.time) return
  if (before === undefined && Object.keys(state.prices).length >= SYMBOLS_MAX) return
  const due = adapter.fillsAtBars
    ? state.orders.find(({ order, status }) => status === "working" && order.symbol === symbol && order.bar_time < time)
        ?.order
    : undefined
  if (!staysCountable(state, due, bar, rules)) return step.add(uncountable(bar, step))
  if (due !== undefined) fillAtOpen(step, due, bar.open, rules)
  const marked = step.persist("PriceSeen", { symbol, time, price })
  const drawdown = drawdownOf(marked)
  if (marked.stopped !== null || drawdown < rules.maxDrawdown) return
  const percent = `${(100 * drawdown).toFixed(1)}%`
  stop(step, `drawdown of ${percent}`, false)
  const message = `${step.self.id} is ${percent} below its highest: entries are stopped`
  step.add(publishAlert("critical", "drawdown", message, step))
}

/** Whether the account could be written after a bar, filled or not; what is filled is told at the price before. */
const staysCountable = (state: State, due: Order | undefined, bar: SeenBar, rules: AccountRules): boolean => {
  const before = pricesOf(state)
  const after = { ...before, [bar.symbol]: bar.close }
  const counts = (book: Book) => isCountable(book, before) && isCountable(book, after)
  if (due === undefined) return counts(state.book)
  const price = fillPrice(bar.open, due, rules)
  const trade = { ...due, price, fee: feeOf(amountOf(due.quantity, price), rules) }
  return counts(state.book) && isWritable(state.book, trade) && counts(post(state.book, trade))
}

/** A bar that is not taken: the account's worth could not be written. */
const uncountable = ({ symbol, open: opened, close }: SeenBar, context: Context) =>
  publishAlert(
    "critical",
    "account_too_large",
    `a bar of ${symbol} is not taken: from ${opened} to ${close} ${context.self.id} would be worth more than ${WORTH_MAX / MICROS}`,
    context
  )

/** On paper. One that has become too dear for an account that does not borrow is not filled. */
const fillAtOpen = (step: AccountStep, order: Order, opened: number, rules: AccountRules) => {
  const { book } = step.state
  const price = fillPrice(opened, order, rules)
  const amount = amountOf(order.quantity, price)
  const fee = feeOf(amount, rules)
  const held = book.positions[order.symbol]?.quantity ?? 0
  const reduces = isReduction(held, held + order.quantity)
  if (!reduces && rules.maxExposure <= 1 && amount + fee > book.cash) {
    return end(step, order.id, "rejected", "cash: it opened higher")
  }
  fill(step, order.id, price, fee)
}

const stop = (step: AccountStep, reason: string, flatten: boolean) => {
  const { stopped, flattening } = step.state
  if (stopped === null || (flatten && !flattening)) {
    step.persist("EntriesStopped", { reason: stopped ?? reason, flatten })
  }
}

const unknown = ({ self }: Context): Refusal<typeof PortfolioProtocol, "GetPortfolio"> => ({
  _tag: "UnknownAccount",
  account: self.id
})

/** Stops entries, cancels what works, and closes what is held; what is on its way to the adapter is closed when it comes back. */
const flatten = (step: AccountStep, reason: string) => {
  for (const { status, order } of step.state.orders) {
    if (status === "working" && order.reason === "decision") end(step, order.id, "cancelled", reason)
  }
  stop(step, reason, true)
  for (const symbol of Object.keys(step.state.book.positions)) close(step, symbol)
}

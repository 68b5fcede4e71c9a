import { Schedule, Schema } from "effect"
import { type Decision, Order, Placement, PortfolioProtocol, type VetoReason } from "../../protocols/index.ts"
import { type Actor, activity, type Context, define, persist, refuse, reply } from "../../runtime/index.ts"
import { publishAlert } from "../alert.ts"
import { type OrderAdapter, paper } from "./adapter.ts"
import { publishVeto, viewOf } from "./announcements.ts"
import { amountOf, type Book, equityOf, isCountable, isWritable, MICROS, post, WORTH_MAX } from "./book.ts"
import { ACCOUNT_DEFAULTS, AccountRules, feeOf, fillPrice, isReduction, vetoOf, wanted } from "./limits.ts"
import { afterAll, closing, end, fill, place, type Steps, works } from "./orders.ts"
import { exact, lotOf } from "./quantities.ts"
import { drawdownOf, EVENTS, evolve, initial, isKnown, ordersSince, pricesOf, State, SYMBOLS_MAX } from "./state.ts"

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
      Decided: (state, decided, context) => {
        if (state.taken.includes(decided.consensus_id)) return []
        return [
          persist({ _tag: "DecisionTaken", consensus_id: decided.consensus_id } as const),
          ...trade(state, decided, options, context)
        ]
      },
      Price: (state, bar, context) => seePrice(state, bar, options, context),
      Filled: (state, { order_id, price, fee }, context) => fill(state, order_id, price, fee, context),
      StopEntries: (state, { reason }, context) =>
        isKnown(state) ? [...stopped(state, reason, false), switched(state, true)] : unknown(context),
      ResumeEntries: (state, _, context) =>
        isKnown(state)
          ? [
              ...(state.stopped === null && !state.flattening ? [] : [persist({ _tag: "EntriesResumed" } as const)]),
              switched(state, false)
            ]
          : unknown(context),
      Flatten: (state, { reason }, context) => (isKnown(state) ? flatten(state, reason, context) : unknown(context)),
      GetPortfolio: (state, _, context) =>
        isKnown(state) ? [reply(viewOf(state, context.self.id, options.currency))] : unknown(context)
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
      place: (state, outcome, context) => {
        if (outcome._tag === "Failed") return end(state, outcome.key, "rejected", outcome.detail, context)
        const placement = outcome.value
        if (placement._tag === "Rejected") return end(state, outcome.key, "rejected", placement.reason, context)
        if (placement._tag === "Filled") return fill(state, outcome.key, placement.price, placement.fee, context)
        return works(state, outcome.key, options.adapter, context)
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
const trade = (state: State, decided: Decided, { rules }: PortfolioOptions, context: Context) => {
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
  if (decision === "HOLD" || (quantity === 0 && (decision === "SELL" || held !== 0))) return []
  const veto = (reason: VetoReason) => [
    persist({ _tag: "Vetoed", veto: { symbol, reason, at: context.time } } as const),
    publishVeto(symbol, quantity, reason, consensus_id, context)
  ]
  if (!isCountable(state.book, known)) return veto("position_limit")
  if (state.orders.some(({ order }) => order.symbol === symbol)) return veto("order_pending")
  if (state.prices[symbol] === undefined && Object.keys(state.prices).length >= SYMBOLS_MAX)
    return veto("too_many_symbols")
  if (quantity === 0) return veto("too_small")
  if (after !== 0 && Math.abs(quantity) < (instrument?.minimum ?? 0)) return held === 0 ? veto("too_small") : []
  // To get out is always worth it.
  if (after !== 0 && Math.abs(amountOf(quantity, price)) < equity * rules.minTrade) {
    return isReduction(held, after) || held !== 0 ? [] : veto("too_small")
  }
  if (!isWritable(state.book, { symbol, quantity, price, fee: 0 })) return veto("position_limit")
  const reason = vetoOf(symbol, quantity, price, {
    ...{ book: state.book, prices: known, rules },
    entriesStopped: state.stopped !== null,
    drawdown: drawdownOf(state),
    ordersToday: ordersSince(state, context.time)
  })
  if (reason !== undefined) return veto(reason)
  const order = {
    ...{ id: consensus_id, account: context.self.id, symbol, quantity },
    ...{ bar_time: decided.bar_time, reference_price: price, reason: "decision" as const }
  }
  return place(order, consensus_id, context)
}

interface SeenBar {
  readonly symbol: string
  readonly time: number
  readonly open: number
  readonly close: number
}

/** A bar: what works on paper is filled at its open; then positions are worth its close, and the drawdown is looked at. */
const seePrice = (state: State, bar: SeenBar, { rules, adapter }: PortfolioOptions, context: Context) => {
  const { symbol, time, close } = bar
  const before = state.prices[symbol]
  if (before !== undefined && time <= before.time) return []
  if (before === undefined && Object.keys(state.prices).length >= SYMBOLS_MAX) return []
  const due = adapter.fillsAtBars
    ? state.orders.find(({ order, status }) => status === "working" && order.symbol === symbol && order.bar_time < time)
        ?.order
    : undefined
  if (!staysCountable(state, due, bar, rules)) return [uncountable(bar, context)]
  const filled = due === undefined ? [] : fillAtOpen(state, due, bar.open, rules, context)
  const after = afterAll(state, filled)
  const seen = { _tag: "PriceSeen", symbol, time, price: close } as const
  const marked = evolve.PriceSeen(after, seen)
  const drawdown = drawdownOf(marked)
  const halted =
    marked.stopped === null && drawdown >= rules.maxDrawdown
      ? [
          ...stopped(marked, `drawdown of ${(100 * drawdown).toFixed(1)}%`, false),
          publishAlert(
            "critical",
            "drawdown",
            `${context.self.id} is ${(100 * drawdown).toFixed(1)}% below its highest: entries are stopped`,
            context
          )
        ]
      : []
  return [...filled, persist(seen), ...halted]
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
const fillAtOpen = (state: State, order: Order, opened: number, rules: AccountRules, context: Context): Steps => {
  const price = fillPrice(opened, order, rules)
  const amount = amountOf(order.quantity, price)
  const fee = feeOf(amount, rules)
  const held = state.book.positions[order.symbol]?.quantity ?? 0
  const reduces = isReduction(held, held + order.quantity)
  if (!reduces && rules.maxExposure <= 1 && amount + fee > state.book.cash) {
    return end(state, order.id, "rejected", "cash: it opened higher", context)
  }
  return fill(state, order.id, price, fee, context)
}

const stopped = (state: State, reason: string, flatten: boolean) =>
  state.stopped !== null && (!flatten || state.flattening)
    ? []
    : [persist({ _tag: "EntriesStopped", reason: state.stopped ?? reason, flatten } as const)]

const unknown = ({ self }: Context) => [refuse({ _tag: "UnknownAccount", account: self.id } as const)]

const switched = (state: State, entries_stopped: boolean) => reply({ entries_stopped, orders: state.orders.length })

/** Stops entries, cancels what works, and closes what is held; what is on its way to the adapter is closed when it comes back. */
const flatten = (state: State, reason: string, context: Context) => {
  const cancelled = state.orders
    .filter(({ status, order }) => status === "working" && order.reason === "decision")
    .flatMap(({ order }) => end(state, order.id, "cancelled", reason, context))
  const after = afterAll(state, cancelled)
  const orders = Object.keys(after.book.positions).flatMap((symbol) => closing(after, context, symbol))
  const placed = orders.filter(({ op }) => op === "activity").length
  return [
    ...cancelled,
    ...stopped(state, reason, true),
    ...orders,
    reply({ entries_stopped: true, orders: after.orders.length + placed })
  ]
}

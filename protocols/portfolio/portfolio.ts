import { Schema } from "effect"
import { Confidence, Decision, Strength } from "../agents/decision.ts"
import { BarTime } from "../market/market.ts"
import { AccountId, ConsensusId, MarketSymbol, Timestamp } from "../vocabulary/names.ts"
import { open } from "../vocabulary/open.ts"

const Price = Schema.Finite.check(Schema.isGreaterThan(0))
const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/**
 * An amount of money in millionths of the account's currency: whole numbers, so that adding and taking away lose nothing.
 * At most nine thousand millions of the currency.
 */
export const Micros = Schema.Int.check(
  Schema.isBetween({ minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })
)

/** An amount in units of the account's currency, as prices are. */
const Amount = Schema.Finite

/** Millionths in units of the currency, under the same names. */
export const inCurrency = <K extends string>(micros: { readonly [N in K]: number }): { readonly [N in K]: number } => {
  const amounts: { [N in K]: number } = { ...micros }
  for (const name in amounts) amounts[name] = micros[name] / 1_000_000
  return amounts
}

/** Quantities are written with at most so many decimals, as those of coins are. */
export const QUANTITY_DECIMALS = 8

/** What an exchange asks of orders in one symbol. */
export const Instrument = Schema.Struct({
  /** Quantities are multiples of it, but for one that closes a position. */
  lot: Schema.optionalKey(
    Schema.Finite.check(Schema.isBetween({ minimum: 10 ** -QUANTITY_DECIMALS, maximum: 1_000_000_000 }))
  ),
  /** The smallest quantity of an order that does not close a position. */
  minimum: Schema.optionalKey(Price),
  /** Prices are multiples of it: one that is not is rounded to the disadvantage of who trades. */
  tick: Schema.optionalKey(Price)
})
export type Instrument = typeof Instrument.Type

/** Why an order is not placed. A veto is a constraint and no opinion: no confidence outweighs it. */
export const VetoReason = Schema.Literals([
  "entries_stopped",
  "drawdown",
  "position_limit",
  "exposure_limit",
  "orders_per_day",
  "order_pending",
  "short_not_allowed",
  "cash",
  "too_small",
  "too_many_symbols"
])
export type VetoReason = typeof VetoReason.Type

/** An order as the adapter is given it. `id` is the same however often it is given, and so must be what follows. */
export const Order = open({
  id: Schema.NonEmptyString,
  account: AccountId,
  symbol: MarketSymbol,
  /** How much to buy, above 0, or to sell, below; in fractions where the symbol is traded in them. */
  quantity: Schema.Finite,
  /** The start of the bar it was decided on: it is filled by a later one. */
  bar_time: BarTime,
  /** That bar's close, in the account's currency. */
  reference_price: Price,
  reason: Schema.Literals(["decision", "flatten"])
})
export type Order = typeof Order.Type

/** What an adapter says of an order: it works, it is filled at once, or it is refused. */
export const Placement = Schema.Union([
  open({ _tag: Schema.tag("Working") }),
  open({ _tag: Schema.tag("Filled"), price: Price, fee: Micros }),
  open({ _tag: Schema.tag("Rejected"), reason: Schema.String })
])
export type Placement = typeof Placement.Type

export const OrderStatus = Schema.Literals(["placing", "working", "filled", "rejected", "cancelled"])

/** `order_update`: what became of an order, or that there is none and why. */
export const OrderUpdate = open({
  account: AccountId,
  symbol: MarketSymbol,
  order_id: Schema.NullOr(Schema.String),
  status: Schema.Union([OrderStatus, Schema.Literal("vetoed")]),
  quantity: Schema.Finite,
  price: Schema.NullOr(Price),
  fee: Schema.NullOr(Micros),
  /** The fee in units of the currency, where there is one. Older events do not have it. */
  amounts: Schema.optionalKey(open({ fee: Amount })),
  reason: Schema.NullOr(Schema.String),
  consensus_id: Schema.NullOr(ConsensusId),
  timestamp: Timestamp
})

export type OrderUpdate = typeof OrderUpdate.Type

export const PositionView = open({
  symbol: MarketSymbol,
  quantity: Schema.Finite,
  /** What was paid for it; below 0 for what was sold short. */
  cost: Micros,
  price: Schema.NullOr(Price),
  value: Micros,
  unrealized: Micros,
  /** The same in units of the currency. */
  amounts: Schema.optionalKey(open({ cost: Amount, value: Amount, unrealized: Amount }))
})

const accountAmounts = { cash: Amount, equity: Amount, realized: Amount, fees: Amount } as const

/** An account as it stands. Money in millionths of its currency; in units of it, as prices are, under `amounts`. */
export const PortfolioView = open({
  account: AccountId,
  currency: Schema.String,
  deposited: Micros,
  cash: Micros,
  equity: Micros,
  realized: Micros,
  fees: Micros,
  amounts: Schema.optionalKey(open({ deposited: Amount, ...accountAmounts })),
  positions: Schema.Array(PositionView),
  /** The sum of the positions' sizes, as a part of the equity. */
  exposure: Schema.Finite,
  /** How far the equity is below its highest, as a part of that. */
  drawdown: Share,
  entries: open({ stopped: Schema.Boolean, reason: Schema.NullOr(Schema.String) }),
  orders: Schema.Array(open({ order: Order, status: OrderStatus })),
  counts: open({ orders: Schema.Int, fills: Schema.Int, vetoes: Schema.Int, rejected: Schema.Int }),
  last_vetoes: Schema.Array(open({ symbol: MarketSymbol, reason: VetoReason, timestamp: Timestamp }))
})
export type PortfolioView = typeof PortfolioView.Type

/** `portfolio_update`: an account after a fill or a switch. */
export const PortfolioUpdate = open({
  account: AccountId,
  cash: Micros,
  equity: Micros,
  realized: Micros,
  fees: Micros,
  /** The same in units of the currency. Older events do not have it. */
  amounts: Schema.optionalKey(open(accountAmounts)),
  exposure: Schema.Finite,
  drawdown: Share,
  entries_stopped: Schema.Boolean,
  timestamp: Timestamp
})

/** Nobody has told this account of a price or a decision: it is no account that trades, but perhaps a misspelt one. */
export const UnknownAccount = open({ _tag: Schema.tag("UnknownAccount"), account: Schema.String })

/** What a person may do with an account's switches: see `StopEntries`, `ResumeEntries` and `Flatten`. */
export const SwitchAction = Schema.Literals(["stop_entries", "resume_entries", "flatten"])

/** The body of `POST /api/v1/agents/portfolio/{account}/switch`. */
export const SwitchBody = Schema.Struct({
  action: SwitchAction,
  /** For those who read it later; a switch back needs none. */
  reason: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(1_000)))
})
export type SwitchBody = typeof SwitchBody.Type

const Because = open({ reason: Schema.String.check(Schema.isMaxLength(1_000)) })
const switchedFields = { entries_stopped: Schema.Boolean, orders: Schema.Int } as const
/** Whether entries are stopped now, and how many orders are under way. */
export const Switched = open(switchedFields)

/** The answer to `POST /api/v1/agents/portfolio/{account}/switch`. */
export const AccountSwitched = open({ account: AccountId, ...switchedFields })

/** What a portfolio understands. Its id is the account. */
export const PortfolioProtocol = {
  type: "portfolio",
  messages: {
    /** A final decision, made on a bar and at its close. */
    Decided: {
      payload: open({
        consensus_id: ConsensusId,
        symbol: MarketSymbol,
        decision: Decision,
        confidence: Confidence,
        /** The part of the largest position that is wanted; the confidence unless given. */
        strength: Schema.optionalKey(Strength),
        bar_time: BarTime,
        price: Price
      })
    },
    /** A bar of a symbol: orders from earlier bars are filled at its open, positions are worth its close. */
    Price: { payload: open({ symbol: MarketSymbol, time: BarTime, open: Price, close: Price }) },
    /** From an adapter that fills later: exactly this order, once. */
    Filled: { payload: open({ order_id: Schema.NonEmptyString, price: Price, fee: Micros }) },
    /** No more orders that enter or enlarge a position, until `ResumeEntries`. */
    StopEntries: { payload: Because, reply: Switched, error: UnknownAccount },
    ResumeEntries: { payload: open({}), reply: Switched, error: UnknownAccount },
    /** Stops entries, cancels what works, and closes every position. */
    Flatten: { payload: Because, reply: Switched, error: UnknownAccount },
    GetPortfolio: { payload: open({}), reply: PortfolioView, error: UnknownAccount }
  }
} as const

// What else a request for an analysis may bring: bars in other words, figures of its own, and the account that it is for.
import { Schema } from "effect"
import { open } from "../vocabulary/open.ts"
import { barTimestamp } from "./bar-timestamp.ts"
import { GivenBar } from "./market.ts"

const FIGURES_MAX = 64
const FIGURE_NAME_MAX = 64
const WORDS_MAX = 200

const Figure = Schema.Union([Schema.Finite, Schema.Boolean, Schema.String.check(Schema.isMaxLength(WORDS_MAX))])

/** Figures by name, which somebody else has computed. */
export const Indicators = Schema.Record(
  Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(FIGURE_NAME_MAX)),
  Figure
).check(Schema.isMaxProperties(FIGURES_MAX, { message: `at most ${FIGURES_MAX} figures` }))
export type Indicators = typeof Indicators.Type

const FigureName = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(FIGURE_NAME_MAX))

/** The same as somebody may give them: some in groups, such as `{"macd": {"value": 1.2, "signal": 0.8}}`, one level deep. */
export const GivenIndicators = Schema.Record(
  FigureName,
  Schema.Union([Figure, Schema.Record(FigureName, Figure)])
).check(
  Schema.makeFilter((given) => {
    const flat = flatIndicators(given)
    if (Object.keys(flat).length > FIGURES_MAX) return `at most ${FIGURES_MAX} figures`
    return Object.keys(flat).every((name) => name.length <= FIGURE_NAME_MAX) || "names are of at most 64 characters"
  })
)

/** Those in groups by the group's name, a dot and their own. */
export const flatIndicators = (given: { readonly [name: string]: unknown }): Indicators =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      typeof value === "object" && value !== null
        ? Object.entries(value).map(([inner, figure]) => [`${name}.${inner}`, figure])
        : [[name, value]]
    )
  )

const Amount = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/** The account that an analysis is for: its equity in quote currency, and the units that it holds of the symbol. */
export const SizedAccount = open({ equity: Amount, held: Schema.Finite, risk_fraction: Schema.optionalKey(Amount) })
export type SizedAccount = typeof SizedAccount.Type

const Position = open({ symbol: Schema.String, quantity: Schema.Finite })

/**
 * The same as somebody may give it. `equity` is what counts, or else `balance` or `cash`; positions are a list of `{symbol, quantity}`,
 * or quantities by symbol. `risk_per_trade` is the part of the equity that a stop may cost, 0.01 unless given. The rest is not looked at.
 */
export const GivenAccount = open({
  equity: Schema.optionalKey(Amount),
  balance: Schema.optionalKey(Amount),
  cash: Schema.optionalKey(Amount),
  positions: Schema.optionalKey(Schema.Union([Schema.Array(Position), Schema.Record(Schema.String, Schema.Finite)])),
  risk_per_trade: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0.0001, maximum: 0.1 })))
}).check(
  Schema.makeFilter(({ equity, balance, cash }) =>
    equity === undefined && balance === undefined && cash === undefined
      ? { path: ["equity"], issue: "`equity`, `balance` or `cash` must be given" }
      : undefined
  )
)
export type GivenAccount = typeof GivenAccount.Type

/** Names of what is traded differ by more than their case. */
const isSymbol = (given: string, symbol: string) => given.toUpperCase() === symbol.toUpperCase()

/** What of an account an analysis of a symbol goes by; positions are found in whatever case their symbol is written. */
export const sizedAccount = (
  { equity, balance, cash, positions = [], risk_per_trade }: GivenAccount,
  symbol: string
): SizedAccount => {
  const listed = Array.isArray(positions)
    ? positions
    : Object.entries(positions).map(([name, quantity]) => ({ symbol: name, quantity }))
  const held = listed.reduce((sum, each) => (isSymbol(each.symbol, symbol) ? sum + Number(each.quantity) : sum), 0)
  return {
    equity: equity ?? balance ?? cash ?? 0,
    held,
    ...(risk_per_trade === undefined ? {} : { risk_fraction: risk_per_trade })
  }
}

/** How large a position should be by a decision. Quantities are in units, the others in quote currency. */
export const PositionSizing = open({
  equity: Amount,
  price: Schema.Finite,
  /** The most that the position may take of the equity, by the tool `position_size`; null where it says nothing. */
  fraction: Schema.NullOr(Schema.Finite),
  /** From the price to the stop, as a part of the price. */
  stop_fraction: Schema.NullOr(Schema.Finite),
  held: Schema.Finite,
  /** What to hold: that much where it is BUY, nothing where it is SELL, and what is held where it is HOLD. */
  target: Schema.NullOr(Schema.Finite),
  /** What to buy, or to sell where it is below 0. */
  change: Schema.NullOr(Schema.Finite),
  /** Why there is no size. */
  reason: Schema.optionalKey(Schema.String)
})
export type PositionSizing = typeof PositionSizing.Type

const isBar = Schema.is(GivenBar)

const isStamped = (given: unknown): given is { readonly timestamp: unknown } =>
  typeof given === "object" && given !== null && "timestamp" in given

/** The bar of one that has `timestamp`, ISO 8601 or milliseconds since 1970, in place of `time`; a volume it need not have. */
const asBar = (given: unknown): unknown => {
  if (!isStamped(given)) return given
  const { timestamp, open: first, high, low, close, volume = 0 } = Object(given)
  const read = barTimestamp(timestamp)
  return "fault" in read ? given : { time: read.time, open: first, high, low, close, volume }
}

const givenBars = (given: unknown): ReadonlyArray<unknown> => {
  const { bars } = Object(given)
  return Array.isArray(given) ? given : Array.isArray(bars) ? bars : [given]
}

/** Says which timestamp breaks what rule, or nothing when all are sound. */
const timestampFault = (given: unknown): string | undefined => {
  for (const [index, bar] of givenBars(given).entries()) {
    const read = isStamped(bar) ? barTimestamp(bar.timestamp) : undefined
    if (read !== undefined && "fault" in read) return `the timestamp of the bar at ${index} ${read.fault}`
  }
  return undefined
}

const barsIn = (given: unknown): ReadonlyArray<unknown> => givenBars(given).map(asBar)

/** The bars of `market_data`, oldest first. */
export const marketBars = (given: unknown): ReadonlyArray<typeof GivenBar.Type> => barsIn(given).filter(isBar)

/**
 * `market_data` as somebody may give it: bars, or `{"bars": […]}`, each with `time` in milliseconds or `timestamp`. A price alone is no
 * bar: an analysis looks at many.
 */
export const MarketData = Schema.Unknown.check(
  Schema.makeFilter((given) => {
    const bars = barsIn(given)
    if (bars.length === 0) return "must be one bar at the least"
    const mistimed = timestampFault(given)
    if (mistimed !== undefined) return mistimed
    const wrong = bars.findIndex((bar) => !isBar(bar))
    if (wrong >= 0) {
      return `must be bars, each with time (or timestamp), open, high, low, close and volume: the one at ${wrong} is none`
    }
    const sound = bars.filter(isBar)
    const late = sound.findIndex((bar, at) => at > 0 && bar.time <= sound[at - 1]!.time)
    return late < 0 || `bars go from oldest to newest: the one at ${late} is not later than the one before it`
  })
)

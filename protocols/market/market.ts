import { Effect, Schema } from "effect"
import { MarketSymbol, Timestamp } from "../vocabulary/names.ts"
import { isShallow, LEVELS_MAX, open } from "../vocabulary/open.ts"

const Price = Schema.Finite.check(Schema.isGreaterThan(0))
const Volume = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const Millis = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** When a bar's interval begins, in milliseconds since 1970 UTC; less than 0 before that. */
export const BarTime = Schema.Int

/** Says which rule of a bar is broken, or nothing when it is sound. */
export const barFault = (bar: { open: number; high: number; low: number; close: number }): string | undefined => {
  if (bar.high < bar.low) return "high is below low"
  if (bar.high < Math.max(bar.open, bar.close)) return "high is below open or close"
  if (bar.low > Math.min(bar.open, bar.close)) return "low is above open or close"
  return undefined
}

/**
 * What a symbol's price did in one interval.
 *
 * `time` is the start of the interval in milliseconds since 1970 UTC, negative before; prices are in quote currency, volume in units.
 */
export const Bar = open({
  time: BarTime,
  open: Price,
  high: Price,
  low: Price,
  close: Price,
  volume: Volume
}).check(Schema.makeFilter((bar) => barFault(bar) ?? true))
export type Bar = typeof Bar.Type

/** The latest time that somebody may give, in milliseconds since 1970: the year 2100 begins. */
export const GIVEN_TIME_MAX = Date.UTC(2100, 0, 1)

const givenTime = (time: number) =>
  time <= GIVEN_TIME_MAX || "a time is in milliseconds since 1970, and before the year 2100"

/** A time as somebody may give it. Those that are stored already are read, however late. */
export const GivenMillis = Millis.check(Schema.makeFilter(givenTime))

/** The earliest time of a bar that somebody may give, in milliseconds since 1970: the year 1700 begins. */
export const GIVEN_BAR_TIME_MIN = Date.UTC(1700, 0, 1)

/** A bar as somebody may give it. One without a volume has none: 0. */
export const GivenBar = open({
  time: BarTime,
  open: Price,
  high: Price,
  low: Price,
  close: Price,
  volume: Volume.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0)))
}).check(
  Schema.makeFilter((bar) => barFault(bar) ?? true),
  Schema.makeFilter((bar) => {
    const issue = bar.time < GIVEN_BAR_TIME_MIN ? "a bar is not of before the year 1700" : givenTime(bar.time)
    if (typeof issue === "string") return { path: ["time"], issue }
    return isShallow(bar, LEVELS_MAX) ? undefined : `a bar has at most ${LEVELS_MAX} levels`
  })
)

/** Says what is wrong with bars in columns, or nothing when every bar is sound and newer than the one before it. */
export const windowFault = (
  window: {
    readonly [K in "time" | "open" | "high" | "low" | "close" | "volume"]: ReadonlyArray<number>
  }
): string | undefined => {
  const columns = [window.open, window.high, window.low, window.close, window.volume]
  if (columns.some((column) => column.length !== window.time.length)) {
    return "every column must have as many values as `time`"
  }
  const { time, open, high, low, close } = window
  let previous = Number.NEGATIVE_INFINITY
  for (let index = 0; index < time.length; index++) {
    const at = time[index]!
    if (at <= previous) return `the time of bar ${index} is not after that of the bar before it`
    previous = at
    const [top, bottom, first, last] = [high[index]!, low[index]!, open[index]!, close[index]!]
    if (top >= first && top >= last && bottom <= first && bottom <= last) continue
    return `bar ${index}: ${barFault({ open: first, high: top, low: bottom, close: last })}`
  }
  return undefined
}

/** Numbers that all keep one rule, checked in one pass: a round checks ten thousand of them, each with a schema of its own otherwise. */
const column = (holds: (value: number) => boolean, expected: string) =>
  Schema.declare(
    (value: unknown): value is ReadonlyArray<number> =>
      Array.isArray(value) && value.every((each) => typeof each === "number" && Number.isFinite(each) && holds(each)),
    { expected, toCodecJson: () => undefined }
  )

const times = column((millis) => Number.isSafeInteger(millis), "a list of whole milliseconds")
const prices = column((price) => price > 0, "a list of prices, all above 0")
const volumes = column((volume) => volume >= 0, "a list of volumes, none below 0")

/** How many bars of its kind a market has in a year of trading: 252 for days of a stock exchange. At most one each second. */
export const BarsPerYear = Schema.Finite.check(Schema.isBetween({ minimum: 0.1, maximum: 31_622_400 }))

/**
 * Bars in columns, oldest first, all columns of one length: a third of the bytes of the same bars as objects.
 *
 * Times strictly increase, and each bar keeps the rules of `Bar`. `bars_per_year` says how many a year of trading has, where whoever
 * gives them knows; their times tell otherwise.
 */
export const BarWindow = open({
  time: times,
  open: prices,
  high: prices,
  low: prices,
  close: prices,
  volume: volumes,
  bars_per_year: Schema.optionalKey(BarsPerYear)
}).check(Schema.makeFilter((window) => windowFault(window) ?? true))
export type BarWindow = typeof BarWindow.Type

/** How many bars an analysis looks at; what is older is not kept. */
export const WINDOW_BARS_MAX = 128

export const emptyWindow: BarWindow = { time: [], open: [], high: [], low: [], close: [], volume: [] }

/**
 * The window with a bar added at the end; the oldest falls out past `WINDOW_BARS_MAX`. `barsPerYear` holds from then on; without it
 * what was said before.
 */
export const pushBar = (window: BarWindow, bar: Bar, barsPerYear = window.bars_per_year): BarWindow => {
  const push = (column: ReadonlyArray<number>, value: number) => [...column.slice(1 - WINDOW_BARS_MAX), value]
  return {
    time: push(window.time, bar.time),
    open: push(window.open, bar.open),
    high: push(window.high, bar.high),
    low: push(window.low, bar.low),
    close: push(window.close, bar.close),
    volume: push(window.volume, bar.volume),
    ...(barsPerYear === undefined ? {} : { bars_per_year: barsPerYear })
  }
}

/** The last `WINDOW_BARS_MAX` of some bars, which are oldest first. */
export const toWindow = (bars: ReadonlyArray<Bar>, barsPerYear?: number): BarWindow => {
  const last = bars.slice(-WINDOW_BARS_MAX)
  return {
    time: last.map((bar) => bar.time),
    open: last.map((bar) => bar.open),
    high: last.map((bar) => bar.high),
    low: last.map((bar) => bar.low),
    close: last.map((bar) => bar.close),
    volume: last.map((bar) => bar.volume),
    ...(barsPerYear === undefined ? {} : { bars_per_year: barsPerYear })
  }
}

/** `market_update`: a bar as clients see it. */
export const MarketUpdate = open({
  symbol: MarketSymbol,
  timestamp: Timestamp,
  open: Price,
  high: Price,
  low: Price,
  close: Price,
  volume: Volume
})

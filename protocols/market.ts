import { Schema } from "effect"
import { MarketSymbol, Timestamp } from "./names.ts"
import { open } from "./open.ts"

const Price = Schema.Finite.check(Schema.isGreaterThan(0))
const Volume = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const Millis = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

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
 * `time` is the start of the interval in milliseconds since 1970 UTC; prices are in quote currency, volume in units.
 */
export const Bar = open({
  time: Millis,
  open: Price,
  high: Price,
  low: Price,
  close: Price,
  volume: Volume
}).check(Schema.makeFilter((bar) => barFault(bar) ?? true))
export type Bar = typeof Bar.Type

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
  let previous = -1
  for (const [index, time] of window.time.entries()) {
    if (time <= previous) return `the time of bar ${index} is not after that of the bar before it`
    previous = time
    const fault = barFault({
      open: window.open[index]!,
      high: window.high[index]!,
      low: window.low[index]!,
      close: window.close[index]!
    })
    if (fault !== undefined) return `bar ${index}: ${fault}`
  }
  return undefined
}

/**
 * Bars in columns, oldest first, all columns of one length: a third of the bytes of the same bars as objects.
 *
 * Times strictly increase, and each bar keeps the rules of `Bar`.
 */
export const BarWindow = open({
  time: Schema.Array(Millis),
  open: Schema.Array(Price),
  high: Schema.Array(Price),
  low: Schema.Array(Price),
  close: Schema.Array(Price),
  volume: Schema.Array(Volume)
}).check(Schema.makeFilter((window) => windowFault(window) ?? true))
export type BarWindow = typeof BarWindow.Type

/** How many bars an analysis looks at; what is older is not kept. */
export const WINDOW_BARS_MAX = 128

export const emptyWindow: BarWindow = { time: [], open: [], high: [], low: [], close: [], volume: [] }

/** The window with a bar added at the end; the oldest falls out past `WINDOW_BARS_MAX`. */
export const pushBar = (window: BarWindow, bar: Bar): BarWindow => {
  const push = (column: ReadonlyArray<number>, value: number) => [...column.slice(1 - WINDOW_BARS_MAX), value]
  return {
    time: push(window.time, bar.time),
    open: push(window.open, bar.open),
    high: push(window.high, bar.high),
    low: push(window.low, bar.low),
    close: push(window.close, bar.close),
    volume: push(window.volume, bar.volume)
  }
}

/** The last `WINDOW_BARS_MAX` of some bars, which are oldest first. */
export const toWindow = (bars: ReadonlyArray<Bar>): BarWindow => {
  const last = bars.slice(-WINDOW_BARS_MAX)
  return {
    time: last.map((bar) => bar.time),
    open: last.map((bar) => bar.open),
    high: last.map((bar) => bar.high),
    low: last.map((bar) => bar.low),
    close: last.map((bar) => bar.close),
    volume: last.map((bar) => bar.volume)
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

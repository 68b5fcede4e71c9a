import type { BarWindow } from "../../protocols/index.ts"

/** The bars as rows, for the library of indicators. */
export const candlesOf = (bars: BarWindow): Array<{ high: number; low: number; close: number }> =>
  bars.close.map((close, index) => ({ high: bars.high[index]!, low: bars.low[index]!, close }))

/** The natural logarithm of each close over the one before it. */
export const logReturns = (close: ReadonlyArray<number>): ReadonlyArray<number> =>
  close.slice(1).map((price, index) => Math.log(price / close[index]!))

/** The range of a bar, and of the gap before it. */
export const trueRange = (bars: BarWindow, at: number): number => {
  const before = bars.close[at - 1] ?? bars.close[at]!
  return Math.max(bars.high[at]! - bars.low[at]!, Math.abs(bars.high[at]! - before), Math.abs(bars.low[at]! - before))
}

export const rootMeanSquare = (values: ReadonlyArray<number>): number =>
  values.length === 0 ? 0 : Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)

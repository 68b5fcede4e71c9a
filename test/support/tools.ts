import type { Tool, ToolInput } from "../../actors/tools/tool.ts"
import type { BarWindow } from "../../protocols/index.ts"

/**
 * What a tool measures on bars, with the parameters that are not given at their defaults. Throws where it measures
 * nothing.
 */
export const measured = <P, R>(
  tool: Tool<P, R>,
  bars: BarWindow,
  parameters: object = {},
  past: ToolInput["past"] = []
): R => {
  const attempt = tool.attempt(parameters, { bars, past })
  if (attempt._tag !== "Success") throw new Error(attempt.message)
  return attempt.value
}

/** A walk whose log returns are given, one bar a day, each bar a little wider than its move. */
export const walkOf = (returns: ReadonlyArray<number>, startPrice = 100): BarWindow => {
  const close = [startPrice]
  for (const value of returns) close.push(close.at(-1)! * Math.exp(value))
  const open = close.map((price, index) => close[index - 1] ?? price)
  return {
    time: close.map((_, index) => Date.UTC(2024, 0, 1 + index)),
    open,
    high: close.map((price, index) => Math.max(price, open[index]!) * 1.002),
    low: close.map((price, index) => Math.min(price, open[index]!) / 1.002),
    close,
    volume: close.map(() => 1000)
  }
}

/** A generator of standard normal numbers, the same for the same seed (Weyl sequence, Box and Muller). */
export const normals = (seed: number): (() => number) => {
  let state = seed >>> 0
  const draw = () => {
    state = (state + 0x9e3779b9) >>> 0
    let bits = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw())
}

const RETURNS = 127
/** A day's volatility of a quarter a year: neither high nor low. */
const USUAL = 0.25 / Math.sqrt(365.25)

export interface Market {
  /** Per bar, in units of the volatility. */
  readonly drift?: number
  readonly scale?: number
  /** Share of the distance to the first price that a bar takes back. */
  readonly pull?: number
  /** Drift of the last 10 bars. */
  readonly end?: number
}

/** The log returns of a market of 128 bars, the same for the same seed. */
export const returnsOf = (seed: number, { drift = 0, scale = 1, pull = 0, end }: Market): ReadonlyArray<number> => {
  const normal = normals(seed)
  let away = 0
  return Array.from({ length: RETURNS }, (_, index) => {
    const lean = end !== undefined && index >= RETURNS - 10 ? end : drift
    const value = USUAL * scale * (lean + normal()) - pull * away
    away += value
    return value
  })
}

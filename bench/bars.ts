import type { BarWindow } from "../protocols/index.ts"
import { range } from "./system.ts"

/** Prices that rise and fall, the same each time. */
export const windowOf = (count: number): BarWindow => {
  const closes = range(count).map((index) => 100 + 10 * Math.sin(index / 5) + ((index * 7) % 13) / 7)
  return {
    time: range(count).map((index) => Date.UTC(2024, 0, 1 + index)),
    open: closes,
    high: closes.map((close) => close * 1.01),
    low: closes.map((close) => close * 0.99),
    close: closes,
    volume: closes.map(() => 1_000)
  }
}

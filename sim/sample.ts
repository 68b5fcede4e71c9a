import { takeBars } from "./market.ts"

/** The markets that ship as CSV files in `samples/`, for users without data of their own. */
export const SAMPLE_SYMBOLS = ["ACME", "GLOBEX"] as const

const SEED = 20240102
const BARS = 504
const DAY_MILLIS = 24 * 3_600_000
/** A Monday. */
const FIRST_DAY = Date.UTC(2022, 0, 3)

/** A sample as a CSV text: two years of simulated days, Monday to Friday. The same text at every call. */
export const sampleCsv = (symbol: (typeof SAMPLE_SYMBOLS)[number]): string => {
  const bars = takeBars({ seed: SEED, symbol, startTime: FIRST_DAY, intervalMillis: DAY_MILLIS }, BARS)
  const rows = bars.map(({ open, high, low, close, volume }, index) => {
    const day = FIRST_DAY + (index + 2 * Math.floor(index / 5)) * DAY_MILLIS
    return [new Date(day).toISOString().slice(0, 10), open, high, low, close, volume].join(",")
  })
  return `${["Date,Open,High,Low,Close,Volume", ...rows].join("\n")}\n`
}

import { takeBars } from "./market/market.ts"

/** The markets that ship as CSV files in `samples/`, for users without data of their own. */
export const SAMPLE_SYMBOLS = ["ACME", "GLOBEX"] as const

const SEED = 20240102
const BARS = 504
/** A Monday. */
const FIRST_DAY = Date.UTC(2022, 0, 3)

/** A sample as a CSV text: two years of simulated days, Monday to Friday. The same text at every call. */
export const sampleCsv = (symbol: (typeof SAMPLE_SYMBOLS)[number]): string => {
  const bars = takeBars({ seed: SEED, symbol, startTime: FIRST_DAY }, BARS)
  const rows = bars.map(({ time, open, high, low, close, volume }) =>
    [new Date(time).toISOString().slice(0, 10), open, high, low, close, volume].join(",")
  )
  return `${["Date,Open,High,Low,Close,Volume", ...rows].join("\n")}\n`
}

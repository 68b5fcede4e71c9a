import type { Stream } from "effect"
import type { Bar } from "../../protocols/index.ts"
import { type MarketOptions, marketBars, takeBars } from "./market.ts"

/** Simulated markets begin here, on a Thursday, and have a bar each weekday, so that every run has the same ones. */
const SIMULATED_START = Date.UTC(2026, 0, 1)
/** So many simulated bars are the past: twelve weeks of days, which give every agent the bars that it needs to have a view. */
const PAST_BARS = 60

type Simulated = Pick<MarketOptions, "seed" | "symbol" | "regime" | "intervalMillis">

/** An endless simulated market, and the time before which its bars are the past, in milliseconds since 1970. */
export const simulatedMarket = (
  chosen: Simulated,
  pastBars = PAST_BARS
): { readonly bars: Stream.Stream<Bar>; readonly pastUntil: number } => {
  const options = { ...chosen, startTime: SIMULATED_START }
  return { bars: marketBars(options), pastUntil: takeBars(options, pastBars + 1).at(-1)?.time ?? SIMULATED_START }
}

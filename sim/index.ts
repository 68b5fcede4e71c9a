export { type MarketOptions, marketBars, takeBars } from "./market.ts"
export { SAMPLE_SYMBOLS, sampleCsv } from "./sample.ts"

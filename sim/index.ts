export { layerInMemory, makeServer, openPorts, type Ports } from "./log/layer.ts"
export type { ServerOptions } from "./log/server.ts"
export { type MarketOptions, marketBars, takeBars } from "./market.ts"
export { SAMPLE_SYMBOLS, sampleCsv } from "./sample.ts"

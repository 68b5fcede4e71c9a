export { type Campaign, type CampaignOptions, runCampaign } from "./campaign.ts"
export { DirectHost, type HostAnswer, type HostOptions, type PublishedEvent } from "./direct/host.ts"
export { coinTest, spreadOf } from "./evaluation/proportions.ts"
export {
  deflatedSharpe,
  drawdownsOf,
  type Estimate,
  returnsOf,
  sharpeOf,
  sharpeOfPeriod,
  sortinoOf
} from "./evaluation/returns.ts"
export {
  type Drawn,
  type Experiment,
  makeTrial,
  SEED_MAX,
  type Smallest,
  type Trial,
  type TrialOptions
} from "./experiment.ts"
export { type Breach, Broken } from "./invariants/breach.ts"
export { History } from "./invariants/history.ts"
export { ask, type Command, tell } from "./kit/command.ts"
export type { Ending, Heard } from "./kit/ending.ts"
export { always, type Invariant, type Says } from "./kit/invariant.ts"
export { SimulationInvalid } from "./kit/options.ts"
export { type Simulated, type SimulateOptions, SimulationFailed, simulate } from "./kit/simulate.ts"
export { ledgerExperiment } from "./ledger/scenario.ts"
export { layerInMemory, makeServer, openPorts, type Ports } from "./log/layer.ts"
export { LogRecording } from "./log/log-recording.ts"
export type { ServerOptions } from "./log/server.ts"
export { CorrelatedMarkets, type CorrelatedOptions } from "./market/correlated.ts"
export { simulatedMarket } from "./market/endless.ts"
export { type Fact, type Facts, factsOf } from "./market/facts.ts"
export {
  type Episode,
  Market,
  type MarketOptions,
  marketBars,
  type SimulatedBar,
  simulatedBars,
  takeBars,
  takeSimulated
} from "./market/market.ts"
export {
  CURRENCY,
  INSTRUMENTS,
  type Instrument,
  type InstrumentName,
  MarketParameters,
  STOCK
} from "./market/parameters.ts"
export { MARTINGALE, REGIMES, type Regime, type RegimeOrMartingale } from "./market/regimes.ts"
export { SAMPLE_SYMBOLS, sampleCsv } from "./sample.ts"
export { Coverage, pairsOf } from "./world/coverage.ts"
export {
  ALL_FAULTS,
  FAULT_KINDS,
  type FaultKind,
  type Faults,
  faultsOf,
  formatFaults,
  NO_FAULTS,
  parseFaults
} from "./world/faults.ts"
export { Prng } from "./world/prng.ts"
export { Process } from "./world/process.ts"
export { type RunOptions, type RunReport, runWorld } from "./world/run.ts"
export { type Client, FaultInjection, type Stage, type WorldScenario } from "./world/scenario.ts"
export { settings, type WorldSetting } from "./world/setting.ts"
export { Timeline } from "./world/timeline.ts"

// The markets that agents are tested on.
import { type Bar, type BarWindow, toWindow, WINDOW_BARS_MAX } from "../protocols/index.ts"
import {
  CURRENCY,
  type Instrument,
  MARTINGALE,
  Prng,
  type Regime,
  type SimulatedBar,
  STOCK,
  takeSimulated
} from "../sim/index.ts"
import { EXPECTATIONS } from "./expectations.ts"

const HOUR_MILLIS = 3_600_000
const START = Date.UTC(2024, 0, 1)
const SEED_MAX = 2 ** 31

export interface Traded {
  readonly symbol: string
  readonly about: string
  readonly instrument: Instrument
  readonly intervalMillis: number
}

/** A share by the day, a currency by the hour, and a share that moves twice as much. */
export const TRADED: ReadonlyArray<Traded> = [
  { symbol: "ACME", about: "a share, by the day", instrument: STOCK, intervalMillis: 24 * HOUR_MILLIS },
  { symbol: "EURUSD", about: "a currency, by the hour", instrument: CURRENCY, intervalMillis: HOUR_MILLIS },
  {
    symbol: "GLOBEX",
    about: "a share that moves twice as much",
    instrument: {
      ...STOCK,
      parameters: { ...STOCK.parameters, dailyVolatility: 2 * STOCK.parameters.dailyVolatility }
    },
    intervalMillis: 24 * HOUR_MILLIS
  }
]

/** One question to all agents. All of a symbol have as many bars, at the same times: what tells them apart is prices and volumes alone. */
export interface Scenario {
  /** The seed of the agent tests that gives it again; its own chance follows from that, the symbol and what it is. */
  readonly seed: number
  readonly symbol: string
  readonly bars: BarWindow
}

export interface RegimeScenario extends Scenario {
  readonly regime: Regime
  /** How far the last close is from the mean of the regime's closes so far, in their standard deviations. */
  readonly distance: number
}

/** A scenario without a right answer: only what comes next is known. */
export interface MartingaleScenario extends Scenario {
  /** The close after the last of the bars. */
  readonly next: number
}

export type Case = RegimeScenario | MartingaleScenario

/** How many bars every question has; before its regime the market goes sideways. */
const WINDOW = WINDOW_BARS_MAX
/** How many questions of the martingale a seed has for each symbol. */
const MARTINGALES = 20

/** The questions of a seed in the order in which they are asked, which is by chance. The same at every call. */
export const casesOf = (seed: number, regimes: ReadonlyArray<Regime>): ReadonlyArray<Case> =>
  shuffled(
    TRADED.flatMap((traded) => [
      ...regimes.map((regime) => regimeScenario(regime, traded, seed)),
      ...Array.from({ length: MARTINGALES }, (_, index) => martingaleScenario(index, traded, seed))
    ]),
    new Prng(seed).split("order")
  )

const regimeScenario = (regime: Regime, traded: Traded, seed: number): RegimeScenario => {
  const { bars } = EXPECTATIONS[regime]
  const script = [
    { regime: "sideways", bars: WINDOW - bars },
    { regime, bars }
  ] as const
  const window = toWindow(barsOf(takeSimulated({ ...optionsOf(traded, seed, regime), regime: script }, WINDOW)))
  return { seed, symbol: traded.symbol, regime, bars: window, distance: distanceOf(window.close.slice(-bars)) }
}

const martingaleScenario = (index: number, traded: Traded, seed: number): MartingaleScenario => {
  const options = { ...optionsOf(traded, seed, `${MARTINGALE} ${index}`), regime: MARTINGALE } as const
  const bars = barsOf(takeSimulated(options, WINDOW + 1))
  return { seed, symbol: traded.symbol, bars: toWindow(bars.slice(0, WINDOW)), next: bars[WINDOW]!.close }
}

/** A market with a chance of its own, so that no question says anything of another. */
const optionsOf = ({ symbol, instrument, intervalMillis }: Traded, seed: number, purpose: string) => ({
  ...{ symbol, instrument, intervalMillis, startTime: START },
  seed: new Prng(seed).split(symbol).split(purpose).below(SEED_MAX)
})

/** R. Durstenfeld 1964. */
const shuffled = <A>(values: ReadonlyArray<A>, prng: Prng): ReadonlyArray<A> => {
  const all = [...values]
  for (let last = all.length - 1; last > 0; last--) {
    const other = prng.below(last + 1)
    ;[all[last], all[other]] = [all[other]!, all[last]!]
  }
  return all
}

const barsOf = (simulated: ReadonlyArray<SimulatedBar>): ReadonlyArray<Bar> => simulated.map(({ bar }) => bar)

const distanceOf = (closes: ReadonlyArray<number>): number => {
  const logs = closes.map(Math.log)
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length
  const size = Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length)
  return size === 0 ? 0 : (logs.at(-1)! - mean) / size
}

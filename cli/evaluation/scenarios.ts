// The markets that agents are tested on.
import { type Bar, type BarWindow, toWindow } from "../../protocols/index.ts"
import {
  CURRENCY,
  type Instrument,
  MARTINGALE,
  type Regime,
  type SimulatedBar,
  STOCK,
  takeSimulated
} from "../../sim/index.ts"
import { EXPECTATIONS } from "./expectations.ts"

const HOUR_MILLIS = 3_600_000
const START = Date.UTC(2024, 0, 1)
/** What comes before a regime, so that it can be told from something. */
const SIDEWAYS_BARS = 100

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

/** One question to all agents. */
export interface Scenario {
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

export const regimeScenario = (
  regime: Regime,
  { symbol, instrument, intervalMillis }: Traded,
  seed: number
): RegimeScenario => {
  const { bars } = EXPECTATIONS[regime]
  const simulated = takeSimulated(
    {
      ...{ seed, symbol, instrument, intervalMillis, startTime: START },
      regime: [
        { regime: "sideways", bars: SIDEWAYS_BARS },
        { regime, bars }
      ]
    },
    SIDEWAYS_BARS + bars
  )
  const window = toWindow(barsOf(simulated))
  return { seed, symbol, regime, bars: window, distance: distanceOf(window.close.slice(-bars)) }
}

/** How many questions a martingale is good for, and how many bars lie between them. */
const [QUESTIONS, STRIDE] = [20, 10]
const WINDOW = 128

export const martingaleScenarios = (
  { symbol, instrument, intervalMillis }: Traded,
  seed: number
): ReadonlyArray<MartingaleScenario> => {
  const options = { seed, symbol, instrument, intervalMillis, startTime: START, regime: MARTINGALE } as const
  const bars = barsOf(takeSimulated(options, WINDOW + QUESTIONS * STRIDE))
  return Array.from({ length: QUESTIONS }, (_, index) => {
    const until = WINDOW + index * STRIDE
    return { seed, symbol, bars: toWindow(bars.slice(0, until)), next: bars[until]!.close }
  })
}

const barsOf = (simulated: ReadonlyArray<SimulatedBar>): ReadonlyArray<Bar> => simulated.map(({ bar }) => bar)

const distanceOf = (closes: ReadonlyArray<number>): number => {
  const logs = closes.map(Math.log)
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length
  const size = Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length)
  return size === 0 ? 0 : (logs.at(-1)! - mean) / size
}

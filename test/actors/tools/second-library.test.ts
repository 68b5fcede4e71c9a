// The indicators against a second library. Where the two define a thing differently, the test says how, and which we
// follow.
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import * as other from "technicalindicators"
import { ema, macd, sma } from "../../../actors/tools/averages.ts"
import { rsi, stochastic, williamsR } from "../../../actors/tools/oscillators.ts"
import { adx, atr, bollinger } from "../../../actors/tools/ranges.ts"
import { parseBars } from "../../../market/index.ts"
import { type Bar, type BarWindow, toWindow } from "../../../protocols/index.ts"
import { barsArbitrary } from "../../support/bars.ts"
import { measured } from "../../support/tools.ts"

/**
 * Both add the same numbers in another order: a billionth of the largest price, or of 100 for an index, is what
 * rounding may cost.
 */
const TOLERANCE = 1e-9
/** The other library rounds its RSI to two digits. */
const RSI_TOLERANCE = 0.005 + 1e-9

const SHARED = join(import.meta.dirname, "../../../../shared/market")
const SAMPLES = join(import.meta.dirname, "../../../samples")

const close = (ours: number, theirs: number | undefined, scale: number, what: string, tolerance = TOLERANCE) => {
  assert.isTrue(theirs !== undefined && Number.isFinite(theirs), `${what}: the other library says ${theirs}`)
  assert.closeTo(ours, theirs!, tolerance * scale, what)
}

const last = <T>(values: ReadonlyArray<T>): T | undefined => values.at(-1)

/** Each window against the other library, with periods of choice. */
const compare = (bars: BarWindow, period: number) => {
  const { high, low, close: values } = bars
  const top = Math.max(...high)
  const range = { high: [...high], low: [...low], close: [...values], period }
  const line = { values: [...values], period }
  close(measured(sma, bars, { period }).fast, last(other.SMA.calculate(line)), top, "sma")
  // Both begin with the simple mean of the first bars.
  close(measured(ema, bars, { period }).fast, last(other.EMA.calculate(line)), top, "ema")
  compareConvergence(bars, top)
  const bands = last(other.BollingerBands.calculate({ ...line, stdDev: 2 }))
  const ours = measured(bollinger, bars, { period })
  // Both take the population's deviation, as Bollinger does. Of squares of tiny deviations half the digits are lost.
  close(ours.middle, bands?.middle, top, "bollinger middle")
  close(ours.lower, bands?.lower, top, "bollinger lower", 1e-7)
  close(ours.upper, bands?.upper, top, "bollinger upper", 1e-7)
  close(measured(rsi, bars, { period }).rsi, last(other.RSI.calculate(line)), 1, "rsi", RSI_TOLERANCE)
  close(measured(atr, bars, { period }).atr, last(other.ATR.calculate(range)), top, "atr")
  close(measured(williamsR, bars, { period }).williams_r, last(other.WilliamsR.calculate(range)), 100, "williams_r")
  compareStochastic(bars, period)
  compareDirections(bars, period)
}

const compareConvergence = ({ close: values, ...rest }: BarWindow, top: number) => {
  const periods = { fastPeriod: 12, slowPeriod: 26, signalPeriod: 9 }
  const averages = { SimpleMAOscillator: false, SimpleMASignal: false }
  const theirs = last(other.MACD.calculate({ values: [...values], ...periods, ...averages }))
  const ours = measured(macd, { close: values, ...rest })
  close(ours.macd, theirs?.MACD, top, "macd")
  close(ours.signal, theirs?.signal, top, "macd signal")
  close(ours.histogram, theirs?.histogram, top, "macd histogram")
}

/** The other library has the fast oscillator: its %K is ours without slowing, its %D our slow %K. */
const compareStochastic = (bars: BarWindow, period: number) => {
  const range = { high: [...bars.high], low: [...bars.low], close: [...bars.close], period }
  const theirs = last(other.Stochastic.calculate({ ...range, signalPeriod: 3 }))
  close(measured(stochastic, bars, { period, slowing: 1, smoothing: 3 }).k, theirs?.k, 100, "fast %K")
  close(measured(stochastic, bars, { period, slowing: 1, smoothing: 3 }).d, theirs?.d, 100, "fast %D")
  close(measured(stochastic, bars, { period, slowing: 3, smoothing: 3 }).k, theirs?.d, 100, "slow %K")
}

const compareDirections = (bars: BarWindow, period: number) => {
  const range = { high: [...bars.high], low: [...bars.low], close: [...bars.close], period }
  const theirs = last(other.ADX.calculate(range))
  const ours = measured(adx, bars, { period })
  close(ours.plus_di, theirs?.pdi, 100, "plus_di")
  close(ours.minus_di, theirs?.mdi, 100, "minus_di")
  // Where neither side moved for a whole period theirs divides by 0 for ever after; ours calls that no trend.
  if (Number.isFinite(theirs?.adx)) close(ours.adx, theirs?.adx, 100, "adx")
}

describe("the indicators say what a second library says", () => {
  it("on random bars", () => {
    const bars = barsArbitrary({ minLength: 60, maxLength: 128, priceMax: 1e6 })
    fc.assert(
      fc.property(bars, fc.integer({ min: 2, max: 28 }), (written, period) => {
        // A range without width is nowhere: the other library divides by 0 there, and ours says the middle.
        fc.pre(written.every((bar) => bar.high > bar.low))
        compare(toWindow(written), period)
      }),
      { numRuns: 60 }
    )
  })

  for (const [folder, name] of [
    [SAMPLES, "ACME.csv"],
    [SAMPLES, "GLOBEX.csv"],
    [SHARED, "AAPL.csv"],
    [SHARED, "GOOG.csv"],
    [SHARED, "EURUSD.csv"]
  ] as const) {
    const file = join(folder, name)
    it.effect.skipIf(!existsSync(file))(`on the bars of ${name}`, () =>
      Effect.gen(function* () {
        const bars = yield* parseBars(readFileSync(file, "utf8"))
        const step = Math.ceil(bars.length / 60)
        for (let end = 128; end <= bars.length; end += step) compare(windowUntil(bars, end), 14)
      })
    )
  }
})

const windowUntil = (bars: ReadonlyArray<Bar>, end: number) => toWindow(bars.slice(end - 128, end))

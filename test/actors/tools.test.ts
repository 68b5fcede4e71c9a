import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import * as tools from "../../actors/tools.ts"
import { type BarWindow, toWindow } from "../../protocols/index.ts"
import { barsArbitrary, dailyBars } from "../support/bars.ts"

const all: ReadonlyArray<tools.Tool<{ readonly [field: string]: number }>> = [
  tools.rsi,
  tools.macd,
  tools.movingAverages,
  tools.bollingerBands,
  tools.averageTrueRange,
  tools.directionalIndex,
  tools.realizedVolatility,
  tools.drawdown
]

const measured = <Value extends { readonly [field: string]: number }>(
  tool: tools.Tool<Value>,
  bars: BarWindow
): Value => {
  const measurement = tool.measure(bars)
  if (measurement._tag !== "Measured") throw new Error(JSON.stringify(measurement))
  return measurement.value
}

const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length
const wavy = dailyBars(Array.from({ length: 128 }, (_, index) => 100 + 10 * Math.sin(index / 7) + index / 5))
const window = toWindow(wavy)
const rising = toWindow(dailyBars(Array.from({ length: 60 }, (_, index) => 100 * 1.01 ** index)))
const falling = toWindow(dailyBars(Array.from({ length: 60 }, (_, index) => 100 * 0.99 ** index)))
const still = toWindow(
  Array.from({ length: 60 }, (_, time) => ({ time, open: 0.1, high: 0.1, low: 0.1, close: 0.1, volume: 0 }))
)

describe("the tools", () => {
  it("measure from their warm-up on, and say how many bars they need before it", () => {
    for (const tool of all) {
      assert.strictEqual(tool.measure(toWindow(wavy.slice(0, tool.needed)))._tag, "Measured", tool.name)
      assert.deepStrictEqual(tool.measure(toWindow(wavy.slice(0, tool.needed - 1))), {
        _tag: "TooFewBars",
        tool: tool.name,
        needed: tool.needed,
        have: tool.needed - 1
      })
    }
  })

  it("never give a number that is not finite, whatever the prices", () => {
    fc.assert(
      fc.property(barsArbitrary({ minLength: 1, maxLength: 128, priceMax: 1.7e308 }), (bars) => {
        for (const tool of all) {
          const measurement = tool.measure(toWindow(bars))
          if (measurement._tag !== "Measured") continue
          for (const [field, value] of Object.entries(measurement.value)) assert.isTrue(Number.isFinite(value), field)
        }
      }),
      { numRuns: 50 }
    )
    const huge = toWindow(dailyBars(Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? 1e300 : 1))))
    assert.deepStrictEqual(tools.bollingerBands.measure(huge), { _tag: "NotFinite", tool: "bollinger_bands" })
  })

  it("measure every window of ordinary prices, and shares of a price do not depend on its unit", () => {
    const bars = barsArbitrary({ minLength: 50, maxLength: 128, priceMax: 1e6 })
    fc.assert(
      fc.property(bars, fc.constantFrom(0.25, 4, 1024), (written, factor) => {
        const scaled = written.map((bar) => ({
          ...bar,
          open: bar.open * factor,
          high: bar.high * factor,
          low: bar.low * factor,
          close: bar.close * factor
        }))
        for (const tool of all) {
          const one = measured(tool, toWindow(written))
          const other = measured(tool, toWindow(scaled))
          const shares = Object.keys(one).filter((field) =>
            /rsi|percent|width|spread|frac|shock|adx|di|relative|ized|current|max/.test(field)
          )
          for (const field of shares)
            assert.closeTo(other[field]!, one[field]!, 1e-6 * Math.max(1, Math.abs(one[field]!)), field)
        }
      }),
      { numRuns: 50 }
    )
  })

  it("agree with their formulas written out", () => {
    const { close, high, low } = window
    const last = close.length - 1
    const twenty = close.slice(-20)
    const deviation = Math.sqrt(mean(twenty.map((price) => (price - mean(twenty)) ** 2)))
    const bands = measured(tools.bollingerBands, window)
    assert.closeTo(bands.middle, mean(twenty), 1e-9)
    assert.closeTo(bands.upper, mean(twenty) + 2 * deviation, 1e-9)
    assert.closeTo(bands.percent_b, (close[last]! - mean(twenty) + 2 * deviation) / (4 * deviation), 1e-9)
    const averages = measured(tools.movingAverages, window)
    assert.closeTo(averages.fast, mean(twenty), 1e-9)
    assert.closeTo(averages.slow, mean(close.slice(-50)), 1e-9)

    const ema = (interval: number, values: ReadonlyArray<number>) => {
      let average = values[0]!
      return values.map((value) => (average += (2 / (interval + 1)) * (value - average)))
    }
    const line = ema(12, close).map((value, index) => value - ema(26, close)[index]!)
    assert.closeTo(measured(tools.macd, window).macd, line.at(-1)!, 1e-9)
    assert.closeTo(measured(tools.macd, window).signal, ema(9, line.slice(25)).at(-1)!, 1e-9)

    const wilder = (values: ReadonlyArray<number>) =>
      values.slice(14).reduce((average, value) => (13 * average + value) / 14, mean(values.slice(0, 14)))
    const moves = close.slice(1).map((price, index) => price - close[index]!)
    const gain = wilder(moves.map((move) => Math.max(0, move)))
    const loss = wilder(moves.map((move) => Math.max(0, -move)))
    assert.closeTo(measured(tools.rsi, window).rsi, 100 - 100 / (1 + gain / loss), 1e-9)
    const ranges = close.map((_, at) =>
      Math.max(
        high[at]! - low[at]!,
        ...(at === 0 ? [] : [high[at]!, low[at]!].map((price) => Math.abs(price - close[at - 1]!)))
      )
    )
    assert.closeTo(measured(tools.averageTrueRange, window).atr, wilder(ranges), 1e-9)

    const returns = close.slice(1).map((price, index) => Math.log(price / close[index]!))
    const volatility = measured(tools.realizedVolatility, window)
    const perBar = Math.sqrt(mean(returns.slice(-20).map((value) => value ** 2)))
    assert.closeTo(volatility.per_bar, perBar, 1e-12)
    assert.closeTo(volatility.annualized, perBar * Math.sqrt(365.25), 1e-9)
    assert.closeTo(volatility.relative, perBar / Math.sqrt(mean(returns.map((value) => value ** 2))), 1e-9)
  })

  it("see a trend where there is one, and none where nothing moves", () => {
    assert.strictEqual(measured(tools.rsi, rising).rsi, 100)
    assert.closeTo(measured(tools.rsi, falling).rsi, 0, 1e-9)
    assert.isAbove(measured(tools.directionalIndex, rising).adx, 90)
    const down = measured(tools.directionalIndex, falling)
    assert.isAbove(down.minus_di, down.plus_di)
    assert.deepStrictEqual(measured(tools.rsi, still), { rsi: 50 })
    assert.deepStrictEqual(measured(tools.directionalIndex, still), { adx: 0, plus_di: 0, minus_di: 0 })
    assert.strictEqual(measured(tools.bollingerBands, still).percent_b, 0.5)
    assert.deepStrictEqual(measured(tools.averageTrueRange, still), { atr: 0, fraction: 0, shock: 0 })
    assert.deepStrictEqual(measured(tools.realizedVolatility, still), {
      per_bar: 0,
      annualized: 0,
      usual: 0,
      relative: 1
    })
  })

  it("find direction again after a stretch that stands still", () => {
    const start = Array.from({ length: 40 }, (_, time) => ({
      time,
      open: 100,
      high: 100,
      low: 100,
      close: 100,
      volume: 0
    }))
    const bars = [...start, ...dailyBars(Array.from({ length: 40 }, (_, index) => 101 * 1.01 ** index))]
    assert.isAbove(measured(tools.directionalIndex, toWindow(bars)).adx, 50)
  })

  it("measure drawdown from the highest close", () => {
    const fall = measured(tools.drawdown, toWindow(dailyBars([100, 80, 120, 60, 90])))
    assert.closeTo(fall.current, 0.25, 1e-12)
    assert.closeTo(fall.maximum, 0.5, 1e-12)
    assert.strictEqual(fall.bars_since_peak, 2)
  })
})

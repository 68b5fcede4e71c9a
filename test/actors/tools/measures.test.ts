import { assert, describe, it } from "@effect/vitest"
import { ema, macd, sma } from "../../../actors/tools/averages.ts"
import { rsi, stochastic, williamsR } from "../../../actors/tools/oscillators.ts"
import { adx, atr, bollinger } from "../../../actors/tools/ranges.ts"
import { regime } from "../../../actors/tools/regime.ts"
import { positionSize } from "../../../actors/tools/risk.ts"
import { drawdown, volatility } from "../../../actors/tools/volatility.ts"
import { toWindow } from "../../../protocols/index.ts"
import { dailyBars } from "../../support/bars.ts"
import { measured } from "../../support/tools.ts"

const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length
const window = toWindow(
  dailyBars(Array.from({ length: 128 }, (_, index) => 100 + 10 * Math.sin(index / 7) + index / 5))
)
const rising = toWindow(dailyBars(Array.from({ length: 70 }, (_, index) => 100 * 1.01 ** index)))
const falling = toWindow(dailyBars(Array.from({ length: 70 }, (_, index) => 100 * 0.99 ** index)))
const flat = (count: number, price: number) =>
  Array.from({ length: count }, (_, index) => ({
    time: Date.UTC(2023, 0, 1 + index),
    open: price,
    high: price,
    low: price,
    close: price,
    volume: 0
  }))
const still = toWindow(flat(70, 0.1))

describe("the measures", () => {
  it("agree with their formulas written out", () => {
    const { close, high, low } = window
    const last = close.length - 1
    const twenty = close.slice(-20)
    const deviation = Math.sqrt(mean(twenty.map((price) => (price - mean(twenty)) ** 2)))
    const bands = measured(bollinger, window)
    assert.closeTo(bands.upper, mean(twenty) + 2 * deviation, 1e-9)
    assert.closeTo(bands.percent_b, (close[last]! - mean(twenty) + 2 * deviation) / (4 * deviation), 1e-9)
    assert.closeTo(bands.bandwidth, (4 * deviation) / mean(twenty), 1e-9)
    assert.closeTo(measured(sma, window).spread, mean(twenty) / mean(close.slice(-50)) - 1, 1e-12)

    const exponential = (length: number, values: ReadonlyArray<number>) => {
      let average = mean(values.slice(0, length))
      return [average, ...values.slice(length).map((value) => (average += (2 / (length + 1)) * (value - average)))]
    }
    assert.closeTo(measured(ema, window).slow, exponential(50, close).at(-1)!, 1e-9)
    const slow = exponential(26, close)
    const line = exponential(12, close)
      .slice(14)
      .map((value, index) => value - slow[index]!)
    assert.closeTo(measured(macd, window).macd, line.at(-1)!, 1e-9)
    assert.closeTo(measured(macd, window).signal, exponential(9, line).at(-1)!, 1e-9)

    const wilder = (values: ReadonlyArray<number>) =>
      values.slice(14).reduce((average, value) => (13 * average + value) / 14, mean(values.slice(0, 14)))
    const moves = close.slice(1).map((price, index) => price - close[index]!)
    const gain = wilder(moves.map((move) => Math.max(0, move)))
    const loss = wilder(moves.map((move) => Math.max(0, -move)))
    assert.closeTo(measured(rsi, window).rsi, 100 - 100 / (1 + gain / loss), 1e-9)
    const ranges = moves.map((_, index) =>
      Math.max(
        high[index + 1]! - low[index + 1]!,
        Math.abs(high[index + 1]! - close[index]!),
        Math.abs(low[index + 1]! - close[index]!)
      )
    )
    assert.closeTo(measured(atr, window).atr, wilder(ranges), 1e-9)
    assert.closeTo(measured(atr, window).shock, ranges.at(-1)! / wilder(ranges), 1e-9)

    const [top, bottom] = [Math.max(...high.slice(-14)), Math.min(...low.slice(-14))]
    assert.closeTo(measured(williamsR, window).williams_r, (-100 * (top - close[last]!)) / (top - bottom), 1e-9)
  })

  it("give volatility per bar, for a year at the window's own pace, and beside the usual", () => {
    const { close, time } = window
    const returns = close.slice(1).map((price, index) => Math.log(price / close[index]!))
    const found = measured(volatility, window)
    const perBar = Math.sqrt(mean(returns.slice(-20).map((value) => value ** 2)))
    assert.closeTo(found.per_bar, perBar, 1e-12)
    assert.closeTo(found.annualized, perBar * Math.sqrt(365.25), 1e-9)
    assert.closeTo(found.relative, perBar / Math.sqrt(mean(returns.map((value) => value ** 2))), 1e-9)
    const hourly = { ...window, time: time.map((_, index) => index * 3_600_000) }
    assert.closeTo(measured(volatility, hourly).annualized, perBar * Math.sqrt(365.25 * 24), 1e-9)
  })

  it("see a trend where there is one", () => {
    assert.strictEqual(measured(rsi, rising).rsi, 100)
    assert.closeTo(measured(rsi, falling).rsi, 0, 1e-9)
    assert.isAbove(measured(stochastic, rising).k, 90)
    assert.isBelow(measured(stochastic, falling).k, 10)
    assert.isAbove(measured(adx, rising).adx, 90)
    const down = measured(adx, falling)
    assert.isAbove(down.minus_di, down.plus_di)
  })

  it("see nothing where nothing moves", () => {
    assert.deepStrictEqual(measured(rsi, still), { rsi: 50 })
    assert.deepStrictEqual(measured(stochastic, still), { k: 50, d: 50 })
    assert.deepStrictEqual(measured(williamsR, still), { williams_r: -50 })
    assert.deepStrictEqual(measured(adx, still), { adx: 0, plus_di: 0, minus_di: 0 })
    assert.strictEqual(measured(bollinger, still).percent_b, 0.5)
    assert.deepStrictEqual(measured(atr, still), { atr: 0, fraction: 0, shock: 0 })
    assert.deepStrictEqual(measured(volatility, still), { per_bar: 0, annualized: 0, usual: 0, relative: 1 })
    assert.strictEqual(measured(regime, still).regime, "low_volatility")
    assert.isTrue(measured(positionSize, still).capped)
  })

  it("have no -0, which JSON has not either", () => {
    const atTheHigh = { ...rising, high: rising.close }
    assert.isTrue(Object.is(measured(williamsR, atTheHigh).williams_r, 0))
  })

  it("find direction again after a stretch that stands still", () => {
    const bars = [...flat(40, 100), ...dailyBars(Array.from({ length: 40 }, (_, index) => 101 * 1.01 ** index))]
    assert.isAbove(measured(adx, toWindow(bars)).adx, 50)
  })

  it("measure drawdown from the highest close, over as many bars as are asked for", () => {
    const bars = toWindow(dailyBars([100, 80, 120, 60, 90]))
    const fall = measured(drawdown, bars)
    assert.closeTo(fall.current, 0.25, 1e-12)
    assert.closeTo(fall.maximum, 0.5, 1e-12)
    assert.strictEqual(fall.bars_since_peak, 2)
    assert.closeTo(measured(drawdown, bars, { period: 2 }).maximum, 0, 1e-12)
    assert.closeTo(measured(drawdown, toWindow(dailyBars([100, 105, 100]))).current, 5 / 105, 1e-12)
  })
})

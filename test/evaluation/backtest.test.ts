import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { type Policy, quantPolicy } from "../../actors/index.ts"
import { BUY_AND_HOLD, EQUAL, LEARNED, type Walk, walkForward } from "../../cli/evaluate/backtest.ts"
import { backtestReport, directionOf } from "../../cli/evaluate/backtest-report.ts"
import { backtestText } from "../../cli/evaluate/backtest-text.ts"
import type { Bar, Decision } from "../../protocols/index.ts"
import { coinTest, MARTINGALE, takeBars } from "../../sim/index.ts"
import { dailyBars, opinionOf } from "../support/bars.ts"

const WARM_UP = 20

/** A policy that says by the number of bars since the warm-up what a script says. */
const scripted =
  (script: ReadonlyArray<Decision>, first: number): Policy =>
  ({ bars }) =>
    Effect.sync(() => {
      const day = Math.round((bars.time.at(-1)! - first) / 86_400_000)
      return opinionOf(script[day - WARM_UP] ?? "HOLD", 0.8)
    })

/** In on one day and out on the next, so that every bar's fill counts. */
const restless: Policy = ({ bars }) =>
  Effect.sync(() => opinionOf(Math.round(bars.time.at(-1)! / 86_400_000) % 2 === 0 ? "BUY" : "SELL", 0.8))

const walk = (bars: ReadonlyArray<Bar>, policy: Policy = quantPolicy, more: object = {}): Walk =>
  walkForward(bars, { symbol: "ACME", policy, warmUp: WARM_UP, ...more })

const of = ({ strategies }: Walk, wanted: string) => strategies.find(({ name }) => name === wanted)!

const moving = (closes: ReadonlyArray<number>) =>
  dailyBars([...Array.from({ length: WARM_UP }, (_, index) => 100 + (index % 2)), ...closes])

describe("a backtest", () => {
  it("fills at the next bar's open, with slippage and fee", () => {
    const bars = moving([100, 110, 120, 130])
    const policy = scripted(["BUY", "HOLD", "SELL", "HOLD"], bars[0]!.time)
    const { equity, fees, traded, fills } = of(walk(bars, policy, { fee: 0.01, slippage: 0.02, size: 0.5 }), LEARNED)
    // Half of 100,000 at 100 is 500 units; bought at 110 and 2%, sold at 130 less 2%.
    const [bought, sold] = [500 * 110 * 1.02, 500 * 130 * 0.98]
    assert.lengthOf(fills, 2)
    assert.closeTo(traded, bought + sold, 1e-6)
    assert.closeTo(fees, 0.01 * (bought + sold), 1e-3)
    assert.closeTo(equity.at(-1)!, 100_000 - bought + sold - fees, 1e-3)
    assert.deepStrictEqual(equity.slice(0, 1), [100_000])
  })

  it("sells short only where it may", () => {
    const bars = moving([100, 100, 80, 80])
    const policy = scripted(["SELL", "HOLD", "HOLD"], bars[0]!.time)
    const free = { fee: 0, slippage: 0, size: 0.5 }
    assert.strictEqual(of(walk(bars, policy, free), LEARNED).equity.at(-1), 100_000)
    assert.strictEqual(of(walk(bars, policy, { ...free, short: true }), LEARNED).equity.at(-1), 110_000)
  })

  it("buys once and holds beside it, and each agent has an account of its own", () => {
    const bars = moving([100, 100, 150])
    const found = walk(bars, scripted([], bars[0]!.time), { fee: 0, slippage: 0, size: 0.5 })
    assert.deepStrictEqual(
      found.strategies.map(({ name }) => name),
      [LEARNED, EQUAL, "market_analyst", "risk_advisor", "strategy_optimizer", BUY_AND_HOLD]
    )
    assert.deepStrictEqual([...of(found, BUY_AND_HOLD).equity], [100_000, 100_000, 125_000])
    assert.deepStrictEqual([...of(found, LEARNED).equity], [100_000, 100_000, 100_000])
  })

  it("counts directions, scores probabilities, and says so in a table", () => {
    const bars = moving([100, 110, 105, 105, 120])
    const found = walk(bars, scripted(["BUY", "BUY", "BUY", "SELL", "BUY"], bars[0]!.time))
    // A price that stood still counts for neither; after the last there is none.
    assert.deepStrictEqual(directionOf(of(found, LEARNED), found), { hits: 1, count: 3 })
    const report = backtestReport(found)
    const learned = report.strategies[0]!
    // Four outcomes: BUY right, wrong, HOLD right, wrong: 0.06 or 2·… of probabilities 0.8, 0.1, 0.1.
    const [right, wrong] = [0.04 + 0.02, 0.64 + 0.81 + 0.01]
    assert.closeTo(learned.brier_score!, (right + 3 * wrong) / 4, 1e-9)
    assert.deepStrictEqual(learned.decisions, { BUY: 4, SELL: 1, HOLD: 0 })
    assert.match(backtestText(report), /learned_weights {2}.*33\.3%/)
  })

  it("knows nothing of the future: whatever it is changed to, what was decided before stays", () => {
    const past = takeBars({ seed: 3, symbol: "ACME", startTime: 0 }, 140)
    const futures = fc.record({ seed: fc.nat(1_000), known: fc.integer({ min: 70, max: 139 }), shuffled: fc.boolean() })
    fc.assert(
      fc.property(futures, ({ seed, known, shuffled }) => {
        for (const policy of [quantPolicy, restless]) {
          const before = walk(past, policy, { warmUp: 60 })
          const after = walk(changed(past, known, seed, shuffled), policy, { warmUp: 60 })
          for (const [index, strategy] of before.strategies.entries()) {
            const other = after.strategies[index]!
            assert.deepStrictEqual(other.said.slice(0, known - 60), strategy.said.slice(0, known - 60))
            assert.deepStrictEqual(other.equity.slice(0, known - 60), strategy.equity.slice(0, known - 60))
          }
        }
      }),
      { numRuns: 5 }
    )
  }, 120_000)

  it("foresees nothing on a martingale: over twenty seeds the direction is a coin's at 1 percent", () => {
    let [hits, count] = [0, 0]
    for (let seed = 100; seed < 120; seed++) {
      const bars = takeBars({ seed, symbol: "SIM", startTime: 0, regime: MARTINGALE }, 260)
      const found = walkForward(bars, { symbol: "SIM", policy: quantPolicy, warmUp: 60 })
      const direction = directionOf(of(found, EQUAL), found)
      hits += direction.hits
      count += direction.count
    }
    assert.isAbove(count, 300)
    assert.isAbove(coinTest(hits, count), 0.01, `${hits} of ${count}`)
  }, 120_000)
})

/** Bars whose first ones are the same and whose others are those of another market, or the same in another order. */
const changed = (bars: ReadonlyArray<Bar>, known: number, seed: number, shuffled: boolean): ReadonlyArray<Bar> => {
  const rest = shuffled
    ? bars.slice(known).toReversed()
    : takeBars({ seed: 10_000 + seed, symbol: "ACME", startTime: 0 }, bars.length).slice(known)
  return [...bars.slice(0, known), ...rest.map((bar, index) => ({ ...bar, time: bars[known + index]!.time }))]
}

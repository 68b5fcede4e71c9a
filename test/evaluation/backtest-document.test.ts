// What a backtest is computed from, and that anybody can compute it again.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { outcomeOf, type Policy, quantPolicy } from "../../actors/index.ts"
import { type BacktestOptions, EquityTooLarge, LEARNED, walkForward } from "../../cli/evaluate/backtest.ts"
import { backtestDocument } from "../../cli/evaluate/backtest-document.ts"
import { backtestReport } from "../../cli/evaluate/backtest-report.ts"
import { fillReason } from "../../cli/evaluate/fills.ts"
import { jsonLines } from "../../cli/evaluate/json-lines.ts"
import { takeBars } from "../../sim/index.ts"
import { dailyBars, opinionOf } from "../support/bars.ts"

const WARM_UP = 20
const always: Policy = () => Effect.succeed(opinionOf("BUY", 0.8))

const documentOf = (closes: ReadonlyArray<number>, more: Partial<BacktestOptions> = {}) => {
  const bars = dailyBars([
    ...Array.from({ length: WARM_UP }, (_, index) => closes[0]! * (1 + 0.01 * (index % 2))),
    ...closes
  ])
  const walk = walkForward(bars, { symbol: "ACME", policy: always, warmUp: WARM_UP, ...more })
  return backtestDocument(walk, backtestReport(walk))
}

describe("the document of a backtest", () => {
  it("has all that its equity, returns and scores are computed from", () => {
    const bars = takeBars({ seed: 8, symbol: "ACME", startTime: 0 }, 300)
    const walk = walkForward(bars, { symbol: "ACME", policy: quantPolicy, warmUp: 60 })
    const found = backtestDocument(walk, backtestReport(walk))
    const { times, opens, closes } = found.prices
    assert.strictEqual(times.length, found.bars)
    for (const { name, total_return, brier_score, fees, fills: count, direction } of found.strategies) {
      const { decisions, probabilities, equity, fills } = found.walked[name]!
      let [cash, held, paid, next] = [found.deposit, 0, 0, 0]
      for (const [index, time] of times.entries()) {
        for (; fills[next]?.time === time; next++) {
          const { price, quantity, fee, decision, decided_at } = fills[next]!
          assert.closeTo(price, opens[index]! * (1 + Math.sign(quantity) * found.costs.slippage), 1e-9)
          assert.strictEqual(decided_at, times[index - 1])
          assert.strictEqual(decision, decisions[index - 1])
          ;[cash, held, paid] = [cash - price * quantity - fee, held + quantity, paid + fee]
          assert.closeTo(fills[next]!.held, held, 1e-9)
        }
        assert.closeTo(equity[index]!, cash + held * closes[index]!, 1e-4)
      }
      assert.strictEqual(next, count)
      assert.closeTo(paid, fees, 1e-4)
      assert.closeTo(equity.at(-1)! / equity[0]! - 1, total_return, 1e-12)
      if (brier_score === null) continue
      const scores = decisions.slice(0, -1).map((_, index) => {
        const outcome = outcomeOf(closes[index]!, closes[index + 1]!, found.threshold)
        return (["BUY", "SELL", "HOLD"] as const).reduce(
          (sum, each) => sum + (probabilities[each][index]! - (each === outcome ? 1 : 0)) ** 2,
          0
        )
      })
      assert.closeTo(scores.reduce((sum, each) => sum + each, 0) / scores.length, brier_score, 1e-9)
      assert.isAtMost(direction.count, decisions.filter((each) => each !== "HOLD").length)
    }
  })

  it("says of what is sold on a BUY that it brought a position back to its size", () => {
    const { fills } = documentOf([100, 100, 160, 160, 40, 40], { size: 0.5 }).walked[LEARNED]!
    const said = fills.map(({ decision, reason, quantity }) => [decision, reason, Math.sign(quantity)])
    assert.deepStrictEqual(said, [
      ["BUY", "enters", 1],
      ["BUY", "reduces", -1],
      ["BUY", "enlarges", 1]
    ])
    assert.deepStrictEqual(
      [
        [0, 5],
        [5, 9],
        [9, 5],
        [5, 0],
        [5, -5],
        [-5, -9],
        [-9, -5]
      ].map(([held, after]) => fillReason(held!, after!)),
      ["enters", "enlarges", "reduces", "exits", "turns", "enlarges", "reduces"]
    )
  })

  it("names orders that came to nothing, and why", () => {
    // It opens so much higher that the account, which does not borrow, cannot pay for it.
    const { fills, unfilled } = documentOf([100, 150, 150], { size: 0.9 }).walked[LEARNED]!
    assert.deepInclude(unfilled[0], { status: "rejected", reason: "cash: it opened higher" })
    assert.isAbove(unfilled[0]!.quantity, 0)
    assert.isArray(fills)
  })

  it("buys parts of what is dear, as accounts do, or in the lots that are given", () => {
    const dear = [60_000, 61_000, 62_000]
    const bought = (more: Partial<BacktestOptions> = {}) => documentOf(dear, more).walked[LEARNED]!.fills[0]?.quantity
    // Nine tenths of 100,000 at 60,000 is 1.5.
    assert.strictEqual(bought(), 1.5)
    assert.strictEqual(bought({ instrument: { lot: 0.4 } }), 1.2)
    assert.strictEqual(bought({ instrument: { lot: 1 } }), 1)
    assert.isUndefined(bought({ instrument: { lot: 2 } }))
    assert.strictEqual(documentOf(dear, { instrument: { tick: 500 } }).walked[LEARNED]!.fills[0]!.price, 61_500)
  })

  it("is refused where an equity could not be counted exactly", () => {
    const rising = [1, 1, 1e4, 1e6]
    assert.throws(
      () => documentOf(rising),
      EquityTooLarge,
      /account of .* is worth more than 9007199254\.74\d+ on 2024-/
    )
    assert.throws(() => documentOf(rising), /exactly up to 2\^53/)
    assert.closeTo(documentOf([1, 1, 1e4]).walked[LEARNED]!.equity.at(-1)!, 100_000 - 90_045 - 45.0225 + 9e8, 1e-6)
  })
})

describe("the lines of a document", () => {
  it("are its JSON, however long its lists are", () => {
    const long = Array.from({ length: 2_500 }, (_, index) => (index % 7 === 0 ? null : index / 3))
    const value = {
      name: "a",
      long,
      rows: [{ x: 1, y: "b" }, { x: 2 }],
      left: undefined,
      none: {},
      empty: [],
      deep: { long }
    }
    const lines = [...jsonLines(value)]
    assert.deepStrictEqual(JSON.parse(lines.join("\n")), JSON.parse(JSON.stringify(value)))
    assert.isAtMost(Math.max(...lines.map(({ length }) => length)), 25_000)
    fc.assert(
      fc.property(fc.jsonValue(), (any) => {
        assert.deepStrictEqual(JSON.parse([...jsonLines(any)].join("\n")), JSON.parse(JSON.stringify(any)))
      })
    )
  })
})

import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import {
  type Allocation,
  type AllocationView,
  allocate,
  drawdownScale,
  type Portfolio,
  toUnits
} from "../../../actors/allocation/allocate.ts"
import { DECISIONS } from "../../../actors/learning/scoring.ts"
import type { RiskLimits } from "../../../protocols/index.ts"
import { fraction } from "../../support/fractions.ts"

const LIMITS: RiskLimits = {
  gross: 1,
  net: 1,
  per_symbol: 0.3,
  per_group: 0.5,
  drawdown: { from: 0.1, to: 0.3 },
  allow_short: true
}

const view = (
  symbol: string,
  decision: AllocationView["decision"],
  strength: number,
  current = 0,
  group = symbol
): AllocationView => ({
  ...{ symbol, decision, strength, current, group }
})

const limit = fc.oneof(fc.constantFrom(0, 0.1, 0.25, 0.5, 1, 2), fraction(0, 3))
const portfolios: fc.Arbitrary<Portfolio> = fc
  .array(
    fc.record({
      decision: fc.constantFrom(...DECISIONS),
      strength: fraction(),
      current: fc.oneof(fc.constant(0), fraction(-1.5, 1.5)),
      group: fc.constantFrom("tech", "banks", "oil")
    }),
    { minLength: 1, maxLength: 12 }
  )
  .chain((views) =>
    fc.record({
      views: fc.constant(views.map((each, index) => ({ ...each, symbol: `S${index}` }))),
      limits: fc.record({
        gross: limit,
        net: limit,
        per_symbol: limit,
        per_group: limit,
        drawdown: fc.constantFrom({ from: 0.1, to: 0.3 }, { from: 0, to: 1 }),
        allow_short: fc.boolean()
      }),
      drawdown: fc.oneof(fc.constant(0), fraction()),
      vetoed: fc.subarray(views.map((_, index) => `S${index}`))
    })
  )

const units = ({ targets }: Allocation) => targets.map(({ target }) => Math.round(target * 1e6))
const sumOf = (values: ReadonlyArray<number>) => values.reduce((sum, each) => sum + each, 0)
const grossOf = (values: ReadonlyArray<number>) => sumOf(values.map(Math.abs))
const targetOf = (allocation: Allocation, symbol: string) =>
  allocation.targets.find((each) => each.symbol === symbol)!.target

describe("an allocation", () => {
  it("keeps every limit, to the last millionth", () => {
    fc.assert(
      fc.property(portfolios, (portfolio) => {
        const { views, limits, drawdown, vetoed } = portfolio
        const allocation = allocate(portfolio)
        const all = units(allocation)
        assert.lengthOf(all, views.length)
        assert.isTrue(
          allocation.targets.every(
            ({ target }, index) => target * 1e6 === all[index] || Math.abs(target * 1e6 - all[index]!) < 1e-6
          )
        )
        assert.isAtMost(grossOf(all), toUnits(limits.gross) * drawdownScale(drawdown, limits.drawdown))
        assert.isAtMost(Math.abs(sumOf(all)), toUnits(limits.net))
        for (const [index, { symbol }] of allocation.targets.entries()) {
          const { current, group, decision } = views.find((each) => each.symbol === symbol)!
          assert.isAtMost(Math.abs(all[index]!), toUnits(limits.per_symbol))
          const together = allocation.targets.filter(
            (each) => views.find((v) => v.symbol === each.symbol)!.group === group
          )
          assert.isAtMost(grossOf(units({ ...allocation, targets: together })), toUnits(limits.per_group))
          if (vetoed.includes(symbol) || decision === "HOLD") {
            assert.isAtMost(Math.abs(all[index]!), Math.abs(toUnits(current)))
            assert.isTrue(all[index] === 0 || Math.sign(all[index]!) === Math.sign(current))
          }
          if (decision === "BUY") assert.isTrue(all[index]! >= 0 || vetoed.includes(symbol))
          if (decision === "SELL") assert.isTrue(all[index]! <= 0 || vetoed.includes(symbol))
        }
        assert.strictEqual(Math.round(allocation.gross * 1e6), grossOf(all))
        assert.strictEqual(Math.round(allocation.net * 1e6), sumOf(all))
      }),
      { numRuns: 3_000 }
    )
  })

  it("does not depend on the order of the symbols", () => {
    const shuffled = portfolios.chain((portfolio) =>
      fc.record({
        portfolio: fc.constant(portfolio),
        views: fc.shuffledSubarray([...portfolio.views], { minLength: portfolio.views.length })
      })
    )
    fc.assert(
      fc.property(shuffled, ({ portfolio, views }) => {
        assert.deepStrictEqual(allocate({ ...portfolio, views }), allocate(portfolio))
      }),
      { numRuns: 500 }
    )
  })

  it("makes no position smaller for a greater budget, nor for a smaller drawdown", () => {
    fc.assert(
      fc.property(portfolios, limit, fraction(), (portfolio, more, drawdown) => {
        const greater = { ...portfolio.limits, gross: Math.min(10, portfolio.limits.gross + more) }
        const before = units(allocate(portfolio))
        const after = [
          units(allocate({ ...portfolio, limits: greater })),
          units(allocate({ ...portfolio, drawdown: Math.min(drawdown, portfolio.drawdown) }))
        ]
        for (const each of after) {
          for (const [index, one] of before.entries()) {
            assert.isAtLeast(Math.abs(each[index]!), Math.abs(one) - before.length)
          }
        }
      }),
      { numRuns: 2_000 }
    )
  })

  it("keeps what is held where that breaks no limit, and lets it count", () => {
    const held = { gross: 0.5, net: 0.5, per_symbol: 0.4, per_group: 0.4 }
    fc.assert(
      fc.property(portfolios, (portfolio) => {
        const views = portfolio.views.map((each) => ({ ...each, current: each.current / 100 }))
        const allocation = allocate({ ...portfolio, views, drawdown: 0, limits: { ...portfolio.limits, ...held } })
        for (const { decision, current, target, limited_by } of allocation.targets) {
          if (decision !== "HOLD") continue
          assert.strictEqual(Math.round(target * 1e6), toUnits(current))
          assert.lengthOf(limited_by, 0)
        }
      })
    )
  })

  it("decides by example", () => {
    const portfolio = { limits: LIMITS, drawdown: 0, vetoed: [] }
    const plain = allocate({
      ...portfolio,
      views: [view("A", "BUY", 0.5), view("B", "SELL", 1), view("C", "HOLD", 0.9, 0.2)]
    })
    assert.deepStrictEqual(
      plain.targets.map(({ symbol, target, limited_by }) => [symbol, target, limited_by]),
      [
        ["A", 0.15, []],
        ["B", -0.3, []],
        ["C", 0.2, []]
      ]
    )
    assert.deepInclude(plain, { budget: 1, gross: 0.65, net: 0.05 })

    const shared = allocate({
      ...portfolio,
      views: ["A", "B", "C", "D"].map((name) => view(name, "BUY", 1)),
      limits: { ...LIMITS, gross: 0.6 }
    })
    assert.deepStrictEqual(
      shared.targets.map(({ target }) => target),
      [0.15, 0.15, 0.15, 0.15]
    )
    assert.deepStrictEqual(shared.targets[0]!.limited_by, ["gross"])

    const kept = allocate({
      ...portfolio,
      views: [view("A", "BUY", 1), view("B", "HOLD", 0, 0.25)],
      limits: { ...LIMITS, gross: 0.4 }
    })
    assert.strictEqual(targetOf(kept, "B"), 0.25)
    assert.strictEqual(targetOf(kept, "A"), 0.15)

    const sector = ["A", "B"].map((name) => view(name, "BUY", 1, 0, "tech"))
    assert.deepStrictEqual(units(allocate({ ...portfolio, views: sector })), [250_000, 250_000])
    const neutral = allocate({
      ...portfolio,
      views: [...sector, view("C", "SELL", 0.5)],
      limits: { ...LIMITS, net: 0 }
    })
    assert.deepStrictEqual(units(neutral), [75_000, 75_000, -150_000])
    const longOnly = allocate({
      ...portfolio,
      views: [view("A", "SELL", 1, 0.2)],
      limits: { ...LIMITS, allow_short: false }
    })
    assert.strictEqual(targetOf(longOnly, "A"), 0)
  })

  it("takes a veto for a wall: no confidence gets over it, and closing is allowed", () => {
    const portfolio = { limits: LIMITS, drawdown: 0, vetoed: ["A"] }
    const underVeto = (decision: AllocationView["decision"], current: number) =>
      allocate({ ...portfolio, views: [view("A", decision, 1, current)] }).targets[0]!
    assert.deepInclude(underVeto("BUY", 0), { target: 0, limited_by: ["veto"] })
    assert.deepInclude(underVeto("BUY", 0.1), { target: 0.1, limited_by: ["veto"] })
    assert.deepInclude(underVeto("SELL", 0.1), { target: 0, limited_by: ["veto"] })
    assert.deepInclude(underVeto("SELL", -0.1), { target: -0.1, limited_by: ["veto"] })
    assert.deepInclude(underVeto("HOLD", 0.1), { target: 0.1, limited_by: [] })
  })

  it("gives up the budget with the drawdown, and everything at its end", () => {
    const scale = [0, 0.1, 0.2, 0.3, 1].map((drawdown) => drawdownScale(drawdown, LIMITS.drawdown))
    for (const [index, expected] of [1, 1, 0.5, 0, 0].entries()) assert.closeTo(scale[index]!, expected, 1e-12)
    const views = [view("A", "BUY", 1), view("B", "HOLD", 0, -0.3)]
    const gone = allocate({ views, limits: LIMITS, drawdown: 0.3, vetoed: [] })
    assert.deepStrictEqual(units(gone), [0, 0])
    assert.isFalse(gone.targets.some(({ target }) => Object.is(target, -0)))
  })
})

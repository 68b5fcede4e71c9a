import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { baseRate, OUTCOME_DEFAULTS, PRIOR } from "../../../actors/learning/base-rate.ts"
import { outcomeOf } from "../../../actors/learning/scoring.ts"
import { forecastOf } from "../../../actors/quant/forecast.ts"
import { quantOpinion } from "../../../actors/quant/opinion.ts"
import { AgentType, type Bar, type Decision, toWindow } from "../../../protocols/index.ts"
import { barsArbitrary, dailyBars } from "../../support/bars.ts"

const DECISIONS = ["BUY", "SELL", "HOLD"] as const
const HOUR = 3_600_000
const rules = fc.record({
  horizonMillis: fc.constantFrom(1, HOUR, 24 * HOUR, 240 * HOUR),
  patienceMillis: fc.constantFrom(0, HOUR, 96 * HOUR),
  threshold: fc.constantFrom(0, 0.005, 0.1, 1e6)
})
const strengths = fc
  .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }))
  .map(([b, s, h]) => {
    const all = b + s + h + 1
    return { BUY: b / all, SELL: s / all, HOLD: (h + 1) / all }
  })

const isPrior = (...of: Parameters<typeof baseRate>) => {
  for (const decision of DECISIONS) assert.closeTo(baseRate(...of)[decision], PRIOR[decision], 1e-12)
}

/** By the same mixture, added up over shares: an eighth of a thousandth apart. */
const upwards = (up: number, moves: number): number => {
  const [steps, of] = [8_000, (share: number) => share ** up * (1 - share) ** (moves - up)]
  const shares = Array.from({ length: steps }, (_, index) => (index + 0.5) / steps)
  const any = shares.reduce((sum, share) => sum + of(share), 0) / steps
  const up1 = shares.reduce((sum, share) => sum + share * of(share), 0) / steps
  const even = 0.5 ** moves
  return (up1 + even / 2) / (any + even)
}

describe("the base rate", () => {
  it("is the share of each outcome on the bars, with a third for neither that counts as 16 of them; moves go up as often as not unless they say otherwise", () => {
    // Nine outcomes: six rises, two falls, one that is neither.
    const bars = toWindow(dailyBars([100, 102, 104, 106, 104, 104.1, 106, 108, 110, 105]))
    const found = baseRate(bars, OUTCOME_DEFAULTS)
    const neither = (1 + 16 / 3) / (9 + 16)
    assert.closeTo(found.BUY, (1 - neither) * upwards(6, 8), 1e-6)
    assert.closeTo(found.SELL, (1 - neither) * (1 - upwards(6, 8)), 1e-6)
    assert.closeTo(found.HOLD, neither, 1e-12)
  })

  it("stays even by chance, and leans where prices do", () => {
    const walk = (ups: number) => {
      let price = 100
      const closes = Array.from({ length: 128 }, (_, index) => {
        price *= (index * ups) % 128 < ups ? 1.01 : 1 / 1.01
        return price
      })
      const { BUY, SELL } = baseRate(toWindow(dailyBars(closes)), OUTCOME_DEFAULTS)
      return BUY / (BUY + SELL)
    }
    assert.closeTo(walk(64), 0.5, 0.01)
    assert.closeTo(walk(70), 0.5, 0.02)
    assert.closeTo(walk(90), 0.7, 0.02)
    assert.isAbove(walk(128), 0.98)
  })

  it("is the prior without a past, a third each: one bar, a horizon longer than the bars, or no price in time", () => {
    isPrior(toWindow(dailyBars([100])), OUTCOME_DEFAULTS)
    const week = toWindow(dailyBars([100, 101, 102]))
    isPrior(week, { ...OUTCOME_DEFAULTS, horizonMillis: 7 * 24 * HOUR })
    const late = { horizonMillis: HOUR, patienceMillis: HOUR, threshold: 0 }
    isPrior(week, late)
  })

  it("counts outcomes that share their prices as the part that is their own", () => {
    const hours = Array.from({ length: 49 }, (_, index) => ({
      ...{ time: index * HOUR, volume: 1 },
      ...{ open: 100 + index, high: 100 + index, low: 100 + index, close: 100 + index }
    }))
    // 25 days' outcomes, all of them rises, of which 24 share their prices: they weigh as much as one and a little.
    const { BUY } = baseRate(toWindow(hours), OUTCOME_DEFAULTS)
    const neither = 16 / 3 / (25 / 24 + 16)
    assert.closeTo(BUY, (1 - neither) * upwards(25 / 24, 25 / 24), 1e-6)
  })

  it("is of the bars given and no others: each outcome is known at the last of them", () => {
    fc.assert(
      fc.property(barsArbitrary({ minLength: 2, maxLength: 40 }), rules, (bars, rule) => {
        const found = baseRate(toWindow(bars), rule)
        const known = bars.flatMap((bar, index) => {
          const at = bars.findIndex(({ time }) => time >= bar.time + rule.horizonMillis)
          const later = bars[at]
          if (later === undefined || later.time > bar.time + rule.horizonMillis + rule.patienceMillis) return []
          return [{ outcome: outcomeOf(bar.close, later.close, rule.threshold), part: 1 / (at - index) }]
        })
        const counted = (decision: Decision) =>
          known.filter(({ outcome }) => outcome === decision).reduce((sum, { part }) => sum + part, 0)
        const moves = counted("BUY") + counted("SELL")
        const neither = (counted("HOLD") + 16 / 3) / (moves + counted("HOLD") + 16)
        assert.closeTo(found.HOLD, neither, 1e-12)
        assert.closeTo(found.BUY, (1 - neither) * upwards(counted("BUY"), moves), 1e-6)
        assert.closeTo(found.BUY + found.SELL + found.HOLD, 1, 1e-12)
      })
    )
  })
})

describe("what rules know of the next price", () => {
  const sumsToOne = (each: { readonly BUY: number; readonly SELL: number; readonly HOLD: number }) =>
    assert.closeTo(each.BUY + each.SELL + each.HOLD, 1, 1e-9)

  it("is the base rate and a fiftieth of the way to their strengths: between 0 and 1, together 1", () => {
    fc.assert(
      fc.property(barsArbitrary({ minLength: 1, maxLength: 60 }), rules, strengths, (bars, rule, strong) => {
        const [base, found] = [baseRate(toWindow(bars), rule), forecastOf(strong, toWindow(bars), rule)]
        sumsToOne(found)
        for (const decision of DECISIONS) {
          assert.isTrue(found[decision] > 0 && found[decision] < 1)
          assert.closeTo(found[decision], 0.98 * base[decision] + 0.02 * strong[decision], 1e-12)
        }
      })
    )
  })

  it("is the confidence of each agent; the decision is what its rules speak for most", () => {
    fc.assert(
      fc.property(
        barsArbitrary({ minLength: 1, maxLength: 128 }),
        fc.constantFrom(...AgentType.literals),
        (bars, type) => {
          const window = toWindow(bars)
          const opinion = quantOpinion(type, { bars: window }, { executionPrefix: "x", now: () => 0 })
          const { decision, confidence, probabilities, strengths: strong } = opinion
          sumsToOne(strong!)
          assert.deepStrictEqual(probabilities, forecastOf(strong!, window, OUTCOME_DEFAULTS))
          assert.strictEqual(confidence, probabilities[decision])
          for (const other of DECISIONS) assert.isAtLeast(strong![decision], strong![other])
        }
      ),
      { numRuns: 50 }
    )
  })

  it("does not make a sure number of three signs that agree: a rising market has a confidence near how often it rises", () => {
    const closes = Array.from({ length: 128 }, (_, index) => 100 * 1.004 ** index * (index % 2 === 0 ? 1.004 : 1))
    const bars: ReadonlyArray<Bar> = dailyBars(closes)
    const found = quantOpinion("market_analyst", { bars: toWindow(bars) }, { executionPrefix: "x", now: () => 0 })
    assert.strictEqual(found.decision, "BUY")
    assert.isAbove(found.strengths!.BUY, 0.8)
    // Every other bar rises by 0.8%; the others stand still.
    assert.closeTo(found.confidence, 0.5, 0.03)
  })
})

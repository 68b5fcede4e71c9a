import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { baseRate, PRIOR } from "../../../actors/learning/base-rate.ts"
import { OUTCOME_DEFAULTS, patienceFor } from "../../../actors/learning/outcome-rule.ts"
import { brierScore, outcomeOf } from "../../../actors/learning/scoring.ts"
import { forecastOf } from "../../../actors/quant/forecast.ts"
import { quantOpinion } from "../../../actors/quant/opinion.ts"
import { skillOf } from "../../../cli/evaluate/skill.ts"
import { type Bar, type Decision, HOUSE_TYPES, toWindow } from "../../../protocols/index.ts"
import { seededRandom } from "../../../runtime/index.ts"
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
    isPrior(toWindow(dailyBars([100, 101])), late)
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
          const patience = patienceFor(rule, toWindow(bars).time)
          if (later === undefined || later.time > bar.time + rule.horizonMillis + patience) return []
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

/** Closes whose moves go up as often as said, of a day each. */
const leaning = (ups: number, count: number, seed: number): ReadonlyArray<number> => {
  const chance = seededRandom(seed)
  let price = 100
  return Array.from({ length: count }, () => {
    const size = 0.02 * chance()
    price *= chance() < ups ? 1 + size : 1 / (1 + size)
    return price
  })
}

/** How much better than the shares of all outcomes before, over years of days; with and without them. */
const skillsOn = (closes: ReadonlyArray<number>) => {
  const bars = dailyBars(closes)
  const [all, own, alone, shares] = [{ BUY: 0, SELL: 0, HOLD: 0 }, [], [], []] as [
    { BUY: number; SELL: number; HOLD: number },
    Array<number>,
    Array<number>,
    Array<number>
  ]
  for (let at = 0; at + 1 < bars.length; at++) {
    const outcome = outcomeOf(closes[at]!, closes[at + 1]!, OUTCOME_DEFAULTS.threshold)
    if (at >= 128) {
      const window = toWindow(bars.slice(at - 127, at + 1))
      const sum = all.BUY + all.SELL + all.HOLD + 3
      const share = { BUY: (all.BUY + 1) / sum, SELL: (all.SELL + 1) / sum, HOLD: (all.HOLD + 1) / sum }
      own.push(brierScore(baseRate(window, OUTCOME_DEFAULTS, all), outcome))
      alone.push(brierScore(baseRate(window, OUTCOME_DEFAULTS), outcome))
      shares.push(brierScore(share, outcome))
    }
    all[outcome]++
  }
  return { known: skillOf(own, shares)!, alone: skillOf(alone, shares)! }
}

describe("the base rate where the past is known", () => {
  it("is as good as the shares of all outcomes where prices lean one way for years, and where they do not", () => {
    for (const [seed, ups] of [0.5, 0.6, 0.6, 0.7].entries()) {
      const { known, alone } = skillsOn(leaning(ups, 2_000, seed + 1))
      assert.isAbove(known.value, -0.003)
      assert.isAbove(known.value + known.margin, -0.0005)
      if (ups > 0.5) assert.isBelow(alone.value, -0.004)
    }
  })

  it("follows the window where that is another market than all before", () => {
    const bars = toWindow(dailyBars(leaning(0.9, 128, 3)))
    const past = { BUY: 900, SELL: 900, HOLD: 600 }
    assert.isAbove(baseRate(bars, OUTCOME_DEFAULTS, past).BUY, 0.55)
    assert.isBelow(baseRate(bars, OUTCOME_DEFAULTS, { ...past, BUY: 40, SELL: 40 }).HOLD, 0.5)
  })

  it("is that of the bars while they are all that is known", () => {
    const bars = toWindow(dailyBars(leaning(0.6, 60, 3)))
    const known = baseRate(bars, OUTCOME_DEFAULTS)
    for (const few of [
      { BUY: 0, SELL: 0, HOLD: 0 },
      { BUY: 20, SELL: 10, HOLD: 10 }
    ]) {
      assert.deepStrictEqual(baseRate(bars, OUTCOME_DEFAULTS, few), known)
    }
  })

  it("is finite and adds up to 1 whatever the past and the horizon", () => {
    const count = fc.oneof(fc.nat(3), fc.nat(1_000_000_000))
    const pasts = fc.record({ BUY: count, SELL: count, HOLD: count })
    fc.assert(
      fc.property(
        barsArbitrary({ minLength: 1, maxLength: 40 }),
        rules,
        pasts,
        fc.boolean(),
        (bars, rule, past, none) => {
          const found = baseRate(toWindow(bars), none ? { ...rule, horizonMillis: 0 } : rule, past)
          for (const decision of DECISIONS) assert.isTrue(found[decision] >= 0 && found[decision] <= 1)
          assert.closeTo(found.BUY + found.SELL + found.HOLD, 1, 1e-12)
        }
      )
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
      fc.property(barsArbitrary({ minLength: 1, maxLength: 128 }), fc.constantFrom(...HOUSE_TYPES), (bars, type) => {
        const window = toWindow(bars)
        const opinion = quantOpinion(type, { bars: window }, { executionPrefix: "x", now: () => 0 })
        const { decision, confidence, probabilities, strengths: strong } = opinion
        sumsToOne(strong!)
        assert.deepStrictEqual(probabilities, forecastOf(strong!, window, OUTCOME_DEFAULTS))
        assert.strictEqual(confidence, probabilities[decision])
        for (const other of DECISIONS) assert.isAtLeast(strong![decision], strong![other])
      }),
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

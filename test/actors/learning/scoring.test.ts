import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import {
  addToBins,
  BINS,
  binOf,
  calibrationCurve,
  calibrationError,
  emptyBins
} from "../../../actors/learning/calibration.ts"
import {
  brierLoss,
  brierScore,
  DECISIONS,
  outcomeOf,
  probabilitiesOf,
  returnOf
} from "../../../actors/learning/scoring.ts"
import { fraction } from "../../support/fractions.ts"

const unit = fraction()
const decision = fc.constantFrom(...DECISIONS)
/** A point of the simplex. */
const probabilities = fc.tuple(unit, unit).map(([x, y]) => {
  const [low, high] = x < y ? [x, y] : [y, x]
  return { BUY: low, SELL: high - low, HOLD: 1 - high }
})

describe("an outcome", () => {
  it("is the decision that the price's move would have made right", () => {
    assert.strictEqual(outcomeOf(100, 101, 0.005), "BUY")
    assert.strictEqual(outcomeOf(100, 99, 0.005), "SELL")
    assert.strictEqual(outcomeOf(100, 100.4, 0.005), "HOLD")
    assert.strictEqual(outcomeOf(128, 129, 1 / 128), "HOLD", "the threshold itself is no move")
    assert.strictEqual(outcomeOf(128, 127, 1 / 128), "HOLD")
    assert.strictEqual(outcomeOf(100, 100, 0), "HOLD")
    assert.strictEqual(returnOf(1e-300, 1e300), Number.MAX_VALUE)
    assert.strictEqual(returnOf(1e300, 1e-300), -1)
  })
})

describe("the Brier score", () => {
  it("is 0 for who is sure and right, 2 for who is sure and wrong, and 2/3 for who knows nothing", () => {
    assert.strictEqual(brierScore({ BUY: 1, SELL: 0, HOLD: 0 }, "BUY"), 0)
    assert.strictEqual(brierScore({ BUY: 1, SELL: 0, HOLD: 0 }, "SELL"), 2)
    assert.closeTo(brierScore({ BUY: 1 / 3, SELL: 1 / 3, HOLD: 1 / 3 }, "HOLD"), 2 / 3, 1e-12)
    assert.closeTo(brierScore({ BUY: 0.6, SELL: 0.3, HOLD: 0.1 }, "SELL"), 0.36 + 0.49 + 0.01, 1e-12)
  })

  it("is proper: in the mean nobody does better than by saying what is so", () => {
    const expected = (said: typeof probabilities extends fc.Arbitrary<infer P> ? P : never, truth: typeof said) =>
      DECISIONS.reduce((sum, each) => sum + truth[each] * brierScore(said, each), 0)
    fc.assert(
      fc.property(probabilities, probabilities, (said, truth) => {
        assert.isAtMost(expected(truth, truth), expected(said, truth) + 1e-12)
      })
    )
  })

  it("gives a loss from 0 to 1, with or without probabilities", () => {
    fc.assert(
      fc.property(decision, unit, fc.option(probabilities, { nil: undefined }), decision, (said, sure, p, outcome) => {
        const forecast = { decision: said, confidence: sure, ...(p === undefined ? {} : { probabilities: p }) }
        const loss = brierLoss(forecast, outcome)
        assert.isTrue(loss >= 0 && loss <= 1)
        const all = probabilitiesOf(forecast)
        assert.closeTo(all.BUY + all.SELL + all.HOLD, 1, 1e-9)
        if (p === undefined) assert.strictEqual(all[said], sure)
      })
    )
  })
})

describe("the calibration curve", () => {
  const votes = fc.array(fc.tuple(unit, fc.boolean()), { maxLength: 200 })
  const filled = (all: ReadonlyArray<readonly [number, boolean]>) =>
    all.reduce((bins, [confidence, correct]) => addToBins(bins, confidence, correct), emptyBins)

  it("has each vote in one bin, that of its confidence", () => {
    fc.assert(
      fc.property(votes, (all) => {
        const bins = filled(all)
        assert.lengthOf(bins, BINS)
        const sum = (pick: (bin: (typeof bins)[number]) => number) => bins.reduce((total, bin) => total + pick(bin), 0)
        assert.strictEqual(
          sum((bin) => bin.count),
          all.length
        )
        assert.strictEqual(
          sum((bin) => bin.correct),
          all.filter(([, correct]) => correct).length
        )
        assert.closeTo(
          sum((bin) => bin.confidence_sum),
          all.reduce((total, [confidence]) => total + confidence, 0),
          1e-9
        )
        for (const { from, to, mean_confidence: mean } of calibrationCurve(bins)) {
          if (mean !== null) assert.isTrue(mean >= from - 1e-9 && mean <= to + 1e-9)
        }
        for (const [confidence] of all) assert.isTrue(binOf(confidence) >= 0 && binOf(confidence) < BINS)
      })
    )
  })

  it("says how far confidence and accuracy are apart", () => {
    assert.isNull(calibrationError(emptyBins))
    const sure = Array.from({ length: 10 }, (_, index) => [0.85, index < 5] as const)
    assert.closeTo(calibrationError(filled(sure))!, 0.35, 1e-9)
    const honest = Array.from({ length: 100 }, (_, index) => [0.25, index % 4 === 0] as const)
    assert.closeTo(calibrationError(filled(honest))!, 0, 1e-9)
    assert.deepInclude(calibrationCurve(filled(honest))[2], { count: 100, accuracy: 0.25, from: 0.2 })
  })
})

import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import {
  addLoss,
  type Comparison,
  emptyComparison,
  interval,
  logEvidence,
  pValue
} from "../../../actors/experiments/sequential.ts"
import type { Arm } from "../../../protocols/index.ts"
import { fraction } from "../../support/fractions.ts"

const ALPHA = 0.1
const outcomes = fc.array(fc.tuple(fc.constantFrom<Arm>("a", "b"), fraction()), { maxLength: 300 })
type Outcomes = ReadonlyArray<readonly [Arm, number]>

const compare = (all: Outcomes, alpha = ALPHA): Comparison =>
  all.reduce((comparison, [arm, loss]) => addLoss(comparison, arm, loss, alpha), emptyComparison)

/** Mulberry32: seeded, so that a run is the same every time. */
const chance = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Streams of losses in [0, 1] without a difference between the arms; hard ones among them. */
const streams: { readonly [name: string]: (random: () => number, at: number) => number } = {
  "even over [0, 1]": (random) => random(),
  "0 or 1": (random) => (random() < 0.5 ? 0 : 1),
  "mostly 0, at times 1": (random) => (random() < 0.02 ? 1 : 0),
  "hardly varying": (random) => 0.4 + random() / 100,
  "rising with time": (random, at) => Math.min(1, random() / 2 + at / 2_000)
}

/** What somebody would do who looks every time whether |z| is above the value for one look. */
const peeksAndRejects = (all: Outcomes): boolean => {
  const sums = { a: [0, 0, 0] as [number, number, number], b: [0, 0, 0] as [number, number, number] }
  for (const [arm, loss] of all) {
    const sum = sums[arm]
    sum[0] += 1
    sum[1] += loss
    sum[2] += loss * loss
    if (Math.min(sums.a[0], sums.b[0]) < 10) continue
    const [one, other] = [sums.a, sums.b].map(([n, total, squares]) => ({ n, mean: total / n, square: squares / n }))
    const variance = (each: typeof one) => (each!.square - each!.mean ** 2) / each!.n
    if (Math.abs(one!.mean - other!.mean) > 1.645 * Math.sqrt(variance(one) + variance(other))) return true
  }
  return false
}

describe("the sequential comparison under no difference, looked at after every outcome", () => {
  const RUNS = 1_000
  const LENGTH = 1_000
  for (const [name, draw] of Object.entries(streams)) {
    it(`names a better arm in no more than alpha of the runs: losses ${name}`, () => {
      let shown = 0
      let strong = 0
      let peeked = 0
      for (let run = 0; run < RUNS; run++) {
        const random = chance(run + 1)
        const all: Outcomes = Array.from({ length: LENGTH }, (_, at) => [random() < 0.5 ? "a" : "b", draw(random, at)])
        const comparison = compare(all)
        if (comparison.shown !== null) shown++
        if (pValue(comparison) <= ALPHA) strong++
        if (run < 100 && peeksAndRejects(all)) peeked++
      }
      // Three standard deviations above alpha, in runs.
      const most = RUNS * ALPHA + 3 * Math.sqrt(RUNS * ALPHA * (1 - ALPHA))
      assert.isAtMost(shown, most)
      assert.strictEqual(strong, shown, "the p-value and the interval say the same")
      // The same streams deceive who looks all the time with a test for one look.
      assert.isAbove(peeked, 100 * ALPHA * 2)
    })
  }

  it("covers a true difference at all times at once", () => {
    let missed = 0
    for (let run = 0; run < 300; run++) {
      const random = chance(run + 77)
      let comparison = emptyComparison
      let inside = true
      for (let at = 0; at < 1_000; at++) {
        const arm = random() < 0.5 ? "a" : "b"
        const loss = random() < (arm === "a" ? 0.6 : 0.3) ? 1 : 0
        comparison = addLoss(comparison, arm, loss, ALPHA)
        const { lower, upper } = interval(comparison, ALPHA)
        inside = inside && lower <= -0.3 && -0.3 <= upper
      }
      if (!inside) missed++
    }
    assert.isAtMost(missed, 300 * ALPHA + 3 * Math.sqrt(300 * ALPHA * (1 - ALPHA)))
  })
})

describe("the sequential comparison with a difference", () => {
  const runOf = (seed: number, length: number): Outcomes => {
    const random = chance(seed)
    return Array.from({ length }, () => {
      const arm = random() < 0.5 ? "a" : "b"
      return [arm, 0.3 + 0.4 * random() + (arm === "a" ? 0.1 : 0)]
    })
  }

  it("finds the better arm, soon, and hardly ever the worse", () => {
    const found = Array.from({ length: 200 }, (_, seed) => compare(runOf(seed, 1_000), 0.05).shown)
    assert.isAtLeast(found.filter((shown) => shown?.arm === "b").length, 190)
    assert.lengthOf(
      found.filter((shown) => shown?.arm === "a"),
      0
    )
    const after = found.flatMap((shown) => shown?.after ?? []).toSorted((a, b) => a - b)
    assert.isBelow(after[Math.floor(after.length / 2)]!, 500)
  })

  it("estimates it ever more closely", () => {
    const widths = [200, 2_000, 20_000].map((length) => {
      const { lower, upper } = interval(compare(runOf(5, length)), ALPHA)
      assert.isTrue(lower < -0.1 && -0.1 < upper)
      return upper - lower
    })
    assert.isTrue(widths[1]! < widths[0]! / 2 && widths[2]! < widths[1]! / 2)
    assert.isBelow(widths[2]!, 0.05)
  })
})

describe("the sequential comparison", () => {
  it("is mirrored when the arms change places", () => {
    fc.assert(
      fc.property(outcomes, (all) => {
        const one = compare(all)
        const other = compare(all.map(([arm, loss]) => [arm === "a" ? "b" : "a", loss]))
        const [left, right] = [interval(one, ALPHA), interval(other, ALPHA)]
        assert.closeTo(right.lower, -left.upper, 1e-9)
        assert.closeTo(right.upper, -left.lower, 1e-9)
        assert.closeTo(logEvidence(other), logEvidence(one), 1e-9)
        assert.closeTo(pValue(other), pValue(one), 1e-9)
      })
    )
  })

  it("has an e-value that reaches 1/alpha just when the interval leaves 0, and a p-value that never grows", () => {
    fc.assert(
      fc.property(outcomes, fc.constantFrom("a", "b"), (all, better) => {
        let comparison = emptyComparison
        let last = 1
        const biased = all.map(([arm, loss]): readonly [Arm, number] => [arm, arm === better ? loss / 4 : 1 - loss / 4])
        for (const [arm, loss] of biased) {
          comparison = addLoss(comparison, arm, loss, ALPHA)
          const { lower, upper } = interval(comparison, ALPHA)
          const evidence = logEvidence(comparison) - Math.log(1 / ALPHA)
          if (Math.abs(evidence) > 1e-9) assert.strictEqual(lower > 0 || upper < 0, evidence > 0)
          assert.isAtMost(pValue(comparison), last)
          last = pValue(comparison)
        }
        if (all.length > 200) assert.strictEqual(comparison.shown?.arm, better)
      })
    )
  })

  const unit = fraction()

  it("is a test martingale: whatever came before, and whatever the loss, a fair coin gains nothing in the mean", () => {
    fc.assert(
      fc.property(outcomes, unit, (all, loss) => {
        const before = compare(all)
        for (const side of [1, -1]) {
          const logOf = (each: Comparison) => side * (each.bet_y_sum - 0.5 * each.bet_sum) - each.penalty_sum
          const [a, b] = (["a", "b"] as const).map((arm) =>
            Math.exp(logOf(addLoss(before, arm, loss, ALPHA)) - logOf(before))
          )
          assert.isAtMost((a! + b!) / 2, 1 + 1e-12)
        }
      }),
      { numRuns: 1_000 }
    )
  })

  it("takes in, in the mean over the coin, just the difference of what the two arms would have lost", () => {
    fc.assert(
      fc.property(outcomes, unit, unit, (all, lossOfA, lossOfB) => {
        const before = compare(all)
        const added = (arm: Arm, loss: number) => addLoss(before, arm, loss, ALPHA).y_sum - before.y_sum
        const mean = (added("a", lossOfA) + added("b", lossOfB)) / 2
        assert.closeTo(4 * (mean - 0.5), lossOfB - lossOfA, 1e-9)
      })
    )
  })

  it("is a dozen numbers after a million outcomes", () => {
    const random = chance(9)
    let comparison = emptyComparison
    for (let at = 0; at < 1_000_000; at++) comparison = addLoss(comparison, random() < 0.5 ? "a" : "b", random(), ALPHA)
    assert.isBelow(JSON.stringify(comparison).length, 400)
    assert.strictEqual(comparison.count, 1_000_000)
  })
})

import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { MARKOV_STATES, markov } from "../../../actors/tools/markov.ts"
import { toWindow } from "../../../protocols/index.ts"
import { barsArbitrary } from "../../support/bars.ts"
import { measured, normals, walkOf } from "../../support/tools.ts"

/** Moves of one size, so that the threshold is beyond doubt: 1 up, -1 down, 0 flat. */
const moving = (moves: ReadonlyArray<number>) => walkOf(moves.map((move) => 0.01 * move))
const repeated = (pattern: ReadonlyArray<number>, count: number) =>
  moving(Array.from({ length: count }, (_, index) => pattern[index % pattern.length]!))

describe("the Markov chain", () => {
  it("counts which state follows which, with half a transition for each before", () => {
    const found = measured(markov, repeated([1, -1], 101))
    assert.deepStrictEqual([found.state, found.transitions], ["up", 100])
    // 50 times a fall after a rise, and 50 times a rise after a fall.
    assert.closeTo(found.matrix.up.down, 50.5 / 51.5, 1e-12)
    assert.closeTo(found.matrix.up.up, 0.5 / 51.5, 1e-12)
    assert.closeTo(found.matrix.flat.up, 1 / 3, 1e-12, "never seen: what the prior says")
    assert.deepStrictEqual(found.next, found.matrix.up)
    const strong = measured(markov, repeated([1, -1], 101), { prior: 10 })
    assert.closeTo(strong.matrix.up.down, 60 / 80, 1e-12)
  })

  it("tests whether the order says anything: 2 Σ n ln(n / expected), by chi-squared", () => {
    const alternating = measured(markov, repeated([1, -1], 101))
    assert.closeTo(alternating.likelihood_ratio, 2 * 100 * Math.log(2), 1e-9)
    assert.strictEqual(alternating.degrees_of_freedom, 1)
    assert.isBelow(alternating.p_value, 1e-20)
    const all = measured(markov, repeated([1, 0, -1], 121))
    assert.strictEqual(all.degrees_of_freedom, 4)
    assert.isBelow(all.p_value, 1e-20)
    const one = measured(markov, repeated([1], 60))
    assert.deepStrictEqual([one.likelihood_ratio, one.degrees_of_freedom, one.p_value], [0, 0, 1])
  })

  it("finds no order in independent bars more often than it should", () => {
    const found = Array.from({ length: 400 }, (_, seed) => {
      const normal = normals(seed)
      return measured(markov, walkOf(Array.from({ length: 127 }, () => 0.01 * normal()))).p_value
    })
    const share = (bound: number) => found.filter((value) => value < bound).length / found.length
    // Four standard errors of a share of 400; the statistic is a little large for counts this small.
    assert.isBelow(share(0.05), 0.1)
    assert.isAbove(share(0.05), 0.01)
    assert.closeTo(share(0.5), 0.5, 0.12)
  })

  it("gives probabilities, and a stationary distribution that the matrix leaves as it is, on any bars", () => {
    fc.assert(
      fc.property(barsArbitrary({ minLength: 42, maxLength: 128 }), (bars) => {
        const { matrix, next, stationary, p_value } = measured(markov, toWindow(bars))
        for (const row of [matrix.down, matrix.flat, matrix.up, next, stationary]) {
          assert.closeTo(row.down + row.flat + row.up, 1, 1e-9)
          assert.isAbove(Math.min(row.down, row.flat, row.up), 0)
        }
        for (const to of MARKOV_STATES) {
          const after = MARKOV_STATES.reduce((sum, from) => sum + stationary[from] * matrix[from][to], 0)
          assert.closeTo(after, stationary[to], 1e-9)
        }
        assert.isTrue(p_value >= 0 && p_value <= 1)
      }),
      { numRuns: 60 }
    )
  })
})

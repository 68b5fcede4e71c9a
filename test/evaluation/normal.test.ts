import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { normalCdf, normalQuantile } from "../../sim/evaluation/normal.ts"
import { coinTest, deflatedSharpe } from "../../sim/index.ts"
import { normals } from "../support/tools.ts"

/** Φ(z) by arithmetic of 40 digits. */
const BELOW: ReadonlyArray<readonly [z: number, below: number]> = [
  [-37, 5.725571222524577e-300],
  [-30, 4.906713927148187e-198],
  [-20, 2.7536241186062337e-89],
  [-12, 1.776482112077679e-33],
  [-8, 6.220960574271784e-16],
  [-5.7, 5.9903714010635345e-9],
  [-5, 2.866515718791939e-7],
  [-3, 0.0013498980316300946],
  [-1.96, 0.024997895148220435],
  [-0.66, 0.25462691467133614],
  [0, 0.5],
  [0.1, 0.539827837277029],
  [0.5, 0.6914624612740131],
  [1, 0.8413447460685429],
  [3, 0.9986501019683699],
  [8, 0.9999999999999993]
]

/** Its inverse. */
const QUANTILES: ReadonlyArray<readonly [p: number, z: number]> = [
  [1e-300, -37.0470962993612],
  [1e-50, -14.933337534788489],
  [1e-10, -6.361340902404057],
  [1e-6, -4.753424308822899],
  [0.25, -0.6744897501960817],
  [0.9, 1.2815515655446006],
  [0.975, 1.9599639845400538],
  [0.999, 3.090232306167813]
]

const closeTo = (found: number, expected: number, relative: number) =>
  assert.isAtMost(Math.abs(found / expected - 1), relative, `${found} ${expected}`)

describe("the normal distribution", () => {
  it("is that of 40 digits to 13, far out as well", () => {
    for (const [z, below] of BELOW) closeTo(normalCdf(z), below, Math.abs(z) <= 5 ? 3e-15 : 2e-13)
    assert.deepStrictEqual([Infinity, -Infinity].map(normalCdf), [1, 0])
    assert.isNaN(normalCdf(Number.NaN))
  })

  it("has the quantiles of 40 digits to 15", () => {
    for (const [p, z] of QUANTILES) closeTo(normalQuantile(p), z, 1e-15)
    assert.deepStrictEqual([0, 0.5, 1].map(normalQuantile), [-Infinity, 0, Infinity])
    assert.isNaN(normalQuantile(1.5))
  })

  it("rises, is even about 0, and its quantiles turn it round", () => {
    const numbers = fc.double({ min: -37, max: 8, noNaN: true })
    fc.assert(
      fc.property(numbers, numbers, (one, other) => {
        const [low, high] = one < other ? [one, other] : [other, one]
        assert.isAtMost(normalCdf(low), normalCdf(high) * (1 + 1e-13))
        assert.closeTo(normalCdf(one) + normalCdf(-one), 1, 1e-15)
        if (one < 0) assert.closeTo(normalQuantile(normalCdf(one)), one, 1e-12 + 1e-13 * Math.abs(one))
      }),
      { numRuns: 1_000 }
    )
  })

  it("tells chances apart that are far out: of coins, and of Sharpe ratios", () => {
    // 2·Φ(−(500 − 0.5)/√500): beyond what one less a double near 1 could say.
    closeTo(coinTest(1_500, 2_000), 2 * normalCdf(-(499.5 / Math.sqrt(500))), 1e-12)
    assert.isAbove(coinTest(1_500, 2_000), 0)
    const normal = normals(9)
    const returns = Array.from({ length: 1_000 }, () => normal() - 0.5)
    const found = deflatedSharpe(returns, [0])!
    assert.isTrue(found > 0 && found < 1e-30, String(found))
  })
})

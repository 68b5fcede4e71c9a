import { assert, describe, it } from "@effect/vitest"
import { quantPolicy } from "../../actors/index.ts"
import { BUY_AND_HOLD, walkForward } from "../../cli/evaluate/backtest.ts"
import { backtestReport } from "../../cli/evaluate/backtest-report.ts"
import { skillOf } from "../../cli/evaluate/skill.ts"
import { MARTINGALE, takeBars } from "../../sim/index.ts"
import { normals } from "../support/tools.ts"

describe("a skill", () => {
  it("is one less the loss over the reference's, with the interval of the mean difference", () => {
    assert.deepStrictEqual(skillOf([1, 1], [2, 2]), { value: 0.5, margin: 0 })
    // Differences of 1 and -1 by turns about a mean of 0: their sum is known far better than that of independent ones.
    const reference = Array.from({ length: 400 }, () => 2)
    const found = skillOf(
      reference.map((loss, index) => loss + (index % 2 === 0 ? 1 : -1)),
      reference
    )!
    assert.closeTo(found.value, 0, 1e-12)
    assert.isBelow(found.margin, (0.5 * 1.96) / Math.sqrt(400) / 2)
    assert.isUndefined(skillOf([], []))
  })

  it("has an interval that holds the true one 95 times in 100, also where differences near in time are alike", () => {
    const normal = normals(11)
    const held = Array.from({ length: 300 }, () => {
      let last = 0
      const own = Array.from({ length: 500 }, () => {
        last = 0.4 * last + normal()
        return 2 - 0.2 + last
      })
      const { value, margin } = skillOf(
        own,
        own.map(() => 2)
      )!
      return Math.abs(value - 0.1) <= margin
    }).filter((each) => each).length
    assert.isAbove(held / 300, 0.88)
    assert.isBelow(held / 300, 0.99)
  })
})

describe("what the quant rules say of the next price", () => {
  it("is on no line worse than the base rate within its interval, and nowhere by more than a hundredth", () => {
    for (const [seed, regime] of [
      [71, MARTINGALE],
      [72, MARTINGALE],
      [73, undefined],
      [74, undefined],
      [75, undefined]
    ] as const) {
      const bars = takeBars({ seed, symbol: "SIM", startTime: 0, ...(regime && { regime }) }, 500)
      const walk = walkForward(bars, { symbol: "SIM", policy: quantPolicy })
      for (const { name, brier_skill, brier_skill_margin } of backtestReport(walk).strategies) {
        if (name === BUY_AND_HOLD) continue
        assert.isAtLeast(brier_skill! + brier_skill_margin!, 0, `${seed} ${name}`)
        assert.isAtLeast(brier_skill!, -0.01, `${seed} ${name}`)
      }
    }
  }, 60_000)
})

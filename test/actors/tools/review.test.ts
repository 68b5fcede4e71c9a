import { assert, describe, it } from "@effect/vitest"
import { tradeReview } from "../../../actors/tools/review.ts"
import { type Decision, type PastDecision, toWindow } from "../../../protocols/index.ts"
import { dailyBars } from "../../support/bars.ts"
import { measured } from "../../support/tools.ts"

const bars = toWindow(dailyBars([100, 110, 121, 110, 100, 90, 99, 99]))

const decided = (at: number, decision: Decision): PastDecision => ({
  consensus_id: "01HNZX8JGFACFA36RBXDHEQN6E",
  bar_time: bars.time[at] ?? 0,
  price: bars.close[at] ?? 1,
  decision,
  confidence: 0.8
})

const review = (past: ReadonlyArray<PastDecision>, parameters: object = { horizon: 1, minimum: 1 }) =>
  measured(tradeReview, bars, parameters, past)

describe("the review of past decisions", () => {
  it("judges each BUY and SELL by the close at the end of its horizon", () => {
    const found = review([decided(0, "BUY"), decided(1, "HOLD"), decided(2, "BUY"), decided(3, "SELL")])
    assert.deepStrictEqual([found.reviewed, found.hits, found.not_judged], [3, 2, 1])
    assert.closeTo(found.hit_rate, 2 / 3, 1e-12)
    assert.closeTo(found.expected_hit_rate, 3 / 5, 1e-12)
    assert.closeTo(found.buy_return!, (0.1 + (110 / 121 - 1)) / 2, 1e-12)
    assert.closeTo(found.sell_return!, 100 / 110 - 1, 1e-12)
    assert.strictEqual(found.last, "SELL")
    assert.strictEqual(review([decided(0, "BUY")], { horizon: 3, minimum: 1 }).hit_rate, 1)
    assert.strictEqual(review([decided(0, "BUY")], { horizon: 5, minimum: 1 }).hit_rate, 0)
  })

  it("counts the last hits or misses in a row, and calls a price that stood still nobody's hit", () => {
    assert.strictEqual(review([decided(2, "BUY"), decided(0, "BUY"), decided(1, "BUY")]).streak, 2)
    assert.strictEqual(review([decided(0, "BUY"), decided(2, "BUY"), decided(3, "BUY")]).streak, -2)
    assert.strictEqual(review([decided(0, "BUY")]).streak, 1)
    assert.strictEqual(review([decided(6, "BUY"), decided(6, "SELL")]).hits, 0)
  })

  it("says what following the decisions made and how deep it fell, each held until the next", () => {
    // In at 100, out at 110; short from 110 to 90; nothing after.
    const found = review([decided(0, "BUY"), decided(1, "HOLD"), decided(3, "SELL"), decided(5, "HOLD")])
    const short = (1 + (1 - 100 / 110)) * (1 + (1 - 90 / 100))
    assert.closeTo(found.followed_return, 1.1 * short - 1, 1e-12)
    assert.closeTo(found.followed_drawdown, 0, 1e-12)
    assert.closeTo(review([decided(2, "BUY")]).followed_drawdown, 1 - 90 / 121, 1e-12)
  })

  it("leaves out what is outside the window or not over, and says when too little is left", () => {
    const outside = { ...decided(0, "BUY"), bar_time: 5 }
    const past = [outside, decided(7, "BUY"), decided(6, "SELL")]
    assert.strictEqual(review([...past, decided(0, "BUY")], { horizon: 2, minimum: 1 }).reviewed, 1)
    assert.throws(() => review(past, { horizon: 2, minimum: 1 }), "trade_review needs 1 past decisions and has 0")
  })
})

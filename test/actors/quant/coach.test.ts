import { assert, describe, it } from "@effect/vitest"
import { quantOpinion } from "../../../actors/quant/opinion.ts"
import { pool } from "../../../actors/quant/scores.ts"
import { type Decision, type PastDecision, toWindow } from "../../../protocols/index.ts"
import { dailyBars } from "../../support/bars.ts"

const rising = toWindow(dailyBars(Array.from({ length: 128 }, (_, index) => 100 * 1.005 ** index)))
const falling = toWindow(dailyBars(Array.from({ length: 128 }, (_, index) => 100 * 0.995 ** index)))
const wavy = toWindow(dailyBars(Array.from({ length: 128 }, (_, index) => 100 + 10 * Math.sin(index / 10))))

const past = (bars: typeof rising, decision: Decision, count: number): ReadonlyArray<PastDecision> =>
  Array.from({ length: count }, (_, index) => {
    const at = 100 + index
    return {
      consensus_id: "01HNZX8JGFACFA36RBXDHEQN6E",
      bar_time: bars.time[at]!,
      price: bars.close[at]!,
      decision,
      confidence: 0.8
    }
  })
const coach = (bars: typeof rising, decisions: ReadonlyArray<PastDecision> = []) =>
  quantOpinion("performance_coach", { bars, past: decisions }, { executionPrefix: "x", now: () => 0 })

describe("the performance coach", () => {
  it("goes by the regime, and says so, while there is too little to learn from", () => {
    const { decision, reasoning, tool_calls } = coach(rising)
    assert.strictEqual(decision, "BUY")
    assert.include(reasoning, "too few past decisions")
    const call = tool_calls.find(({ tool_name }) => tool_name === "trade_review")!
    assert.strictEqual(call.error_message, "trade_review needs 3 past decisions and has 0")
  })

  it("is surer of a side that has been right, and leans against one that has been failing", () => {
    const alone = coach(rising).strengths!
    const right = coach(rising, past(rising, "BUY", 10))
    assert.isAbove(right.strengths!.BUY, alone.BUY)
    assert.include(right.reasoning, "Of 10 decisions 10 were right, and the last 10 hit")
    const wrong = coach(falling, past(falling, "BUY", 10))
    assert.isBelow(wrong.strengths!.BUY, coach(falling).strengths!.BUY)
    assert.include(wrong.reasoning, "leans against BUY")
    const short = coach(rising, past(rising, "SELL", 10))
    assert.isBelow(short.strengths!.SELL, alone.SELL)
  })

  it("leans by HOLD and not by the opposite where the market has no direction", () => {
    const failing = past(wavy, "BUY", 6)
    const said = coach(wavy, failing)
    assert.include(said.reasoning, "leans against BUY")
    assert.strictEqual(said.decision, "HOLD")
    const alone = coach(wavy).strengths!
    assert.isAbove(said.strengths!.HOLD, alone.HOLD)
    assert.isAbove(said.strengths!.HOLD / said.strengths!.SELL, alone.HOLD / alone.SELL)
    // None of six right: one in eight may be expected of the next, so it leans by 0.75, three times of it away from
    // BUY.
    const { BUY, SELL } = said.strengths!
    assert.closeTo(Math.log(SELL / BUY), 0.75 * (3 + 0.5), 1e-9)
  })

  it("waits where following the decisions lost more than a tenth", () => {
    const { HOLD, SELL } = coach(falling, past(falling, "BUY", 15)).strengths!
    // The falling market favours SELL by 1.2 over HOLD's 0.6; one in 17 is expected to be right; half a point for the
    // fall.
    const failing = 1 - 2 / 17
    assert.closeTo(Math.log(HOLD / SELL), 0.6 + failing + 0.5 - (1.2 + 0.5 * failing), 1e-9)
  })

  it("learns more from more", () => {
    const few = coach(falling, past(falling, "BUY", 3)).strengths!.BUY
    const many = coach(falling, past(falling, "BUY", 15)).strengths!.BUY
    assert.isBelow(many, few)
  })
})

describe("the pool of opinions", () => {
  const sure = { BUY: 0.8, SELL: 0.1, HOLD: 0.1 }
  const other = { BUY: 0.2, SELL: 0.5, HOLD: 0.3 }

  it("is the weighted geometric mean, made to add up to 1", () => {
    const found = pool([
      { weight: 3, strengths: sure },
      { weight: 1, strengths: other }
    ])
    const raw = [0.8 ** 0.75 * 0.2 ** 0.25, 0.1 ** 0.75 * 0.5 ** 0.25, 0.1 ** 0.75 * 0.3 ** 0.25]
    const total = raw.reduce((sum, value) => sum + value, 0)
    assert.closeTo(found.BUY, raw[0]! / total, 1e-12)
    assert.closeTo(found.SELL, raw[1]! / total, 1e-12)
    assert.closeTo(found.HOLD, raw[2]! / total, 1e-12)
    assert.deepStrictEqual(pool([]), { BUY: 1 / 3, SELL: 1 / 3, HOLD: 1 / 3 })
  })

  it("is what comprehensive says, of the tools of all", () => {
    const options = { executionPrefix: "x", now: () => 0 }
    const members = ["market_analyst", "risk_advisor", "strategy_optimizer", "performance_coach"] as const
    const alone = members.map((type) => quantOpinion(type, { bars: rising }, options))
    const together = quantOpinion("comprehensive", { bars: rising }, options)
    const expected = pool(alone.map(({ strengths }) => ({ weight: 1, strengths: strengths! })))
    for (const decision of ["BUY", "SELL", "HOLD"] as const) {
      assert.closeTo(together.strengths![decision], expected[decision], 1e-12)
    }
    assert.deepStrictEqual(
      together.tool_calls.map((call) => call.execution_id),
      members.flatMap((member, index) => alone[index]!.tool_calls.map((call) => `x.${member}.${call.tool_name}`))
    )
    assert.match(together.reasoning, /^Pooled from market_analyst BUY 0\.\d\d, risk_advisor /)
  })
})

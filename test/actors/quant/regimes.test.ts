// What the rules do in the kinds of market that they tell apart. The markets are plain walks, and not those of the
// simulator.
import { assert, describe, it } from "@effect/vitest"
import { quantOpinion } from "../../../actors/quant/opinion.ts"
import { type Regime, regime } from "../../../actors/tools/regime.ts"
import { type AgentType, type Decision, HOUSE_TYPES } from "../../../protocols/index.ts"
import { type Market, measured, returnsOf, walkOf } from "../../support/tools.ts"

const SEEDS = Array.from({ length: 150 }, (_, index) => 5_000 + index)
const TYPES = HOUSE_TYPES

/** How often each agent decides one of these. */
const sharesOf = (market: Market, accepted: (type: AgentType) => ReadonlyArray<Decision>) => {
  const windows = SEEDS.map((seed) => walkOf(returnsOf(seed, market)))
  return TYPES.map((type) => {
    const options = { executionPrefix: "x", now: () => 0 }
    const decisions = windows.map((bars) => quantOpinion(type, { bars }, options).decision)
    return [type, decisions.filter((each) => accepted(type).includes(each)).length / SEEDS.length] as const
  })
}

const holds = (market: Market, accepted: (type: AgentType) => ReadonlyArray<Decision>, least: number) => {
  for (const [type, share] of sharesOf(market, accepted)) assert.isAtLeast(share, least, type)
}

/** The direction, or HOLD from those whose task is to be careful. */
const follow = (direction: Decision) => (type: AgentType) =>
  type === "risk_advisor" || type === "performance_coach" ? [direction, "HOLD" as const] : [direction]

describe("the quant rules", () => {
  it("follow a trend", () => {
    holds({ drift: 0.4 }, follow("BUY"), 0.9)
    holds({ drift: -0.4 }, follow("SELL"), 0.9)
  })

  it("follow a breakout", () => {
    holds({ pull: 0.04, end: 1.8 }, follow("BUY"), 0.85)
    holds({ pull: 0.04, end: -1.8 }, follow("SELL"), 0.85)
  })

  it("mostly wait where price goes nowhere, and where it is wild; there they may also reduce", () => {
    const trader = (type: AgentType): ReadonlyArray<Decision> =>
      type === "strategy_optimizer" ? ["HOLD", "BUY", "SELL"] : ["HOLD"]
    holds({ pull: 0.05 }, trader, 0.85)
    holds({ pull: 0.25 }, trader, 0.9)
    holds({ scale: 2.4 }, () => ["HOLD", "SELL"], 0.85)
  })

  it("have the optimizer do as the regime's name says", () => {
    const options = { executionPrefix: "x", now: () => 0 }
    const decided = (market: Market, name: Regime) =>
      SEEDS.map((seed) => walkOf(returnsOf(seed, market)))
        .filter((bars) => measured(regime, bars).regime === name)
        .map((bars) => quantOpinion("strategy_optimizer", { bars }, options).decision)
    const share = (all: ReadonlyArray<Decision>, decision: Decision) =>
      all.filter((each) => each === decision).length / all.length
    assert.isAbove(share(decided({ pull: 0.05 }, "sideways"), "HOLD"), 0.95)
    assert.isAbove(share(decided({ drift: 0.15 }, "trending_bullish"), "BUY"), 0.9)
    assert.isBelow(share(decided({ pull: 0.25 }, "mean_reversion"), "HOLD"), 0.5)
  })

  it("do not take sides on a walk without an edge: as often BUY as SELL, but for who minds the risk", () => {
    const bought = sharesOf({}, () => ["BUY"])
    const sold = sharesOf({}, () => ["SELL"])
    for (const [index, [type, share]] of bought.entries()) {
      assert.isBelow(share, 0.35, type)
      if (type !== "risk_advisor") assert.closeTo(share, sold[index]![1], 0.13, type)
    }
  })
})

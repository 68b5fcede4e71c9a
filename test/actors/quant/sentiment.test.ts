import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { quantOpinion } from "../../../actors/quant/opinion.ts"
import { type ContextItem, HOUSE_TYPES, type HouseType, Opinion, toWindow } from "../../../protocols/index.ts"
import { dailyBars } from "../../support/bars.ts"

const bars = toWindow(dailyBars(Array.from({ length: 100 }, (_, index) => 100 + 3 * Math.sin(index / 7))))
const LAST = bars.time.at(-1)!
const opinion = (type: HouseType, context?: ReadonlyArray<ContextItem>, window = bars) =>
  quantOpinion(
    type,
    { bars: window, ...(context === undefined ? {} : { context }) },
    { executionPrefix: `01HNZX8JGFACFA36RBXDHEQN6E.${type}`, now: () => 0 }
  )
const item = (score?: number, time = LAST): ContextItem => ({
  ...{ kind: "news", source: "wire", time, text: "bankruptcy" },
  ...(score === undefined ? {} : { score })
})
const oddsOf = ({ strengths }: Opinion) => Math.log(strengths!.BUY / strengths!.SELL)
const isOpinion = Schema.is(Opinion)

describe("news and sentiment by the rules", () => {
  it("count by their scores for the analyst and, where they are bad, for who minds the risk; and it says so", () => {
    const [without, bad, good] = [undefined, [item(-1), item(-1)], [item(1)]].map((given) =>
      opinion("market_analyst", given)
    )
    assert.closeTo(oddsOf(bad!) - oddsOf(without!), -2 / 3, 1e-9)
    assert.closeTo(oddsOf(good!) - oddsOf(without!), 1 / 2, 1e-9)
    assert.deepStrictEqual(bad!.metadata.context, { items: 2, used: 2, lean: -2 / 3 })
    assert.include(bad!.reasoning, "2 of 2 items of news and sentiment count by their scores, and make BUY less likely")
    const [calm, warned, glad] = [undefined, [item(-1)], [item(1)]].map((given) => opinion("risk_advisor", given))
    assert.closeTo(oddsOf(warned!) - oddsOf(calm!), -1 / 4, 1e-9)
    assert.deepStrictEqual(glad!.strengths!, calm!.strengths!)
    assert.include(glad!.reasoning, "move nothing")
  })

  it("reach the agent that weighs everything by way of those who use them", () => {
    const [without, bad] = [opinion("comprehensive"), opinion("comprehensive", [item(-1), item(-1)])]
    assert.isBelow(oddsOf(bad), oddsOf(without))
    assert.deepInclude(bad.metadata.context, { items: 2, used: 2 })
  })

  it.each<[string, HouseType, ReadonlyArray<ContextItem>, string]>([
    ["by who goes by prices alone", "strategy_optimizer", [item(-1)], "this agent goes by prices alone"],
    ["where they have no scores", "market_analyst", [item()], "none has a score, and rules read no texts"],
    ["where they are older than the bars", "market_analyst", [item(-1, bars.time[0]! - 1)], "older than the bars"]
  ])("are not used %s, and it says that", (_, type, context, why) => {
    const [without, given] = [opinion(type), opinion(type, context)]
    assert.deepStrictEqual(given.strengths!, without.strengths!)
    assert.match(given.reasoning, /Not used: 1 item of news and sentiment, since /)
    assert.include(given.reasoning, why)
    assert.deepInclude(given.metadata.context, { items: 1, used: 0 })
  })

  it("make no view of none", () => {
    const few = toWindow(dailyBars([100, 101]))
    const { strengths, metadata } = opinion("market_analyst", [item(-1)], few)
    assert.closeTo(strengths!.BUY, 1 / 3, 1e-12)
    assert.deepInclude(metadata.context, { used: 0 })
  })

  it("as a law: without any, nothing is changed and nothing said; with any, the odds move by no more than e", () => {
    const items = fc.array(fc.option(fc.double({ min: -1, max: 1, noNaN: true }), { nil: undefined }), {
      maxLength: 32
    })
    fc.assert(
      fc.property(fc.constantFrom(...HOUSE_TYPES), items, (type, scores) => {
        const without = opinion(type)
        assert.deepStrictEqual(opinion(type, []), without)
        assert.isUndefined(without.metadata.context)
        const given = opinion(
          type,
          scores.map((score) => item(score))
        )
        assert.isTrue(isOpinion(given))
        assert.isAtMost(Math.abs(oddsOf(given) - oddsOf(without)), 1 + 1e-9)
        assert.strictEqual(given.metadata.context === undefined, scores.length === 0)
      }),
      { numRuns: 40 }
    )
  })
})

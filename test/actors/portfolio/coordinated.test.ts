import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { allActors, quantPolicy } from "../../../actors/index.ts"
import {
  CoordinatorProtocol,
  OrderUpdate,
  PortfolioProtocol,
  PortfolioUpdate,
  PortfolioView,
  toWindow
} from "../../../protocols/index.ts"
import { takeBars } from "../../../sim/index.ts"
import { Decider } from "../../support/decider.ts"

describe("an account that follows a coordinator", () => {
  it("trades by its final decisions at the open of the next bar, and not by those on bars of a request's own", () => {
    const world = new Decider(allActors({ policy: quantPolicy, accounts: ["main"] }))
    const view = (account: string) =>
      Schema.decodeUnknownSync(PortfolioView)(world.ask(PortfolioProtocol, account, "GetPortfolio", {})?.body)
    const bars = takeBars({ seed: 3, symbol: "ACME", startTime: 0, regime: "trending_bullish" }, 80)
    for (const bar of bars) {
      world.ask(CoordinatorProtocol, "ACME", "Bar", { bar })
      world.runActivities()
    }
    const { positions, counts } = view("main")
    assert.isAtLeast(counts.fills, 1)
    assert.isAbove(positions[0]!.quantity, 0)
    assert.strictEqual(positions[0]!.price, bars.at(-1)!.close)
    const update = Schema.decodeUnknownSync(PortfolioUpdate)(world.seen("portfolio.main").at(-1))
    assert.deepStrictEqual(update.amounts, {
      ...{ cash: update.cash / 1e6, equity: update.equity / 1e6 },
      ...{ realized: update.realized / 1e6, fees: update.fees / 1e6 }
    })
    const filled = world.seen("order.main.ACME").map((data) => Schema.decodeUnknownSync(OrderUpdate)(data))
    for (const { fee, amounts } of filled) assert.strictEqual(amounts?.fee ?? null, fee === null ? null : fee / 1e6)
    const foreign = takeBars({ seed: 8, symbol: "ACME", startTime: 0, regime: "trending_bullish" }, 128)
    world.ask(CoordinatorProtocol, "GLOBEX", "Analyze", { correlation_id: "c1", bars: toWindow(foreign) })
    world.runActivities()
    assert.notInclude(
      view("main").positions.map(({ symbol }) => symbol),
      "GLOBEX"
    )
    const other = world.ask(PortfolioProtocol, "other", "GetPortfolio", {})
    assert.deepStrictEqual(other?.body, { _tag: "UnknownAccount", account: "other" }, "nobody told it")
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { allActors } from "../../../actors/index.ts"
import {
  AllocationProtocol,
  type AllocationRequest,
  AllocationResult,
  CoordinatorProtocol
} from "../../../protocols/index.ts"
import { opinionOf } from "../../support/bars.ts"
import { Decider } from "../../support/decider.ts"
import { OPTIONS, prices } from "../../support/panel.ts"

const SYMBOLS = ["AAPL", "MSFT", "XOM"] as const
const REQUEST: AllocationRequest = {
  correlation_id: "c1",
  holdings: [
    { symbol: "AAPL", group: "tech", current: 0.1 },
    { symbol: "MSFT", group: "tech", current: 0.1 },
    { symbol: "XOM", group: "oil", current: 0.1 }
  ],
  limits: { gross: 1, net: 1, per_symbol: 0.3, per_group: 0.4, drawdown: { from: 0.1, to: 0.3 }, allow_short: true },
  drawdown: 0,
  vetoed: [],
  timeout_ms: 10_000
}

/** Coordinators of some symbols, which know a bar and have decided on it, and the allocation that asks them. */
const openPortfolio = (known: ReadonlyArray<string> = SYMBOLS) => {
  const policy = ({ symbol }: { readonly symbol: string }) =>
    Effect.succeed(opinionOf(symbol === "XOM" ? "SELL" : "BUY", 0.9))
  const world = new Decider(allActors({ policy, ...OPTIONS }))
  for (const symbol of known) world.ask(CoordinatorProtocol, symbol, "Bar", { bar: prices[0]! })
  world.runActivities()
  const result = () => {
    const answer = world.answers.get("asker")
    return answer === undefined ? undefined : Schema.decodeUnknownSync(AllocationResult)(answer.body)
  }
  const allocate = (request = REQUEST) => world.ask(AllocationProtocol, "p1", "Allocate", { request }, "asker")
  const status = (symbol: string) => world.ask(CoordinatorProtocol, symbol, "GetStatus", {})?.body
  return { world, allocate, result, status }
}

describe("one decision over the symbols' coordinators", () => {
  it("has a round held on each symbol, and answers once with targets that keep the limits", () => {
    const { world, allocate, result } = openPortfolio()
    assert.isUndefined(allocate())
    world.runActivities()
    assert.deepInclude(result(), { closed_by: "all_decisions", missing: [] })
    assert.deepStrictEqual(
      result()!.targets.map(({ symbol, decision, target }) => [symbol, decision, target]),
      [
        ["AAPL", "BUY", 0.2],
        ["MSFT", "BUY", 0.2],
        ["XOM", "SELL", -0.27]
      ]
    )
    assert.strictEqual(new Set(result()!.decisions.map(({ consensus_id }) => consensus_id)).size, 3)
    assert.lengthOf(world.seen("coordination.allocation.p1"), 1)
  })

  it("holds a symbol that has no bars, without waiting for it", () => {
    const { world, allocate, result } = openPortfolio(["AAPL", "XOM"])
    allocate()
    world.runActivities()
    assert.deepInclude(result(), { closed_by: "all_answers", missing_because: { MSFT: "NoMarketData" } })
    assert.deepInclude(result()!.targets[1], { symbol: "MSFT", decision: "HOLD", target: 0.1 })
  })

  it("hears what a slow symbol's round comes to before its own time is over", () => {
    const { world, allocate, result } = openPortfolio()
    allocate({ ...REQUEST, timeout_ms: 4_000 })
    for (const { owner, key } of [...world.activities.values()]) {
      if (owner.id !== "XOM") world.succeed(`${owner.type}/${owner.id}`, key, opinionOf("BUY", 0.9))
    }
    world.advance(3_200)
    assert.deepInclude(result(), { closed_by: "all_decisions", missing: [] })
    assert.deepInclude(result()!.decisions[2], { symbol: "XOM", decision: "HOLD", confidence: 0 })
  })

  it("is told when its symbol's analysis is cancelled, or waits too long, or cannot wait at all", () => {
    const { world, allocate, result } = openPortfolio()
    const ask = (symbol: string, correlation_id: string) =>
      world.ask(CoordinatorProtocol, symbol, "Analyze", { correlation_id }, `${symbol}-${correlation_id}`)
    ask("MSFT", "before")
    for (let index = 0; index < 17; index++) ask("XOM", `before${index}`)
    allocate({ ...REQUEST, timeout_ms: 5_000 })
    world.ask(CoordinatorProtocol, "AAPL", "CancelAnalysis", { correlation_id: "c1", reason: "" })
    world.advance(4_000)
    assert.deepInclude(result(), {
      missing_because: { AAPL: "AnalysisCancelled", MSFT: "DeadlinePassed", XOM: "CoordinatorBusy" }
    })
  })
})

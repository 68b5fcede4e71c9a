import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { allocationActor } from "../../../actors/allocation/allocation.ts"
import {
  AllocationProtocol,
  type AllocationRequest,
  AllocationResult,
  type SymbolDecision
} from "../../../protocols/index.ts"
import { define, persist, send } from "../../../runtime/index.ts"
import { Decider } from "../../support/decider.ts"

const SYMBOLS = ["AAPL", "MSFT", "XOM"] as const
const ROUND = "01HNZX8JGFACFA36RBXDHEQN6E"
const REQUEST: AllocationRequest = {
  correlation_id: "c1",
  holdings: [
    { symbol: "AAPL", group: "tech", current: 0.1 },
    { symbol: "MSFT", group: "tech", current: 0 },
    { symbol: "XOM", group: "oil", current: 0 }
  ],
  limits: {
    ...{ gross: 1, net: 1, per_symbol: 0.3, per_group: 0.4 },
    drawdown: { from: 0.1, to: 0.3 },
    allow_short: true
  },
  drawdown: 0,
  vetoed: [],
  timeout_ms: 5000
}

const says = (symbol: string, decision: SymbolDecision["decision"] = "BUY", confidence = 1): SymbolDecision => ({
  ...{ symbol, decision, confidence, consensus_id: ROUND }
})

const open = (request = REQUEST) => {
  const world = new Decider([allocationActor()])
  world.ask(AllocationProtocol, "p1", "Allocate", { request }, "asker")
  return {
    world,
    tell: (decision: SymbolDecision) => world.ask(AllocationProtocol, "p1", "SymbolDecided", decision),
    result: () => {
      const answer = world.answers.get("asker")
      return answer === undefined ? undefined : Schema.decodeUnknownSync(AllocationResult)(answer.body)
    },
    tags: () => world.journal("allocation/p1").map((event) => event._tag)
  }
}

describe("the targets of an allocation", () => {
  it("are told to a client where they are its own, or the house's and it may see their events", () => {
    const { world } = open()
    const ask = (id: string, asked: { readonly by?: string; readonly sees?: boolean }) =>
      world.ask(AllocationProtocol, id, "GetResult", asked)
    assert.deepInclude(ask("p1", { by: "ada", sees: false })?.body, { _tag: "UnknownAllocation", unseen: true })
    assert.deepInclude(ask("p1", { by: "ada" })?.body, { _tag: "UnknownAllocation", unseen: true })
    for (const asked of [{ by: "ada", sees: true }, {}]) assert.strictEqual(ask("p1", asked)?.outcome, "ok")
    const client = { subject: "ada", trades: false }
    world.ask(AllocationProtocol, "p2", "Allocate", { request: { ...REQUEST, client } }, "own")
    assert.strictEqual(ask("p2", { by: "ada", sees: false })?.outcome, "ok")
    assert.deepStrictEqual(ask("p2", { by: "bob", sees: true })?.body, { _tag: "UnknownAllocation", id: "p2" })
  })
})

describe("a portfolio's round", () => {
  it("decides when all symbols have, answers, and tells the world", () => {
    const { world, tell, result } = open()
    tell(says("XOM", "SELL", 0.5))
    tell(says("AAPL"))
    assert.isUndefined(result())
    assert.deepStrictEqual(world.ask(AllocationProtocol, "p1", "GetResult", {}), { outcome: "ok", body: null })
    tell(says("MSFT"))
    assert.deepInclude(result(), { closed_by: "all_decisions", missing: [], correlation_id: "c1" })
    assert.deepStrictEqual(
      result()!.targets.map(({ symbol, target }) => [symbol, target]),
      [
        ["AAPL", 0.2],
        ["MSFT", 0.2],
        ["XOM", -0.15]
      ]
    )
    assert.strictEqual(world.timers.size, 0)
    assert.deepInclude(world.seen("coordination.allocation.p1")[0], {
      message_type: "allocation",
      payload: result(),
      sender_agent_id: "allocation_p1"
    })
  })

  it("holds what it does not hear of by its deadline, and names it", () => {
    const { world, tell, result, tags } = open()
    tell(says("MSFT"))
    world.advance(4999)
    assert.isUndefined(result())
    world.advance(1)
    assert.deepInclude(result(), {
      closed_by: "deadline",
      missing: ["AAPL", "XOM"],
      missing_because: { AAPL: "deadline", XOM: "deadline" }
    })
    assert.deepInclude(result()!.targets[0], { symbol: "AAPL", decision: "HOLD", target: 0.1, limited_by: [] })
    assert.deepInclude(result()!.targets[1], { symbol: "MSFT", target: 0.3 })
    tell(says("AAPL"))
    world.ask(AllocationProtocol, "p1", "Deadline", {})
    assert.deepStrictEqual(tags(), ["Asked", "Heard", "Decided"])
  })

  it("decides once, with one result for the same words in any order; only first words of its own symbols count", () => {
    const word = fc.record({
      symbol: fc.constantFrom(...SYMBOLS, "OTHER"),
      decision: fc.constantFrom("BUY" as const, "SELL" as const, "HOLD" as const),
      confidence: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10)
    })
    const stories = fc.array(word, { maxLength: 8 }).chain((words) => {
      const first = words.filter((each, at) => words.findIndex(({ symbol }) => symbol === each.symbol) === at)
      return fc.tuple(fc.constant(words), fc.shuffledSubarray(first, { minLength: first.length }))
    })
    fc.assert(
      fc.property(stories, (orders) => {
        const [one, other] = orders.map((words) => {
          const { world, tell, result, tags } = open()
          for (const { symbol, decision, confidence } of words) tell(says(symbol, decision, confidence))
          world.advance(5000)
          assert.lengthOf(
            tags().filter((tag) => tag === "Decided"),
            1
          )
          assert.lengthOf(world.seen("coordination.allocation.p1"), 1)
          const { closed_at: _, ...rest } = result()!
          return rest
        })
        assert.deepStrictEqual(other, one)
      })
    )
  })

  it("gives a second asker the result that is there, and refuses while there is none", () => {
    const { world, result } = open()
    const again = () => world.ask(AllocationProtocol, "p1", "Allocate", { request: { ...REQUEST, drawdown: 1 } })
    assert.deepStrictEqual(again(), { outcome: "error", body: { _tag: "AllocationOpen", id: "p1" } })
    world.advance(5000)
    assert.deepStrictEqual(again(), { outcome: "ok", body: result() })
    assert.deepInclude(world.ask(AllocationProtocol, "p2", "GetResult", {})?.body, { _tag: "UnknownAllocation" })
  })

  it("does not wait for a symbol of which no decision comes: it is held, and named with the reason", () => {
    const { world, tell, result, tags } = open()
    const missing = (symbol: string, reason: string) =>
      world.ask(AllocationProtocol, "p1", "SymbolMissing", { symbol, reason })
    tell(says("AAPL"))
    missing("AAPL", "CoordinatorBusy")
    missing("XOM", "NoMarketData")
    tell(says("XOM"))
    assert.isUndefined(result())
    tell(says("MSFT"))
    assert.deepInclude(result(), {
      closed_by: "all_answers",
      missing: ["XOM"],
      missing_because: { XOM: "NoMarketData" }
    })
    assert.deepInclude(result()!.targets[2], { symbol: "XOM", decision: "HOLD", target: 0 })
    assert.deepStrictEqual(tags(), ["Asked", "Heard", "Missed", "Heard", "Decided"])
    assert.strictEqual(world.timers.size, 0)
  })

  it("asks the coordinator of each symbol, where it is told how", () => {
    const Desk = {
      type: "desk",
      messages: { Wanted: { payload: Schema.Struct({ allocation: Schema.String, correlation: Schema.String }) } }
    } as const
    const desk = define({
      protocol: Desk,
      state: Schema.Null,
      initial: () => null,
      events: { Heard: { allocation: Schema.String } },
      decide: {
        Wanted: (_, { allocation }, { self }) => [
          persist({ _tag: "Heard", allocation } as const),
          send(AllocationProtocol, allocation, "SymbolDecided", says(self.id))
        ]
      },
      evolve: { Heard: () => null }
    })
    const asking = allocationActor({
      ask: ({ symbol, allocation, correlationId }) =>
        send(Desk, symbol, "Wanted", { allocation, correlation: correlationId })
    })
    const world = new Decider([asking, desk])
    const answer = world.ask(AllocationProtocol, "p1", "Allocate", { request: REQUEST })
    assert.strictEqual(answer?.outcome, "ok")
    for (const symbol of SYMBOLS) assert.lengthOf(world.journal(`desk/${symbol}`), 1)
  })

  it("refuses a request that is none, naming what is wrong", () => {
    const refused = (request: AllocationRequest, rule: RegExp) => assert.throws(() => open(request), rule)
    const [first] = REQUEST.holdings
    refused({ ...REQUEST, holdings: [first, first] }, /a symbol is named twice/)
    refused({ ...REQUEST, timeout_ms: 0 }, /timeout_ms/)
    refused({ ...REQUEST, limits: { ...REQUEST.limits, gross: 11 } }, /from 0 to 10 times equity/)
    refused({ ...REQUEST, limits: { ...REQUEST.limits, drawdown: { from: 0.3, to: 0.3 } } }, /must be below/)
  })
})

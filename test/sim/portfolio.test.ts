import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { portfolioActor } from "../../actors/index.ts"
import { PortfolioProtocol } from "../../protocols/index.ts"
import { always, ask, type Command, simulate, tell } from "../../sim/index.ts"

const account = portfolioActor({ deposit: 10_000 })
const START = Date.UTC(2024, 0, 1)
const HOUR = 3_600_000

const symbol = fc.constantFrom("ACME", "GLOBEX")
const hour = fc.integer({ min: 1, max: 40 })
const price = fc.integer({ min: 50, max: 200 })

const commands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(symbol, hour, price, price)
      .map(([name, at, open, close]) =>
        tell(PortfolioProtocol, "main", "Price", { symbol: name, time: START + at * HOUR, open, close })
      )
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(symbol, hour, price, fc.constantFrom("BUY" as const, "BUY" as const, "SELL" as const), fc.nat({ max: 30 }))
      .map(([name, at, close, decision, id]) =>
        tell(PortfolioProtocol, "main", "Decided", {
          ...{ consensus_id: String(id).padStart(26, "0"), symbol: name, decision, confidence: 0.9 },
          ...{ bar_time: START + at * HOUR, price: close }
        })
      )
  },
  { weight: 1, arbitrary: fc.constant(ask(PortfolioProtocol, "main", "Flatten", { reason: "enough" })) },
  { weight: 2, arbitrary: fc.constant(ask(PortfolioProtocol, "main", "ResumeEntries", {})) },
  { weight: 1, arbitrary: fc.constant(ask(PortfolioProtocol, "main", "GetPortfolio", {})) }
)

describe("an account under faults", () => {
  it("neither makes nor loses money, and gives every order one end, once", () => {
    let fills = 0
    const { runs } = simulate({
      actors: [account],
      commands,
      always: [
        always(account, "cash is what was paid in, earned and not spent", ({ book }) => {
          const costs = Object.values(book.positions).reduce((sum, { cost }) => sum + cost, 0)
          return book.cash === book.deposited + book.realized - book.fees - costs
        }),
        always(account, "it holds nothing that it sold short", ({ book }) =>
          Object.values(book.positions).every(({ quantity }) => quantity > 0)
        ),
        always(account, "one order a symbol", ({ orders }) => {
          const symbols = orders.map(({ order }) => order.symbol)
          return new Set(symbols).size === symbols.length
        })
      ],
      laws: {
        "an order has one end, and money moves with it": (ending) => {
          for (const [, steps] of ending.journals(account)) {
            const events = steps.flatMap(({ events: stored = [] }) => stored)
            const idsOf = (tag: string) =>
              events.filter(({ _tag }) => _tag === tag).map(({ data }) => String(Object(data).order_id))
            const ends = [...idsOf("OrderFilled"), ...idsOf("OrderEnded")]
            fills += idsOf("OrderFilled").length
            if (new Set(ends).size !== ends.length) return `an order ended twice: ${ends}`
            const taken = events
              .filter(({ _tag }) => _tag === "DecisionTaken")
              .map(({ data }) => Object(data).consensus_id)
            if (new Set(taken).size !== taken.length) return `a decision was taken twice: ${taken}`
          }
          return true
        },
        "nothing stays on its way to the adapter": (ending) =>
          [...ending.states(account).values()].every(({ orders }) => orders.every(({ status }) => status !== "placing"))
      },
      runs: 80
    })
    assert.strictEqual(runs, 80)
    assert.isAbove(fills, 20, "money moved")
  })
})

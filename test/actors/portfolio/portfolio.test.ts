import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { OrderError } from "../../../actors/portfolio/adapter.ts"
import { portfolioView } from "../../../actors/portfolio/announcements.ts"
import { MICROS } from "../../../actors/portfolio/book.ts"
import type { AccountRules } from "../../../actors/portfolio/limits.ts"
import type { Decision } from "../../../protocols/index.ts"
import { idOf, openAccount } from "../../support/trading-account.ts"

describe("an account", () => {
  it("buys at the next bar's open, worse by the slippage, less the fee, and earns what the price does", () => {
    const account = openAccount({ rules: { fee: 0.001, slippage: 0.01 } })
    account.bar(100)
    account.decide("BUY", 0.8)
    assert.deepStrictEqual(account.view().positions, [], "not before the next bar")
    account.bar(110, 120)
    const { positions, cash, fees, equity } = account.view()
    // 40% of 10,000 at 100.
    assert.deepStrictEqual(
      positions.map(({ quantity }) => quantity),
      [40]
    )
    assert.strictEqual(cash, (10_000 - 40 * 111.1) * MICROS - fees)
    assert.strictEqual(fees, 40 * 111.1 * 0.001 * MICROS)
    assert.strictEqual(equity, cash + 40 * 120 * MICROS)
    assert.deepStrictEqual(account.updates(), [
      ["placing", null],
      ["filled", 111.1]
    ])
    account.decide("SELL", 0.9, 120)
    account.bar(130)
    const sold = account.view()
    assert.deepStrictEqual(sold.positions, [])
    assert.strictEqual(sold.realized, Math.round(40 * (130 * 0.99 - 111.1) * MICROS))
    assert.strictEqual(sold.cash, sold.equity)
  })

  it("takes a decision once, and holds to hold", () => {
    const account = openAccount()
    account.bar(100)
    account.decide("BUY", 1, 100, "ACME", idOf(99_999))
    account.decide("BUY", 1, 100, "ACME", idOf(99_999))
    account.bar(100)
    account.decide("HOLD")
    account.bar(100)
    assert.deepStrictEqual(account.view().counts, { orders: 1, fills: 1, vetoes: 0, rejected: 0 })
    account.decide("SELL", 1, 100, "GLOBEX")
    assert.strictEqual(account.view().counts.vetoes, 0, "there is nothing to sell, and nothing to veto")
  })

  it("is held to every limit, whatever the confidence, and says which", () => {
    const vetoed = (rules: Partial<AccountRules>, live: (account: ReturnType<typeof openAccount>) => void) => {
      const account = openAccount({ rules })
      account.bar(100)
      live(account)
      return account.view().last_vetoes.map(({ reason }) => reason)
    }
    assert.deepStrictEqual(
      vetoed({}, (account) => {
        account.stop()
        account.decide("BUY")
      }),
      ["entries_stopped"]
    )
    assert.deepStrictEqual(
      vetoed({ maxExposure: 0.4 }, (account) => account.decide("BUY")),
      ["exposure_limit"]
    )
    assert.deepStrictEqual(
      vetoed({ maxOrdersPerDay: 1 }, (account) => {
        account.decide("BUY", 0.5)
        account.decide("BUY", 0.5, 50, "GLOBEX")
      }),
      ["orders_per_day"]
    )
    assert.deepStrictEqual(
      vetoed({}, (account) => {
        account.decide("BUY", 0.5)
        account.decide("BUY", 1)
      }),
      ["order_pending"]
    )
    assert.deepStrictEqual(
      vetoed({ slippage: 0.1, maxPosition: 1 }, (account) => account.decide("BUY")),
      ["cash"]
    )
    assert.deepStrictEqual(
      vetoed({}, (account) => account.decide("BUY", 0.01, 9)),
      ["too_small"]
    )
  })

  it("never borrows where it must not: what opens too high is not bought", () => {
    const account = openAccount({ rules: { maxPosition: 1 } })
    account.bar(100)
    account.decide("BUY", 1)
    account.bar(150)
    assert.deepStrictEqual(account.updates().at(-1), ["rejected", "cash: it opened higher"])
    assert.strictEqual(account.view().cash, 10_000 * MICROS)
  })

  it("stops entries by itself after a drawdown, lets positions be closed, and goes on when a person says so", () => {
    const account = openAccount({ rules: { maxDrawdown: 0.1 } })
    account.bar(100)
    account.decide("BUY")
    account.bar(100)
    account.bar(70)
    assert.deepStrictEqual(account.view().entries, { stopped: true, reason: "drawdown of 15.0%" })
    assert.deepInclude(account.world.seen("alert.critical")[0], { code: "drawdown" })
    account.decide("BUY", 1, 70, "GLOBEX")
    assert.strictEqual(account.view().last_vetoes.at(-1)?.reason, "entries_stopped")
    account.decide("SELL", 1, 70)
    account.bar(70)
    assert.deepStrictEqual(account.view().positions, [])
    account.resume()
    account.decide("BUY", 1, 70)
    account.bar(70)
    assert.strictEqual(account.view().positions.length, 1)
    assert.strictEqual(account.view().drawdown, 0, "it counts from where it was resumed")
  })

  it("flattens: closes all there is, cancels what works, and closes what comes back later", () => {
    const account = openAccount()
    account.bar(100)
    account.decide("BUY", 0.5)
    account.bar(100)
    account.decide("BUY", 0.5, 50, "GLOBEX")
    account.decide("BUY", 1)
    assert.deepStrictEqual(account.flatten(), { entries_stopped: true, orders: 1 })
    assert.deepStrictEqual(account.updates("GLOBEX").at(-1), ["cancelled", "by hand"])
    account.place()
    account.bar(90)
    assert.deepStrictEqual(account.view().positions, [])
    assert.strictEqual(account.view().orders.length, 0)
  })

  it("flattens what is on its way to the paper as well: it is not filled, and what is held is closed at the next bar", () => {
    const account = openAccount()
    account.bar(100)
    account.decide("BUY", 0.3)
    account.bar(100)
    account.decide("BUY", 0.5, 50, "GLOBEX", undefined, false)
    account.decide("BUY", 1, 100, "ACME", undefined, false)
    account.flatten()
    account.place()
    account.bar(50, 50, "GLOBEX")
    account.bar(90)
    assert.deepStrictEqual(account.view().positions, [])
    assert.strictEqual(account.view().counts.fills, 2, "the first, and the one that closes it")
    assert.strictEqual(account.view().orders.length, 0)
  })

  it("closes what an adapter fills after everything was to be closed", () => {
    const broker = { name: "broker", fillsAtBars: false, place: () => Effect.succeed({ _tag: "Working" } as const) }
    const account = openAccount({ adapter: broker })
    account.bar(100)
    account.decide("BUY", 1, 100, "ACME", idOf(7))
    account.bar(100)
    assert.strictEqual(account.view().orders.length, 1, "bars fill nothing")
    // It cannot be taken back: it is with the broker.
    account.stop()
    account.filled(idOf(7), 101)
    account.flatten()
    assert.deepStrictEqual(
      account.view().orders.map(({ order }) => [order.quantity, order.reason]),
      [[-50, "flatten"]]
    )
  })

  it("says aloud that something is still held where a broker refuses to close it", () => {
    let refuses = false
    const place = () =>
      Effect.succeed(
        refuses ? ({ _tag: "Rejected", reason: "halted" } as const) : ({ _tag: "Filled", price: 100, fee: 0 } as const)
      )
    const account = openAccount({ adapter: { name: "broker", fillsAtBars: false, place } })
    account.bar(100)
    account.decide("BUY")
    refuses = true
    account.flatten()
    account.place()
    assert.deepInclude(account.world.seen("alert.critical")[0], { code: "flatten_rejected" })
    assert.lengthOf(account.view().positions, 1)
  })

  it("sells short where it may, and turns", () => {
    const account = openAccount({ rules: { short: true, maxExposure: 2 } })
    account.bar(100)
    account.decide("SELL", 0.5)
    account.bar(100, 90)
    assert.deepStrictEqual(
      account.view().positions.map(({ quantity }) => quantity),
      [-25]
    )
    assert.strictEqual(account.view().equity, 10_250 * MICROS)
    account.decide("BUY", 0.5, 90)
    account.bar(90)
    assert.isAbove(account.view().positions[0]!.quantity, 0)
    assert.strictEqual(account.view().realized, 250 * MICROS)
  })

  it("only closes what it would have turned, where entries are stopped", () => {
    const account = openAccount({ rules: { short: true, maxExposure: 2 } })
    account.bar(100)
    account.decide("SELL", 0.5)
    account.bar(100)
    account.stop()
    account.decide("BUY", 1)
    account.bar(100)
    assert.deepStrictEqual(account.view().positions, [])
    assert.strictEqual(account.view().counts.vetoes, 0)
  })

  it("says what its adapter refuses or fails at, and forgets the order", () => {
    for (const [place, reason] of [
      [() => Effect.succeed({ _tag: "Rejected", reason: "market closed" } as const), "market closed"],
      [() => Effect.fail(new OrderError({ detail: "no line" })), "no line"]
    ] as const) {
      const account = openAccount({ adapter: { name: "broker", fillsAtBars: false, place } })
      account.bar(100)
      account.decide("BUY")
      assert.strictEqual(account.updates().at(-1)?.[0], "rejected")
      assert.include(String(account.updates().at(-1)?.[1]), reason)
      assert.deepStrictEqual(account.view().orders, [])
    }
  })

  it("stays within its limits in any story of decisions, bars and switches", () => {
    const deed = fc.oneof(
      fc.record({
        what: fc.constant("decide" as const),
        decision: fc.constantFrom<Decision>("BUY", "SELL", "HOLD"),
        confidence: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10),
        symbol: fc.constantFrom("ACME", "GLOBEX", "INITECH")
      }),
      fc.record({
        what: fc.constant("bar" as const),
        price: fc.integer({ min: 50, max: 200 }),
        symbol: fc.constantFrom("ACME", "GLOBEX", "INITECH")
      }),
      fc.record({ what: fc.constantFrom("stop" as const, "resume" as const, "flatten" as const) })
    )
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 40 }), fc.boolean(), (story, short) => {
        const account = openAccount({ rules: { short, fee: 0.001, slippage: 0.002, maxOrdersPerDay: 1_000 } })
        account.bar(100)
        for (const each of story) {
          if (each.what === "decide") account.decide(each.decision, each.confidence, 100, each.symbol)
          else if (each.what === "bar") account.bar(each.price, each.price, each.symbol)
          else account[each.what]()
          account.place()
          const view = account.view()
          assert.isAtLeast(view.cash, 0)
          const costs = view.positions.reduce((sum, { cost }) => sum + cost, 0)
          assert.strictEqual(view.cash, view.deposited + view.realized - view.fees - costs)
          if (!short) for (const { quantity } of view.positions) assert.isAbove(quantity, 0)
          const symbols = view.orders.map(({ order }) => order.symbol)
          assert.strictEqual(new Set(symbols).size, symbols.length)
        }
      }),
      { numRuns: 150 }
    )
  })

  it("is none where nobody told it of a price or a decision: a misspelt switch does not look as if it had worked", () => {
    const account = openAccount()
    const body = { _tag: "UnknownAccount", account: "main" }
    for (const answer of [account.stop(), account.resume(), account.flatten()]) assert.deepStrictEqual(answer, body)
    assert.isUndefined(portfolioView("main", account.world.state("portfolio/main")))
    account.bar(100)
    assert.deepStrictEqual(account.stop(), { entries_stopped: true, orders: 0 })
    assert.strictEqual(portfolioView("main", account.world.state("portfolio/main"))?.entries.stopped, true)
  })
})

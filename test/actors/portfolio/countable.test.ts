import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { equityOf, isCountable, MICROS, openBook, WORTH_MAX } from "../../../actors/portfolio/book.ts"
import { openAccount } from "../../support/trading-account.ts"

describe("what an account is worth", () => {
  it("is the exact sum of what is in it, or cannot be counted", () => {
    const position = fc.record({
      quantity: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      price: fc.double({ min: 1e-6, max: 1e9, noNaN: true })
    })
    const cash = fc.integer({ min: -WORTH_MAX, max: WORTH_MAX })
    let counted = 0
    fc.assert(
      fc.property(cash, fc.array(position, { maxLength: 4 }), (there, all) => {
        const named = all.map((each, index) => [`S${index}`, each] as const)
        const book = {
          ...openBook(there),
          positions: Object.fromEntries(named.map(([name, { quantity }]) => [name, { quantity, cost: 0 }]))
        }
        const prices = Object.fromEntries(named.map(([name, { price }]) => [name, price]))
        if (!isCountable(book, prices)) return
        counted++
        const exactly = all.reduce(
          (sum, { quantity, price }) => sum + BigInt(Math.round(quantity * price * MICROS)),
          BigInt(there)
        )
        assert.strictEqual(BigInt(equityOf(book, prices)), exactly)
      }),
      { numRuns: 2_000 }
    )
    assert.isAbove(counted, 100)
  })

  it("is not, at the price after the last that it can be counted at: the bar is not taken, and people are told", () => {
    const { bar, decide, view, world } = openAccount()
    bar(1)
    decide("BUY", 1, 1)
    bar(1)
    const before = view().equity
    bar(1, 1e9)
    assert.strictEqual(view().equity, before)
    assert.match(JSON.stringify(world.seen("alert.critical")), /account_too_large.*would be worth more than 9007199254/)
    bar(1, 2)
    assert.isAbove(view().equity, before)
  })
})

import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import {
  amountOf,
  type Book,
  equityOf,
  type Fill,
  grossOf,
  isWritable,
  openBook,
  post
} from "../../../actors/portfolio/book.ts"
import { exact } from "../../../actors/portfolio/quantities.ts"

const SYMBOLS = ["ACME", "GLOBEX"] as const

const fills: fc.Arbitrary<ReadonlyArray<Fill>> = fc.array(
  fc.record({
    symbol: fc.constantFrom(...SYMBOLS),
    // Whole units, and fractions as coins have them.
    quantity: fc
      .oneof(
        fc.integer({ min: -500, max: 500 }),
        fc.integer({ min: -5e9, max: 5e9 }).map((units) => units / 1e8)
      )
      .filter((quantity) => quantity !== 0),
    price: fc.integer({ min: 1, max: 5_000_000 }).map((ticks) => ticks / 10_000),
    fee: fc.nat({ max: 5_000_000 })
  }),
  { maxLength: 60 }
)

const costs = (book: Book) => Object.values(book.positions).reduce((sum, { cost }) => sum + cost, 0)
const DEPOSIT = 100_000_000_000

describe("the books of an account", () => {
  it("never make or lose money: what left is with the market or paid as fees", () => {
    fc.assert(
      fc.property(fills, (story) => {
        let [book, market, fees] = [openBook(DEPOSIT), 0, 0]
        for (const fill of story) {
          assert.isTrue(isWritable(book, fill))
          book = post(book, fill)
          market += amountOf(fill.quantity, fill.price)
          fees += fill.fee
          assert.strictEqual(book.cash + market + fees, DEPOSIT)
          assert.strictEqual(book.fees, fees)
          assert.strictEqual(book.cash, book.deposited + book.realized - book.fees - costs(book))
        }
        for (const symbol of SYMBOLS) {
          const held = story
            .filter((fill) => fill.symbol === symbol)
            .reduce((sum, { quantity }) => exact(sum + quantity), 0)
          assert.strictEqual(book.positions[symbol]?.quantity ?? 0, held)
        }
      })
    )
  })

  it("have earned, once all is closed, what was received less what was paid", () => {
    fc.assert(
      fc.property(fills, (story) => {
        const open = story.reduce(post, openBook(DEPOSIT))
        const closed = Object.entries(open.positions).reduce(
          (book, [symbol, { quantity }]) => post(book, { symbol, quantity: -quantity, price: 7, fee: 0 }),
          open
        )
        assert.deepStrictEqual(closed.positions, {})
        assert.strictEqual(closed.cash - closed.deposited, closed.realized - closed.fees)
        assert.strictEqual(equityOf(closed, {}), closed.cash)
      })
    )
  })

  it("realize at the average cost, for what is bought and what is sold short", () => {
    const bought = [
      { symbol: "ACME", quantity: 10, price: 100, fee: 1_000_000 },
      { symbol: "ACME", quantity: 10, price: 110, fee: 0 },
      { symbol: "ACME", quantity: -5, price: 120, fee: 0 }
    ].reduce(post, openBook(DEPOSIT))
    assert.strictEqual(bought.realized, 75_000_000)
    assert.deepStrictEqual(bought.positions, { ACME: { quantity: 15, cost: 1_575_000_000 } })
    assert.strictEqual(equityOf(bought, { ACME: 120 }), DEPOSIT - 1_000_000 + 75_000_000 + 225_000_000)
    const turned = post(bought, { symbol: "ACME", quantity: -25, price: 100, fee: 0 })
    assert.deepStrictEqual(turned.positions, { ACME: { quantity: -10, cost: -1_000_000_000 } })
    assert.strictEqual(turned.realized, 75_000_000 - 75_000_000)
    assert.strictEqual(grossOf(turned, { ACME: 90 }), 900_000_000)
    assert.strictEqual(post(turned, { symbol: "ACME", quantity: 10, price: 90, fee: 0 }).realized, 100_000_000)
  })

  it("say what is too large to be written exactly", () => {
    assert.isFalse(isWritable(openBook(DEPOSIT), { symbol: "ACME", quantity: 1_000_000_000, price: 10, fee: 0 }))
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Clock, Console, Effect } from "effect"
import { runChaos } from "../support/chaos.ts"
import { type Book, enter, type LedgerReport } from "../support/chaos-actors.ts"
import { complaintsOf, type Sent } from "../support/chaos-load.ts"

const SECONDS = 20

describe("three nodes on three servers, of which one after the other is killed or stopped", () => {
  it.live(
    `do each accepted message exactly once and in order, for ${SECONDS} seconds`,
    () =>
      Effect.gen(function* () {
        const seed = (yield* Clock.currentTimeMillis) % 1_000_000
        const { complaints, totals, faults } = yield* runChaos({ seed, seconds: SECONDS, say: Console.log })
        const again = `npm run chaos -- --minutes 1 --seed ${seed}`
        assert.deepStrictEqual(complaints, [], again)
        assert.isAbove(totals.accepted, 500, again)
        assert.isAbove(
          Object.values(faults).reduce((sum, count) => sum + count, 0),
          2,
          again
        )
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    300_000
  )
})

describe("the comparison at the end", () => {
  const sent = (next: number, unknown: ReadonlyArray<number> = []): Sent => {
    const all = Array.from({ length: next - 1 }, (_, index) => index + 1)
    const accepted = new Set(all.filter((number) => !unknown.includes(number)))
    return { sender: "s", key: "k", next, accepted, unknown: new Set(unknown) }
  }
  const book = (...numbers: ReadonlyArray<number>): Book =>
    numbers.reduce((now: Book | undefined, number) => enter(now, number), undefined) ?? enter(undefined, 0)
  const complaints = (each: Sent, seen: Book, ledger: Partial<LedgerReport> = {}, mirror?: Book) => {
    const report = { books: { s: seen }, set: 0, fired: 0, cancelled: 0, stray: [], passed: 0, ...ledger }
    return complaintsOf([each], {
      ledgers: new Map([["k", report]]),
      mirrors: new Map([["k", mirror === undefined ? {} : { ledger: mirror }]])
    })
  }

  it("has nothing to say where everything came once, and what was not known came once or not at all", () => {
    assert.deepStrictEqual(complaints(sent(4), book(1, 2, 3)), [])
    assert.deepStrictEqual(complaints(sent(5, [2, 4]), book(1, 3)), [])
    assert.deepStrictEqual(complaints(sent(5, [2, 4]), book(1, 3, 2, 4)), [], "nobody was told where it is")
    const timers = { set: 3, fired: 2, cancelled: 1, passed: 2 }
    assert.deepStrictEqual(complaints(sent(4), book(1, 2, 3), timers, book(1, 2)), [])
  })

  it("finds what was lost, doubled, out of order, or never sent", () => {
    const found = (each: Sent, seen: Book) =>
      complaints(each, seen).map((line) => line.replace(/^s to k: message /, ""))
    assert.deepStrictEqual(found(sent(4), book(1, 3)), ["2 was accepted and had no effect"])
    assert.deepStrictEqual(found(sent(4), book(1, 2)), ["3 was accepted and had no effect"])
    assert.deepStrictEqual(found(sent(4), book(1, 2, 2, 3)), ["2 had two effects"])
    assert.deepStrictEqual(found(sent(4, [2]), book(1, 2, 2, 3)), ["2 had two effects"])
    assert.deepStrictEqual(found(sent(4), book(1, 3, 2)), ["2 came after a later one"])
    assert.deepStrictEqual(found(sent(3), book(1, 2, 3)), ["3 was never sent"])
  })

  it("finds timers that did not fire or should not have, and a chain that broke", () => {
    const found = (ledger: Partial<LedgerReport>, mirror?: Book) => complaints(sent(2), book(1), ledger, mirror).length
    assert.strictEqual(found({ set: 2, fired: 1 }), 1)
    assert.strictEqual(found({ set: 1, fired: 1, stray: ["t"] }), 1)
    assert.strictEqual(found({ passed: 2 }, book(1)), 1)
    assert.strictEqual(found({ passed: 2 }, book(1, 2, 2)), 1)
    assert.strictEqual(found({ passed: 1 }), 1)
  })
})

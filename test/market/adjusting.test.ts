import { assert, describe, it } from "@effect/vitest"
import { SplitScan } from "../../market/index.ts"

/** A bar that opens so much above or below the close before it, on the day of a split. */
const splitsOf = (opensAt: number, ratio: number) => {
  const scan = new SplitScan()
  const bar = (local: number, price: number, split: number) => ({
    bar: { time: local, open: price, high: price, low: price, close: price, volume: 1 },
    ...{ line: local, local, split }
  })
  for (const [local, price, split] of [[1, 100, 1] as const, [2, 100 * opensAt, ratio] as const]) {
    scan.add(bar(local, price, split))
  }
  return scan.splits.map((found) => found.ratio)
}

describe("a split that a file names", () => {
  it("is adjusted for where the price jumps by it, either way", () => {
    assert.deepStrictEqual(splitsOf(0.25, 4), [4])
    assert.deepStrictEqual(splitsOf(0.27, 4), [4])
    assert.deepStrictEqual(splitsOf(10, 0.1), [0.1])
    assert.deepStrictEqual(splitsOf(0.66, 1.5), [1.5])
  })

  it("is not where the price goes on, nor where a small one is missed by what a market does by itself", () => {
    for (const opensAt of [1, 0.9, 1.1]) assert.deepStrictEqual(splitsOf(opensAt, 4), [])
    assert.deepStrictEqual(splitsOf(0.965, 1.05), [])
    assert.deepStrictEqual(splitsOf(0.953, 1.05), [1.05])
  })
})

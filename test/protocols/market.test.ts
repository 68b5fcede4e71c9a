import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import fc from "fast-check"
import { Bar, BarWindow, emptyWindow, toWindow } from "../../protocols/index.ts"
import { decoder, encoder } from "../../runtime/codec.ts"
import { barsArbitrary } from "../support/bars.ts"

const COLUMNS = ["time", "open", "high", "low", "close", "volume"] as const
const WRONG = [-1, 0, 0.5, 1e300, Number.NaN, Number.POSITIVE_INFINITY, "1", null, undefined, {}] as const

/** The rules of a bar, element by element, and that bars follow one another. */
const isSound = (window: { readonly [K in (typeof COLUMNS)[number]]: ReadonlyArray<unknown> }): boolean =>
  COLUMNS.every((column) => window[column].length === window.time.length) &&
  window.time.every((time, index) => {
    const bar = Object.fromEntries(COLUMNS.map((column) => [column, window[column][index]]))
    const before = window.time[index - 1]
    return Result.isSuccess(decodeBar(bar)) && (before === undefined || Number(time) > Number(before))
  })
const decodeBar = Schema.decodeUnknownResult(Bar)

const accepts = (window: unknown): boolean => {
  try {
    decoder(BarWindow)(window)
    return true
  } catch {
    return false
  }
}

describe("bars in columns", () => {
  it("are taken when each bar is sound and newer than the one before it, and only then", () => {
    const change = fc.record({ column: fc.constantFrom(...COLUMNS), at: fc.nat(7), to: fc.constantFrom(...WRONG) })
    let refused = 0
    fc.assert(
      fc.property(barsArbitrary({ minLength: 1, maxLength: 8 }), fc.option(change), (bars, given) => {
        const window: { [K in (typeof COLUMNS)[number]]: Array<unknown> } = structuredClone(mutable(toWindow(bars)))
        if (given !== null && given.at <= bars.length) window[given.column][given.at] = given.to
        const sound = isSound(window)
        if (!sound) refused++
        assert.strictEqual(accepts(window), sound)
      }),
      { numRuns: 500 }
    )
    assert.isAbove(refused, 50)
  })

  it("go through JSON as they are, with what a newer version added", () => {
    const window = { ...emptyWindow, trades: [1] }
    assert.deepStrictEqual(decoder(BarWindow)(JSON.parse(JSON.stringify(encoder(BarWindow)(window)))), window)
    assert.throws(() => decoder(BarWindow)({ ...emptyWindow, close: "x" }), /close/)
    const one = { time: [1], open: [1], high: [2], low: [1], close: [0], volume: [1] }
    assert.throws(() => decoder(BarWindow)(one), /a list of prices, all above 0[\s\S]*close/)
  })
})

const mutable = (window: BarWindow) => ({
  time: [...window.time],
  open: [...window.open],
  high: [...window.high],
  low: [...window.low],
  close: [...window.close],
  volume: [...window.volume]
})

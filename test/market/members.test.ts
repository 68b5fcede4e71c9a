// JSON objects, one on each line, whose members are not all the same.
import { assert, describe, it } from "@effect/vitest"
import { bar, bars, fault, noticed } from "../support/market-text.ts"

const row = { t: "2024-01-02", o: 10, h: 12, l: 9, c: 11 }
const next = { ...row, t: "2024-01-03" }
const lines = (...values: ReadonlyArray<unknown>) => values.map((each) => JSON.stringify(each)).join("\n")
const later = { ...bar, time: Date.UTC(2024, 0, 3) }

describe("members of objects", () => {
  it("may come later than in the first object, in any order, and be missing", () => {
    assert.deepStrictEqual(bars(lines(row, { v: 500, ...next })), [{ ...bar, volume: 0 }, later])
    assert.deepStrictEqual(noticed(lines(row, { v: 500, ...next })), [["volume_missing", 1, [1]]])
    assert.deepStrictEqual(bars(lines({ ...row, v: 500 }, next)), [bar, { ...later, volume: 0 }])
    assert.deepStrictEqual(bars(lines({ source: "a feed" }, { ...row, v: 500 })), [bar])
    assert.deepStrictEqual(bars(lines({ ...row, v: 500, n: 3 }, { ...next, v: 500, note: {} })), [bar, later])
  })

  it("are refused where something would be lost by them", () => {
    const same = "give all objects the same members"
    const full = { time: "2024-01-03", open: 10, high: 12, low: 9, close: 11 }
    const cases = [
      [lines(row, full), `line 1: the object says "o" where others say "open": ${same}`],
      [lines(row, { ...next, symbol: "B" }), `line 1: the object has no "symbol": ${same}`],
      [
        lines({ ...row, v: 1 }, { ...next, volume: 1 }),
        `line 1: the object says "v" where others say "volume": ${same}`
      ],
      [lines(row, { ...next, adj_close: 5 }), "line 1, column adjusted close: is no price: --prices as-written"],
      [lines(row, ["2024-01-03", 1, 1, 1, 1]), "line 2: there are objects and lists: write all lines alike"],
      [lines(["2024-01-02", 1, 1, 1, 1], next), "line 2: there are objects and lists: write all lines alike"],
      [`{"t":"2024-01-02","o":10,"h":12,"l":9,"c":11,"c":5}`, 'line 1: the object names "c" twice: say which is meant'],
      [lines(row, { note: { a: 1 } }).replace('"a":1', '"a":1,"a":2'), 'line 2: the object names "a" twice']
    ] as const
    for (const [text, rule] of cases) assert.include(fault(text), rule)
  })

  it("are held to those of the beginning in a long file", () => {
    const many = Array.from({ length: 4_000 }, (_, at) => ({ ...row, t: Date.UTC(2000, 0, 1) + at * 86_400_000 }))
    const last = Date.UTC(2020, 0, 1)
    assert.lengthOf(bars(lines(...many, { ...row, t: last, extra: 1 })), 4_001)
    assert.include(
      fault(lines(...many, { ...row, t: last, v: 5 })),
      'line 4001: the object has "v", and those before have not'
    )
  })
})

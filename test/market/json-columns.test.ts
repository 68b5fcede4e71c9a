// One JSON object of columns, as chart interfaces answer.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { parseMarket, shapeText } from "../../market/index.ts"
import { bar, bars, fault } from "../support/market-text.ts"

const DAY = 86_400_000
const columns = { t: [bar.time / 1_000, bar.time / 1_000 + 86_400], o: [10, 10], h: [12, 12], l: [9, 9], c: [11, 11] }
const two = [bar, { ...bar, time: bar.time + DAY }]
const text = (value: unknown) => JSON.stringify(value)

describe("an object of columns", () => {
  it("is read, by any names that columns have, pretty or not, with what holds for all rows", () => {
    const answer = { ...columns, v: [500, 500], s: "ok" }
    assert.deepStrictEqual(bars(text(answer)), two)
    assert.deepStrictEqual(bars(JSON.stringify(answer, null, 2)), two)
    const { t: time, o: open, h: high, l: low, c: close } = columns
    const named = { symbol: "ACME", timestamp: time, open, high, low, close, volume: [500, 500], next: 17 }
    assert.deepStrictEqual(bars(text(named), { symbol: "ACME" }), two)
    assert.include(fault(text({ ...named, symbol: ["ACME", "GLOBEX"] })), "GLOBEX")
    assert.deepStrictEqual(bars(text({ ...answer, o: [10, null], h: [12, null], l: [9, null], c: [11, null] })), [bar])
    const { shape } = Effect.runSync(parseMarket(text(answer)))
    assert.include(shapeText(shape), "a JSON object of columns")
  })

  it("is read beyond the beginning of a file", () => {
    const times = Array.from({ length: 20_000 }, (_, at) => (bar.time + at * DAY) / 1_000)
    const same = (value: number) => times.map(() => value)
    const long = { t: times, o: same(10), h: same(12), l: same(9), c: same(11), v: same(500) }
    const found = bars(text(long))
    assert.lengthOf(found, 20_000)
    assert.deepStrictEqual(found.at(-1), { ...bar, time: times.at(-1)! * 1_000 })
  })

  it("is refused with a sentence where it holds no bars", () => {
    const cases = [
      [text({ ...columns, o: [1] }), 'the columns are not of one length: "t" has 2 values, "o" has 1 values'],
      [text({ s: "no_data" }), 'there are no prices in it: the server\'s answer says "no_data"'],
      [text({ s: "no_data", t: [], o: [], h: [], l: [], c: [] }), 'the server\'s answer says "no_data"'],
      [text({ s: "error", errmsg: "bad key" }), 'says "error", "bad key"'],
      [text({ ...columns, c: undefined }), "the column is missing"],
      [text({ t: [], o: [], h: [], l: [], c: [] }), "the file is empty"],
      [`${text(columns).slice(0, -1)},"c":[1,2]}`, 'the object names "c" twice']
    ] as const
    for (const [given, rule] of cases) assert.include(fault(given), rule)
  })
})

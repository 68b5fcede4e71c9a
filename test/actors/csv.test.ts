import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import fc from "fast-check"
import { CsvError, parseBars } from "../../actors/csv.ts"
import { Bar } from "../../protocols/index.ts"
import { barsArbitrary } from "../support/bars.ts"

const read = (text: string) => Effect.runSync(Effect.result(parseBars(text)))
const bars = (text: string) => Result.getOrThrow(read(text))
const fault = (text: string) => {
  const result = read(text)
  if (Result.isSuccess(result)) throw new Error(`read ${result.success.length} bars`)
  assert.instanceOf(result.failure, CsvError)
  return result.failure.message
}

const HEADER = "Date,Open,High,Low,Close,Volume"
const GOOD = "2024-01-02,10,12,9,11,500"
const row = (text: string) => fault(`${HEADER}\n${GOOD}\n${text}\n`)
const bar = { time: Date.UTC(2024, 0, 2), open: 10, high: 12, low: 9, close: 11, volume: 500 }

describe("parseBars", () => {
  it("reads what was written, whatever the order of columns and the case of the header", () => {
    const columns = ["date", "open", "high", "low", "close", "volume", "adj close"]
    const layout = fc.record({
      order: fc.shuffledSubarray(columns, { minLength: columns.length }),
      upper: fc.array(fc.boolean(), { minLength: 80, maxLength: 80 }),
      end: fc.constantFrom("\n", "\r\n"),
      mark: fc.constantFrom("", "\uFEFF"),
      quote: fc.boolean(),
      tail: fc.constantFrom("", "\n", "\n\n  \n")
    })
    fc.assert(
      fc.property(barsArbitrary({ minLength: 1, maxLength: 30 }), layout, (written, { order, upper, ...style }) => {
        const header = order.join(",").replace(/./g, (letter, at) => (upper[at % 80] ? letter.toUpperCase() : letter))
        const cell = (text: string) => (style.quote ? `"${text}"` : text)
        const rows = written.map(({ time, open, high, low, close, volume }) => {
          const values = { date: new Date(time).toISOString(), open, high, low, close, volume, "adj close": "n/a" }
          return order.map((name) => cell(String(Reflect.get(values, name)))).join(",")
        })
        const text = style.mark + [header, ...rows].join(style.end) + style.end + style.tail
        assert.deepStrictEqual(bars(text), written)
      })
    )
  })

  it("takes each name of the date column, and a first column without one", () => {
    for (const name of ["Date", "TIMESTAMP", "datetime", "Time", ""]) {
      assert.deepStrictEqual(bars(`${name},Open,High,Low,Close,Volume\n${GOOD}`), [bar])
    }
    assert.include(fault(`Open,,High,Low,Close\n10,2024-01-02,12,9,11`), "line 1, column date: the column is missing")
  })

  it("joins a time column to the date", () => {
    const [first, second] = bars(
      "Time,Open,High,Low,Close,Date\n09:30,10,12,9,11,2024-01-02\n09:31:15,10,12,9,11,2024-01-02\n"
    )
    assert.strictEqual(first?.time, Date.UTC(2024, 0, 2, 9, 30))
    assert.strictEqual(second?.time, Date.UTC(2024, 0, 2, 9, 31, 15))
  })

  it("reads days and instants as UTC unless they name a zone", () => {
    const time = (text: string) => bars(`${HEADER}\n${text},10,12,9,11,500`)[0]?.time
    assert.strictEqual(time("2004-08-19"), Date.UTC(2004, 7, 19))
    assert.strictEqual(time("2004/08/19"), Date.UTC(2004, 7, 19))
    assert.strictEqual(time("2017-04-19 09:00:00"), Date.UTC(2017, 3, 19, 9))
    assert.strictEqual(time("2017-04-19T09:00:00.25Z"), Date.UTC(2017, 3, 19, 9, 0, 0, 250))
    assert.strictEqual(time("2017-04-19T09:00:00-04:00"), Date.UTC(2017, 3, 19, 13))
    assert.strictEqual(time("2017-04-19 09:00 +0530"), Date.UTC(2017, 3, 19, 3, 30))
    assert.strictEqual(time("2024-02-29"), Date.UTC(2024, 1, 29))
  })

  it("takes volume as 0 where there is no such column", () => {
    assert.deepStrictEqual(bars("Date,Open,High,Low,Close\n2024-01-02,10,12,9,11"), [{ ...bar, volume: 0 }])
  })

  it("refuses a bad row with its line, column and rule", () => {
    const table: ReadonlyArray<readonly [row: string, message: string]> = [
      ["2024-01-03,x,12,9,11,500", 'line 3, column open: "x" is not a number'],
      ["2024-01-03,10,12,9,0x1f,500", 'line 3, column close: "0x1f" is not a number'],
      ["2024-01-03,10,Infinity,9,11,500", 'line 3, column high: "Infinity" is not a number'],
      ["2024-01-03,10,NaN,9,11,500", 'line 3, column high: "NaN" is not a number'],
      ["2024-01-03,10,1e999,9,11,500", "line 3, column high: the number is too large"],
      ["2024-01-03,10,12,,11,500", "line 3, column low: the cell is empty"],
      ["2024-01-03,10,12,9,11,", "line 3, column volume: the cell is empty"],
      ["2024-01-03,10,12,9,11,-1", "line 3, column volume: must not be negative"],
      ["2024-01-03,10,12,0,11,500", "line 3, column low: a price must be above 0"],
      ["2024-01-03,-10,12,9,11,500", "line 3, column open: a price must be above 0"],
      ["2024-01-03,10,8,9,11,500", "line 3, column high: high is below low"],
      ["2024-01-03,10,10.5,9,11,500", "line 3, column high: high is below open or close"],
      ["2024-01-03,10,12,10.5,11,500", "line 3, column low: low is above open or close"],
      ["2024-01-01,10,12,9,11,500", "line 3, column date: time goes backwards: rows must be oldest first"],
      ["2024-01-02,10,12,9,11,500", "line 3, column date: the time is the same as in the row before"],
      ["2024-01-03,10,12,9,11", "line 3: the row has 5 cells, and the header 6"],
      ["2024-01-03,10,12,9,11,500,", "line 3: the row has 7 cells, and the header 6"],
      [",10,12,9,11,500", "line 3, column date: the cell is empty"]
    ]
    for (const [text, message] of table) assert.strictEqual(row(text), message)
    for (const date of [
      "2024-02-30",
      "2023-02-29",
      "03/01/2024",
      "2024-01-03 24:00",
      "2024-1-3",
      "soon",
      "2024-01/03"
    ]) {
      assert.include(row(`${date},10,12,9,11,500`), `line 3, column date: "${date}" is not a date`)
    }
    assert.include(fault(`${HEADER}\n1969-12-31,10,12,9,11,500`), "line 2, column date: dates before 1970")
  })

  it("counts empty lines and quoted line ends in the line it names", () => {
    assert.include(fault(`\n${HEADER}\r\n\r\n${GOOD}\r\n\r\n2024-01-03,x,12,9,11,500`), "line 6, column open")
    assert.include(fault(`${HEADER}\n${GOOD}\n"2024-01-03,10,12,9,11,500\n`), "line 3: ")
  })

  it("says in its own words where a quote is wrong", () => {
    const binary = 'a\u001b[2Jb"'
    assert.strictEqual(fault(`${HEADER}\n${binary}\n`), "line 2: a quote is out of place")
    assert.strictEqual(fault(`${HEADER}\n"2024-01-02,1\n`), "line 2: a quote is opened and never closed")
  })

  it("says what is wrong with a file that has no bars", () => {
    assert.strictEqual(fault(""), "line 1: the file is empty")
    assert.strictEqual(fault("\uFEFF\r\n\n"), "line 1: the file is empty")
    assert.strictEqual(fault(`${HEADER}\n\n`), "line 1: there are no rows below the header")
    assert.include(fault("Date,Open,High,Close\n2024-01-02,1,1,1"), "line 1, column low: the column is missing")
    assert.include(fault("Open,High,Low,Close\n1,1,1,1"), "line 1, column date: the column is missing")
    assert.include(fault(`${HEADER},CLOSE\n${GOOD},1`), "line 1, column close: the header names this column twice")
  })

  it("never throws and never lets an unsound bar through, whatever the text", () => {
    const cell = fc.oneof(
      fc.string(),
      fc.constantFrom("Date", "Open", "High", "Low", "Close", "2024-01-02", '"', "1", "2")
    )
    const text = fc.array(
      fc.array(cell, { maxLength: 6 }).map((cells) => cells.join(",")),
      { maxLength: 5 }
    )
    fc.assert(
      fc.property(text, (lines) => {
        const result = read(lines.join("\n"))
        if (Result.isSuccess(result)) for (const each of result.success) Schema.decodeUnknownSync(Bar)(each)
        else assert.isAbove(result.failure.line, 0)
      })
    )
  })

  const market = new URL("../../../shared/market/", import.meta.url)
  const counts = { GOOG: 2148, AAPL: 506, EURUSD: 5000 }
  for (const [symbol, count] of Object.entries(counts)) {
    const file = new URL(`${symbol}.csv`, market)
    it.skipIf(!existsSync(file))(`reads the real prices of ${symbol} (skipped where the file is not there)`, () => {
      assert.lengthOf(bars(readFileSync(file, "utf8")), count)
    })
  }
})

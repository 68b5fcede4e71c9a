import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema, Stream } from "effect"
import fc from "fast-check"
import { openMarket, parseMarket } from "../../market/index.ts"
import { Bar } from "../../protocols/index.ts"
import { barsArbitrary } from "../support/bars.ts"
import { bar, bars, fault, GOOD, HEADER, noticed } from "../support/market-text.ts"

describe("reading a file of prices", () => {
  it("reads what was written, whatever the order of columns and the case of the header", () => {
    const columns = ["date", "open", "high", "low", "close", "volume", "note"]
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
          const values = { date: new Date(time).toISOString(), open, high, low, close, volume, note: "n/a" }
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
    for (const text of ["[]", "{}"]) assert.include(fault(text), "there is no header and no row of prices")
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
  it("asks for what cannot be told, and never guesses", () => {
    const slashes = `${HEADER}\n03/04/2024,10,12,9,11,500\n04/04/2024,10,12,9,11,500`
    assert.include(fault(slashes), "can have the day or the month first: say which by --date-order")
    const april = Date.UTC(2024, 3, 3)
    assert.strictEqual(bars(slashes, { dateOrder: "day-first" })[0]?.time, april)
    assert.strictEqual(bars(slashes, { dateOrder: "month-first" })[0]?.time, Date.UTC(2024, 2, 4))
    assert.strictEqual(bars(`${slashes}\n13/04/2024,10,12,9,11,500`)[0]?.time, april)
    const commas = 'Date;Open;High;Low;Close\n2024-01-02;"5,156";"5,156";"5,156";"5,156"'
    assert.include(fault(commas), "can be a whole number or have three decimals: say which by --decimal")
    assert.strictEqual(bars(commas, { decimal: "point" })[0]?.close, 5156)
    assert.strictEqual(bars(commas, { decimal: "comma" })[0]?.close, 5.156)
    assert.include(fault(`${HEADER}\n2024-01-02,"1.5","2,5",1,1,0`), "numbers are written in two ways")
    assert.include(fault(`${HEADER}\n45293,10,12,9,11,500`), "serial number")
  })

  it("reads units of time by their size, also those that get finer on the way", () => {
    const time = Date.UTC(2025, 0, 1)
    for (const [unit, scale] of [
      ["s", 1e-3],
      ["ms", 1],
      ["us", 1e3]
    ] as const) {
      assert.strictEqual(bars(`${HEADER}\n${time * scale},10,12,9,11,500`)[0]?.time, time, unit)
    }
    assert.strictEqual(bars(`${HEADER}\n${time}000000,10,12,9,11,500`)[0]?.time, time)
    const finer = bars(`${HEADER}\n${time - 1000},10,12,9,11,500\n${time}000,10,12,9,11,500`)
    assert.deepStrictEqual(
      finer.map((each) => each.time),
      [time - 1000, time]
    )
    const small = `${HEADER}\n3600000,10,12,9,11,500\n${time},10,12,9,11,500`
    assert.include(fault(small), "--time-unit says which")
    assert.include(
      fault(`${HEADER}\n86400,10,12,9,11,500`),
      "are of about 1970 in every unit: say which by --time-unit"
    )
    const old = `${HEADER}\n-86400000,10,12,9,11,500\n-3600000,10,12,9,11,500`
    assert.strictEqual(bars(old, { timeUnit: "ms" })[0]?.time, -86_400_000)
  })

  it("reads objects and lists on lines of their own", () => {
    assert.deepStrictEqual(bars('{"t":"2024-01-02","o":10,"h":12,"l":9,"c":11,"v":500}\n'), [bar])
    assert.deepStrictEqual(bars(`[${bar.time},"10","12","9","11","500"]`), [bar])
    assert.include(fault('[{"t":"2024-01-02"},\n{"t":1}]'), "is no JSON object or list: one on each line is read")
  })

  it("adjusts for what the file names, unless it is told not to", () => {
    const split = "Date,Open,High,Low,Close,Volume,Stock Splits"
    const raw = `${split}\n2024-01-02,400,404,396,400,100,0\n2024-01-03,101,102,99,100,400,4.0`
    assert.deepStrictEqual(
      bars(raw).map(({ close, volume }) => [close, volume]),
      [
        [100, 400],
        [100, 400]
      ]
    )
    assert.deepStrictEqual(
      bars(raw, { prices: "as-written" }).map(({ close }) => close),
      [400, 100]
    )
    const done = `${split}\n2024-01-02,100,101,99,100,400,0\n2024-01-03,101,102,99,100,400,4.0`
    assert.deepStrictEqual(
      bars(done).map(({ close }) => close),
      [100, 100]
    )
    const adjusted = "Date,Open,High,Low,Close,Adj Close\n2024-01-02,20,22,18,20,10\n2024-01-03,10,12,9,11,"
    assert.include(fault(adjusted), "line 3, column adjusted close: is no price: --prices as-written")
    assert.lengthOf(bars(adjusted, { prices: "as-written" }), 2)
  })

  it("reads one symbol of several", () => {
    const text = [
      "symbol,date,open,high,low,close",
      "AA,2024-01-02,1,1,1,1",
      "BB,2024-01-02,2,2,2,2",
      "AA,2024-01-03,1,1,1,1"
    ].join("\n")
    assert.include(fault(text), 'prices of more than one symbol, "AA", "BB": name the symbol')
    assert.include(fault(text, { symbol: "CC" }), "and CC is none of them")
    assert.lengthOf(bars(text, { symbol: "aa" }), 2)
    assert.lengthOf(bars(text, { symbol: "BB" }), 1)
    const wide = [
      "Price,Close,Close,High,High,Low,Low,Open,Open",
      "Ticker,AA,BB,AA,BB,AA,BB,AA,BB",
      "Date,,,,,,,,",
      "2024-01-02,1,2,1,2,1,2,1,2"
    ].join("\n")
    assert.include(fault(wide), '"AA", "BB"')
    assert.strictEqual(bars(wide, { symbol: "BB" })[0]?.close, 2)
    // Beyond what the shape is found by.
    const long = Array.from(
      { length: 5_000 },
      (_, at) => `AA,${new Date(at * 86_400_000).toISOString().slice(0, 10)},1,1,1,1`
    )
    const late = ["symbol,date,open,high,low,close", ...long, "BB,2024-01-02,2,2,2,2"].join("\n")
    assert.strictEqual(bars(late, { symbol: "BB" })[0]?.close, 2)
    assert.include(fault(late, { symbol: "XX" }), 'prices of more than one symbol, "AA", "BB"')
    assert.lengthOf(bars(late, { symbol: "AA" }), 5_000)
    assert.deepStrictEqual(noticed(late, { symbol: "AA" }), [["other_symbol", 1, [5_002]]])
  })

  it("warns where the only symbol of a file is another than the one that is asked for", () => {
    const text = "symbol,date,open,high,low,close\nMSFT,2024-01-02,1,1,1,1"
    const { notices } = Effect.runSync(parseMarket(text, { symbol: "AAPL" }))
    assert.deepInclude(notices[0], { kind: "other_name", warning: true, lines: [2] })
    assert.include(notices[0]?.text, 'the file names "MSFT", and "AAPL" was asked for')
    assert.deepStrictEqual(noticed(text, { symbol: "msft" }), [])
    assert.deepStrictEqual(noticed(text), [])
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

  it("never throws, never lets an unsound bar through, and shows no control character, whatever the text or bytes", () => {
    const words = [
      "Date",
      "Open",
      "High",
      "Low",
      "Close",
      "2024-01-02",
      '"',
      "1",
      "2",
      "\u001b[2J",
      "\u202e",
      "<DATE>",
      "{",
      "[1",
      "sep=;"
    ]
    const cell = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...words))
    const line = fc
      .tuple(fc.array(cell, { maxLength: 7 }), fc.constantFrom(",", ";", "\t", "|"))
      .map(([cells, by]) => cells.join(by))
    const text = fc.array(line, { maxLength: 6 }).map((lines) => new TextEncoder().encode(lines.join("\n")))
    const known = fc
      .array(line, { maxLength: 3 })
      .map((lines) => new TextEncoder().encode([HEADER, GOOD, ...lines].join("\n")))
    const bytes = fc.oneof(text, known, fc.uint8Array({ maxLength: 200 }))
    fc.assert(
      fc.property(bytes, (given) => {
        const result = Effect.runSync(
          Effect.result(openMarket(Stream.make(given)).pipe(Effect.flatMap(({ bars }) => Stream.runCollect(bars))))
        )
        if (Result.isSuccess(result)) for (const { bar } of result.success) Schema.decodeUnknownSync(Bar)(bar)
        else {
          assert.notMatch(result.failure.message, /[\p{Cc}\p{Cf}\u2028\u2029]/u)
          assert.isBelow(result.failure.message.length, 1_500)
        }
      }),
      { numRuns: 500 }
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

import { assert, describe, it } from "@effect/vitest"
import { bar, bars, fault, GOOD, HEADER, noticed, row } from "../support/market-text.ts"

describe("the rows of a file of prices", () => {
  const REMEDY = "mend the row, or have such rows left out by --skip-bad"
  const BAD: ReadonlyArray<readonly [row: string, message: string]> = [
    ["2024-01-03,x,12,9,11,500", 'line 3, column open: "x" is not a number'],
    ["2024-01-03,10,12,9,0x1f,500", 'line 3, column close: "0x1f" is not a number'],
    ["2024-01-03,10,Infinity,9,11,500", 'line 3, column high: "Infinity" is not a number'],
    ["2024-01-03,10,NaN,9,11,500", `line 3, column high: the cell is empty: ${REMEDY}`],
    ["2024-01-03,10,1e999,9,11,500", "line 3, column high: the number is too large"],
    ["2024-01-03,10,12,,11,500", `line 3, column low: the cell is empty: ${REMEDY}`],
    ["2024-01-03,10,12,9,11,-1", `line 3, column volume: must not be negative: ${REMEDY}`],
    ["2024-01-03,10,12,0,11,500", `line 3, column low: a price must be above 0: ${REMEDY}`],
    ["2024-01-03,-10,12,9,11,500", `line 3, column open: a price must be above 0: ${REMEDY}`],
    ["2024-01-03,10,8,9,11,500", `line 3, column high: high is below low: ${REMEDY}`],
    ["2024-01-03,10,10.5,9,11,500", `line 3, column high: high is below open or close: ${REMEDY}`],
    ["2024-01-03,10,12,10.5,11,500", `line 3, column low: low is above open or close: ${REMEDY}`],
    ["2024-01-03,10,12,9,11", "line 3: the row has 5 cells, and the header 6"],
    ["2024-01-03,10,12,9,11,500,1", "line 3: the row has 7 cells, and the header 6"],
    [",10,12,9,11,500", "line 3, column date: the cell is empty"],
    ["2024-01-03T00:00:00Z,10,12,9,11,500", "line 3, column date: the time has an offset from UTC, unlike those before"]
  ]
  const DATES = [
    "2024-02-30",
    "2023-02-29",
    "2024-01-03 24:00",
    "soon",
    "2024-01/03",
    "1650-01-03",
    "2024-01-03 09:00 EST"
  ]

  it("refuses a bad row with its line, column and rule, and leaves it out with a count where asked to", () => {
    const after = "\n2024-01-09,10,12,9,11,500"
    for (const [text, message] of BAD) {
      assert.strictEqual(row(text), message)
      const whole = `${HEADER}\n${GOOD}\n${text}${after}`
      assert.lengthOf(bars(whole, { skipBad: true }), 2, text)
      assert.deepStrictEqual(noticed(whole, { skipBad: true }), [["bad_row", 1, [3]]])
    }
    for (const date of DATES) {
      assert.include(row(`${date},10,12,9,11,500`), `line 3, column date: "${date}" is not a date`)
    }
    assert.include(
      row("2024-01-01,10,12,9,11,500\n2024-01-05,1,1,1,1,1\n2024-01-06,1,1,1,1,1"),
      "line 3, column date: time goes backwards"
    )
  })

  it("does not mind what comes after the last time that is asked for", () => {
    const dayEnds = Date.UTC(2024, 0, 3) - 1
    for (const [text] of BAD.filter(([each]) => each.startsWith("2024-01-03"))) {
      assert.deepStrictEqual(bars(`${HEADER}\n${GOOD}\n${text}`, { until: { dayEnds } }), [bar])
    }
    assert.deepStrictEqual(bars(`${HEADER}\n2024-01-03,10,12,0,11,500\n${GOOD}`, { until: { dayEnds } }), [bar])
  })

  it("does not let what comes later say how the rest is written", () => {
    const day = "2024-01-02 00:00:00+09:00,10,12,9,11,500"
    const later = '2024-01-03 14:30:00+09:00,"1,5","1,7","1,2","1,6",5'
    const until = { dayEnds: Date.UTC(2024, 0, 3) - 1 }
    assert.deepStrictEqual(bars(`${HEADER}\n${day}\n${later}`, { until }), [bar])
    assert.deepStrictEqual(bars(`${HEADER}\n${day}`, { until }), [bar])
  })

  it("takes the later of two rows of the last day, and refuses them elsewhere unless they are the same", () => {
    const again = GOOD.replace(",500", ",600")
    assert.deepStrictEqual(bars(`${HEADER}\n${GOOD}\n${again}`), [{ ...bar, volume: 600 }])
    assert.deepStrictEqual(noticed(`${HEADER}\n${GOOD}\n${again}`), [["twice", 1, [3]]])
    const later = "2024-01-03,10,12,9,11,500"
    assert.include(
      fault(`${HEADER}\n${GOOD}\n${again}\n${later}`),
      "line 3, column date: the time is that of the row before, with other prices"
    )
    assert.lengthOf(bars(`${HEADER}\n${GOOD}\n${GOOD}\n${later}`), 2)
    assert.lengthOf(bars(`${HEADER}\n${GOOD}\n${again}\n${later}`, { skipBad: true }), 2)
  })

  it("tells a time that is too late from one that is too early", () => {
    const days = (...dates: ReadonlyArray<string>) =>
      [HEADER, ...dates.map((date) => `${date},10,12,9,11,500`)].join("\n")
    const late = days("2024-01-02", "2024-01-03", "2042-01-04", "2024-01-05", "2024-01-08", "2024-01-09")
    assert.include(fault(late), "line 4, column date: the time is later than those of the rows below")
    assert.lengthOf(bars(late, { skipBad: true }), 5)
    assert.deepStrictEqual(noticed(late, { skipBad: true }), [["bad_row", 1, [4]]])
    const early = days("2024-01-02", "2024-01-05", "2024-01-04", "2024-01-08")
    assert.include(fault(early), "line 4, column date: time goes backwards")
    assert.deepStrictEqual(noticed(early, { skipBad: true }), [["bad_row", 1, [4]]])
    assert.include(fault(days("2024-01-02", "2024-01-05", "2024-01-04")), "line 4, column date: time goes backwards")
  })

  it("refuses an hour that comes twice, with what to do about it", () => {
    const hours = ["00", "01", "02", "02", "03"].map(
      (hour) => `2024-10-27 ${hour}:00,1,2,1,${hour === "02" ? "1.5" : "1.2"},0`
    )
    const back = [...hours.slice(0, 3), "2024-10-27 02:30,1,2,1,1,0", ...hours.slice(3)]
    assert.include(
      fault([HEADER, ...back].join("\n")),
      "line 6, column date: time goes backwards by an hour or less, as where summer time ends: say by --time-zone"
    )
    const times = (lines: ReadonlyArray<string>) =>
      bars([HEADER, ...lines].join("\n"), { timeZone: "Europe/Berlin" }).map(({ time }) =>
        new Date(time).toISOString().slice(11, 16)
      )
    const right = ["22:00", "23:00", "00:00", "01:00", "02:00"]
    assert.deepStrictEqual(times(hours), right)
    assert.deepStrictEqual(times(hours.toReversed()), right)
    assert.deepStrictEqual(times(back), ["22:00", "23:00", "00:00", "00:30", "01:00", "01:00", "02:00"].toSpliced(5, 1))
    assert.include(
      fault([HEADER, ...hours].join("\n"), { timeZone: "Mars" }),
      '"Mars" is no time zone such as Europe/Berlin'
    )
  })

  it("leaves out notes, headers that come again, comments and rows without prices, and says so", () => {
    const text = [
      "# made by hand",
      "Prices of XYZ",
      HEADER,
      GOOD,
      "2024-01-03,,,,,700",
      "# in between",
      HEADER,
      "2024-01-04,10,12,9,11,-",
      "Total,,,,,1200",
      "Downloaded today"
    ].join("\n")
    assert.deepStrictEqual(bars(text), [bar, { ...bar, time: Date.UTC(2024, 0, 4), volume: 0 }])
    assert.deepStrictEqual(noticed(text), [
      ["without_prices", 1, [5]],
      ["header_again", 1, [7]],
      ["volume_missing", 1, [8]],
      ["not_a_row", 2, [9, 10]]
    ])
  })
})

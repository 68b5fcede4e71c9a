// What comes after the last time that is asked for does not matter, and what only seems to come after it is told.
import { assert, describe, it } from "@effect/vitest"
import { bar, bars, fault, GOOD, HEADER, noticed } from "../support/market-text.ts"

const day = (date: string) => `${date},10,12,9,11,500`
const file = (...dates: ReadonlyArray<string>) => [HEADER, ...dates.map(day)].join("\n")
const to = (date: string) => ({ until: { dayEnds: Date.parse(date) + 86_400_000 - 1 } })
const daysOf = (text: string, options: Parameters<typeof bars>[1]) =>
  bars(text, options).map(({ time }) => new Date(time).toISOString().slice(0, 10))

describe("the last time that is asked for", () => {
  it("leaves what comes after it unread, however that is written and whatever is wrong in it", () => {
    const asked = to("2024-01-02")
    for (const later of [day("04/01/2024"), day("1704412800"), day("4 janvier 2024")]) {
      assert.deepStrictEqual(bars([HEADER, GOOD, later].join("\n"), asked), [bar], later)
      assert.lengthOf(bars([HEADER, later, GOOD, day("2024-01-01")].join("\n"), asked), 2, later)
    }
    for (const bad of [day("soon"), "2024-01-05,10", '2024-01-05,"10', '2024-01-05,1"0"1,1', "2024-01-05,a,b,c,d,e"]) {
      assert.deepStrictEqual(bars([HEADER, GOOD, day("2024-01-03"), bad].join("\n"), asked), [bar], bad)
    }
    for (const bad of [day("soon"), "2024-01-05,a,b,c,d,e", "soon,a,b,c,d,1"]) {
      const rows = [HEADER, bad, day("2024-01-03"), GOOD, day("2024-01-01")]
      assert.lengthOf(bars(rows.join("\n"), asked), 2, bad)
    }
    const objects = ['{"t":"2024-01-02","o":1,"h":1,"l":1,"c":1}', '{"t":"2024-01-03","o":1,"h":1,"l":1,"c":1}', "{"]
    assert.lengthOf(bars(objects.join("\n"), to("2024-01-02")), 1)
  })

  it("takes numbers that come later for nothing that tells of the unit of those before", () => {
    const of = (...times: ReadonlyArray<number>) => bars(file(...times.map(String)), to("1990-01-01"))
    const later = Date.UTC(2031, 2, 18)
    assert.lengthOf(of(19850301, 19850302, later), 2)
    assert.deepStrictEqual(
      of(478_483_200, 478_569_600, later).map(({ time }) => time),
      [478_483_200_000, 478_569_600_000]
    )
  })

  it("has rows of another form refused where one of their readings would count", () => {
    const both = file("2024-01-02", "03/01/2024")
    assert.lengthOf(bars(both, to("2024-01-02")), 1)
    assert.include(fault(both, to("2024-01-03")), "dates are written in more than one way")
    assert.include(fault(both), "dates are written in more than one way")
  })

  it("does not end at a single time that is too late, but names it, or leaves it out where asked to", () => {
    const good = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"]
    const cases = [
      [good.toSpliced(2, 0, "2042-01-04"), 4, "below: rows must be oldest first"],
      [good.toSpliced(2, 0, "2042-01-04", "2042-01-05"), 4, "below: rows must be oldest first"],
      [["2042-01-01", ...good], 2, "below: rows must be oldest first"],
      [good.toReversed().toSpliced(2, 0, "2042-01-05"), 4, "above: rows must be newest first"]
    ] as const
    for (const [dates, line, where] of cases) {
      const text = file(...dates)
      const late = dates.filter((date) => date.startsWith("2042"))
      const rule = `line ${line}, column date: the time is later than those of the rows ${where}`
      for (const asked of ["2024-01-05", "2024-02-01"]) {
        assert.strictEqual(fault(text, to(asked)), rule, dates.join())
        const options = { ...to(asked), skipBad: true }
        assert.deepStrictEqual(
          daysOf(text, options),
          good.filter((each) => each <= asked),
          dates.join()
        )
        assert.deepStrictEqual(noticed(text, options), [["bad_row", late.length, late.map((_, at) => line + at)]])
      }
      // Before it all is well, where what is wrong comes later.
      if (line === 4 && where.startsWith("below")) assert.deepStrictEqual(daysOf(text, to("2024-01-03")).length, 2)
    }
  })

  it("tells of rows behind it that go back in time: two wrong dates, or one, may hide a row that counts", () => {
    const two = file("2024-01-02", "2024-01-03", "2042-01-04", "2014-01-05")
    assert.deepStrictEqual(noticed(two, to("2024-02-01")), [["later_unordered", 1, [5]]])
    const one = file("2024-01-02", "2042-01-03", "2024-01-04", "2024-01-05")
    assert.deepStrictEqual(noticed(one, to("2024-01-03")), [["later_unordered", 2, [4, 5]]])
    assert.deepStrictEqual(noticed(file("2024-01-02", "2024-01-03", "2024-01-04"), to("2024-01-02")), [])
  })

  it("says nothing of rows that do not count", () => {
    const text = `${file("2023-12-29", "2024-01-02", "2024-01-03")}\n2024-01-04,,,,,\n${HEADER}\n2024-01-01,1,1,1,1,1\nDownloaded,,,,,`
    // But for an old one behind them: its time may be wrong, or theirs.
    assert.deepStrictEqual(noticed(text, { ...to("2024-01-02"), skipBad: true }), [["later_unordered", 1, [7]]])
    assert.lengthOf(bars(text, to("2024-01-02")), 2)
  })
})

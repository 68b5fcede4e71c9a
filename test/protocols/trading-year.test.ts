import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { tryTool } from "../../actors/tools/use.ts"
import { volatility } from "../../actors/tools/volatility.ts"
import { tradingYearOf } from "../../protocols/index.ts"

const MINUTE = 60_000
const DAY = 86_400_000
/** Monday, the first of January 2024. */
const MONDAY = Date.UTC(2024, 0, 1)
const isWeekend = (day: number) => [0, 6].includes(new Date(day).getUTCDay())

interface Market {
  readonly interval: number
  /** In minutes of a day. */
  readonly open: number
  readonly close: number
  readonly weekends: boolean
}

/** When bars begin on so many days, from the given one on. */
const timesOf = ({ interval, open, close, weekends }: Market, days: number, off: (day: number) => boolean) =>
  Array.from({ length: days }, (_, index) => MONDAY + index * DAY)
    .filter((day) => (weekends || !isWeekend(day)) && !off((day - MONDAY) / DAY))
    .flatMap((day) => {
      const count = Math.floor(((close - open) * MINUTE) / interval)
      return Array.from({ length: count }, (_, bar) => day + open * MINUTE + bar * interval)
    })

const never = () => false
const HOURS_24 = { open: 0, close: 1_440 }
const NEW_YORK = { open: 14 * 60 + 30, close: 21 * 60 }
const table: ReadonlyArray<readonly [string, Market, number]> = [
  ["five minutes of a stock exchange", { interval: 5 * MINUTE, ...NEW_YORK, weekends: false }, 252 * 78],
  ["minutes of a stock exchange", { interval: MINUTE, ...NEW_YORK, weekends: false }, 252 * 390],
  ["hours of currencies", { interval: 60 * MINUTE, ...HOURS_24, weekends: false }, ((365.25 * 5) / 7) * 24],
  ["hours of a coin", { interval: 60 * MINUTE, ...HOURS_24, weekends: true }, 365.25 * 24],
  ["days of a coin", { interval: DAY, ...HOURS_24, weekends: true }, 365.25]
]

describe("a year of trading", () => {
  for (const [name, market, expected] of table) {
    it(`is found out of ${name}`, () => {
      assert.approximately(tradingYearOf(timesOf(market, 40, never))?.bars_per_year ?? 0, expected, 1e-6)
    })
  }

  it("is the same wherever a window of it begins and ends, and holidays and holes fall", () => {
    const markets = fc.record({
      interval: fc.constantFrom(5, 10, 15, 30).map((minutes) => minutes * MINUTE),
      open: fc.constantFrom(420, 480, 570, 810),
      hours: fc.constantFrom(5, 6, 7, 8)
    })
    const off = fc.record({ holiday: fc.integer({ min: 1, max: 30 }), hole: fc.integer({ min: 5, max: 60 }) })
    fc.assert(
      fc.property(markets, off, fc.nat(), ({ interval, open, hours }, { holiday, hole }, from) => {
        const market = { interval, open, close: open + hours * 60, weekends: false }
        const closed = (day: number) => day === holiday || (day > 40 && day < 40 + hole)
        const times = timesOf(market, 120, closed)
        const window = times.slice(from % (times.length - 256)).slice(0, 256)
        assert.strictEqual(tradingYearOf(window)?.bars_per_year, 252 * ((hours * 60 * MINUTE) / interval))
      })
    )
  })

  it("is 252 days where weekdays are missing now and then, and 261 where none is in a quarter", () => {
    const days = { interval: DAY, open: 0, close: 1_440, weekends: false }
    const yearOf = (off: (day: number) => boolean, count = 180) => tradingYearOf(timesOf(days, count, off))?.year
    assert.strictEqual(yearOf(never), "261 days")
    assert.strictEqual(
      yearOf((day) => day === 14),
      "252 days"
    )
    assert.strictEqual(
      yearOf((day) => day > 60 && day < 90),
      "261 days",
      "a month without bars is no holiday"
    )
    assert.strictEqual(yearOf(never, 20), "252 days", "too few to tell")
  })

  it("is of weeks, months, quarters and years what it is called", () => {
    const every = (days: number) => tradingYearOf(Array.from({ length: 20 }, (_, index) => index * days * DAY))?.year
    assert.deepStrictEqual([7, 30, 91, 365].map(every), ["weeks", "months", "quarters", "years"])
  })

  it("is of weekdays where days begin in the evening before by UTC, and of sessions in a window that is shorter than one", () => {
    for (const hours of [-1, -2, -9, -13, 4, 5]) {
      const days = timesOf({ interval: DAY, open: 0, close: 1_440, weekends: false }, 180, never)
      assert.strictEqual(
        tradingYearOf(days.map((day) => day + hours * 3_600_000))
          ?.bars_per_year.toFixed(0)
          .slice(0, 1),
        "2"
      )
    }
    const minutes = timesOf({ interval: MINUTE, ...NEW_YORK, weekends: false }, 3, never)
    for (const from of [300, 330, 350, 389]) {
      assert.strictEqual(tradingYearOf(minutes.slice(from, from + 128))?.year, "252 days of 390 bars", `${from}`)
    }
  })

  it("is known of a morning alone where the exchange is, and all day long where it is not", () => {
    const morning = (open: number) =>
      tradingYearOf(Array.from({ length: 60 }, (_, bar) => MONDAY + open * MINUTE + bar * MINUTE))?.year
    assert.deepStrictEqual([morning(870), morning(600)], ["252 days of 390 bars", "365 days of 1440 bars"])
    assert.isUndefined(tradingYearOf([MONDAY]))
  })

  it("is nothing that a single bar tells, and nothing breaks it", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: -1e12, max: 4e12 }), { maxLength: 60 }), (times) => {
        const found = tradingYearOf(times.toSorted((a, b) => a - b))?.bars_per_year
        assert.strictEqual(found === undefined, times.length < 2)
        if (found !== undefined) assert.isTrue(Number.isFinite(found) && found > 0)
      })
    )
  })
})

describe("volatility for a year", () => {
  const annualOf = (time: ReadonlyArray<number>, bars_per_year?: number) => {
    const close = time.map((_, index) => (index % 2 === 0 ? 100 : 101))
    const flat = { open: close, high: close, low: close, close, volume: time.map(() => 1) }
    const given = bars_per_year === undefined ? {} : { bars_per_year }
    const found = tryTool(volatility, { period: 20 }, { bars: { time, ...flat, ...given }, past: [] })
    return found._tag === "Success" ? found.value.annualized : Number.NaN
  }

  it("is the same at any place of the week for a walk of constant volatility, and follows what is given", () => {
    const times = timesOf({ interval: 5 * MINUTE, ...NEW_YORK, weekends: false }, 60, (day) => day === 9)
    const all = Array.from({ length: 800 }, (_, from) => annualOf(times.slice(from, from + 128)))
    for (const each of all) assert.approximately(each, all[0]!, all[0]! * 1e-9)
    assert.approximately(annualOf(times.slice(0, 128), 4 * 252 * 78), 2 * all[0]!, 1e-9)
  })

  it("is that of a year of 252 sessions where a file has minutes of one", () => {
    const text = readFileSync(join(import.meta.dirname, "../market/files/a19-minutes-one-session.csv"), "utf8")
    const times = text
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => Date.parse(line.split(",")[0]!))
    assert.strictEqual(tradingYearOf(times.slice(0, 330))?.bars_per_year, 98_280)
  })
})

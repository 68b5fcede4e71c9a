// Any writer with any quirk: what it wrote is read back, or refused with a sentence. Never is it silently something else.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Stream } from "effect"
import fc from "fast-check"
import { openMarket, type ReadOptions } from "../../market/index.ts"
import type { Bar } from "../../protocols/index.ts"
import { series, type Writing, writeBars, writing, writtenBars } from "../support/layouts.ts"

const MINUTE = 60_000
const DAY = 1_440 * MINUTE

const read = (bytes: Uint8Array, options: ReadOptions = {}) =>
  Effect.runPromise(
    Effect.result(openMarket(Stream.make(bytes), options).pipe(Effect.flatMap(({ bars }) => Stream.runCollect(bars))))
  )

/** Whether there is but one thing that the file can say. */
const isCertain = (bars: ReadonlyArray<Bar>, { date, quirk, newestFirst }: Writing): boolean => {
  // Of the months about 1970 numbers are small: one and the same can be milliseconds then, or seconds of another year.
  if (/^(s|ms|us|ns|s-fraction)$/.test(date) && Math.abs(bars[0]!.time) <= 100 * DAY) return false
  // One time alone, twice or beside one that does not count, has no order.
  if (bars.length === 1 && (quirk === "last-twice" || quirk === "later")) return false
  return quirk !== "later" || !newestFirst || bars.length > 2
}

describe("any writer with any quirk", () => {
  it("is read back, or refused with a sentence", async () => {
    let taken = 0
    const runs = 800
    await fc.assert(
      fc.asyncProperty(series, writing, async (bars, way) => {
        fc.pre(isCertain(bars, way))
        const options = way.quirk === "later" ? { until: { instant: bars.at(-1)!.time } } : {}
        const result = await read(writeBars(bars, way), options)
        if (Result.isFailure(result)) {
          assert.match(result.failure.message, /^[^\p{Cc}\p{Cf}]{10,}$/u)
          return
        }
        // Nothing that can be read is up to the time that was asked for, which is said as well.
        if (way.quirk === "later" && result.success.length === 0) return
        taken++
        const found = result.success.map(({ bar }) => bar)
        // Of days with an offset the day counts, and not its midnight elsewhere.
        const shift = way.date === "iso-offset" && found[0]?.time !== bars[0]?.time ? 3_600_000 : 0
        assert.isTrue(shift === 0 || result.success.every(({ local }) => local % DAY === 0))
        assert.deepStrictEqual(
          found.map((bar) => ({ ...bar, time: bar.time - shift })),
          writtenBars(bars, way)
        )
      }),
      { numRuns: runs }
    )
    // That most are refused would be true as well of a reader that reads nothing.
    assert.isAbove(taken / runs, 0.5)
  })

  it("and any place's clock, also where an hour comes twice, gives the instants that it showed", async () => {
    const zones = fc.constantFrom("Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Tokyo")
    const hours = fc.record({
      timeZone: zones,
      // From a day before the clocks change to a day behind: in October, November, April and March.
      from: fc.constantFrom(Date.UTC(2024, 9, 26, 12), Date.UTC(2024, 10, 2, 12), Date.UTC(2024, 3, 6, 0)),
      interval: fc.constantFrom(15 * MINUTE, 30 * MINUTE, 60 * MINUTE),
      newestFirst: fc.boolean()
    })
    await fc.assert(
      fc.asyncProperty(hours, async ({ timeZone, from, interval, newestFirst }) => {
        const times = Array.from({ length: (2 * DAY) / interval }, (_, at) => from + at * interval)
        const shown = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" })
        const rows = times.map((time, at) => `${shown.format(time)},2,3,1,${1 + (at % 7) / 10},${at}`)
        const lines = ["Date,Open,High,Low,Close,Volume", ...(newestFirst ? rows.toReversed() : rows)]
        const bytes = Buffer.from(lines.join("\n"))
        const known = Result.getOrThrow(await read(bytes, { timeZone }))
        assert.deepStrictEqual(
          known.map(({ bar }) => [bar.time, bar.volume]),
          times.map((time, at) => [time, at])
        )
        const twice = new Set(rows.map((row) => row.slice(0, 19))).size < rows.length
        assert.strictEqual(Result.isFailure(await read(bytes)), twice)
      }),
      { numRuns: 30 }
    )
  })
})

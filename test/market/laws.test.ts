// What holds of every file of prices: up to a time it is the same bars, and one mistyped date loses no other row in silence.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Stream } from "effect"
import fc from "fast-check"
import { openMarket, type ReadOptions } from "../../market/index.ts"
import { series, type Writing, writeBars, writing, writtenBars } from "../support/layouts.ts"
import { HEADER } from "../support/market-text.ts"

const DAY = 86_400_000

/** The bars of a file that comes in pieces of a size, and what was told. */
const read = (bytes: Uint8Array, options: ReadOptions, size = bytes.length) => {
  const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size)
  )
  return Effect.gen(function* () {
    const { bars, notices } = yield* openMarket(Stream.fromIterable(parts), options)
    const found = yield* Stream.runCollect(bars)
    return { bars: found.map(({ bar }) => bar), notices: notices() }
  }).pipe(Effect.result, Effect.runPromise)
}

const isEpoch = ({ date }: Writing) => /^(s|ms|us|ns|s-fraction)$/.test(date)

describe("every file", () => {
  it("has the same bars up to a time, in pieces of any size", async () => {
    const piece = fc.integer({ min: 1, max: 60 })
    await fc.assert(
      fc.asyncProperty(series, writing, fc.nat(), piece, async (bars, way, pick, size) => {
        // Numbers of about 1970 have no certain unit; days of a place are not told by some of them.
        fc.pre(bars.length > 4 && way.date !== "iso-offset")
        fc.pre(!isEpoch(way) || Math.abs(bars[0]!.time) > 100 * DAY)
        const at = 2 + (pick % (bars.length - 3))
        const until = { instant: bars[at]!.time }
        const bytes = writeBars(bars, way)
        const result = await read(bytes, { until })
        if (Result.isFailure(result) || result.success.bars.length === 0) return
        assert.deepStrictEqual(result.success.bars, writtenBars(bars, way).slice(0, at + 1))
        assert.deepStrictEqual(await read(bytes, { until }, size), result)
      }),
      { numRuns: 200 }
    )
  })

  it("is refused where one date is mistyped, or has all other bars, or says how many it left out", async () => {
    const file = fc.record({
      count: fc.integer({ min: 6, max: 14 }),
      place: fc.nat(13),
      off: fc.oneof(fc.integer({ min: -9_000, max: 9_000 }), fc.integer({ min: -20, max: 20 })),
      end: fc.option(fc.integer({ min: 2, max: 20 })),
      newestFirst: fc.boolean(),
      skipBad: fc.boolean()
    })
    await fc.assert(
      fc.asyncProperty(file, async ({ count, place, off, end, newestFirst, skipBad }) => {
        const days = Array.from({ length: count }, (_, at) => Date.UTC(2024, 0, 1) + at * DAY)
        const wrong = place % count
        const rows = days.map((day, at) => {
          const written = new Date(at === wrong ? day + off * DAY : day)
          return `${written.toISOString().slice(0, 10)},10,12,9,11,${at}`
        })
        const last = end === null ? Number.POSITIVE_INFINITY : days[0]! + end * DAY
        const until = end === null ? {} : { until: { instant: last } }
        const text = [HEADER, ...(newestFirst ? rows.toReversed() : rows)].join("\n")
        const result = await read(Buffer.from(text), { skipBad, ...until })
        if (Result.isFailure(result)) return
        const { bars, notices } = result.success
        const left = notices.filter(({ kind }) => kind === "bad_row" || kind === "twice")
        const have = new Set(bars.map(({ volume }) => volume))
        const lost = days.filter((day, at) => at !== wrong && day <= last && !have.has(at))
        assert.isAtMost(
          lost.length,
          left.map(({ count: rowCount }) => rowCount).reduce((sum, each) => sum + each, 0),
          text
        )
        assert.deepStrictEqual(
          bars,
          bars.toSorted((one, other) => one.time - other.time)
        )
      }),
      { numRuns: 500 }
    )
  })
})

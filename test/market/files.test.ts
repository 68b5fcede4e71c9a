// Files as programs export them: each is the same bars as the canonical one, or refused with what to do.
import { createReadStream, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Stream } from "effect"
import { quantOpinion } from "../../actors/index.ts"
import { openMarket, Quality, type ReadBar, type ReadOptions, shapeText } from "../../market/index.ts"
import { PANEL, toWindow } from "../../protocols/index.ts"

const FILES = join(import.meta.dirname, "files")

const readBytes = (bytes: Uint8Array, options: ReadOptions = {}) =>
  Effect.gen(function* () {
    const market = yield* openMarket(Stream.make(bytes), options)
    const read = yield* Stream.runCollect(market.bars)
    const quality = new Quality()
    for (const each of read) quality.add(each)
    return { read, series: quality.series, notices: [...market.notices(), ...quality.notices], shape: market.shape }
  })
const readFile = (name: string, options: ReadOptions = {}) => readBytes(readFileSync(join(FILES, name)), options)

const barsOf = (read: ReadonlyArray<ReadBar>) => read.map(({ bar }) => bar)
const days = Effect.runSync(readFile("canonical-days.csv"))
const hours = Effect.runSync(readFile("canonical-hours.csv"))

/** What the panel says of the last bars. */
const votesOn = (read: ReadonlyArray<ReadBar>) =>
  PANEL.map((type) => {
    const { decision, confidence } = quantOpinion(
      type,
      { bars: toWindow(barsOf(read)) },
      { executionPrefix: "x", now: () => 0 }
    )
    return [type, decision, Number(confidence.toFixed(4))]
  })

const SAME: ReadonlyArray<readonly [file: string, as: typeof days, told: ReadonlyArray<string>]> = [
  ["a01-three-header-rows.csv", days, []],
  ["a02-last-row-without-prices.csv", days, ["without_prices"]],
  ["a04-klines-milliseconds-no-header.csv", hours, []],
  ["a05-klines-with-header.csv", hours, []],
  ["a06-unix-seconds.csv", hours, []],
  ["a09-angle-brackets-compact-dates.txt", days, []],
  ["a10-semicolon-decimal-comma.csv", days, []],
  ["a12-newest-first.csv", days, []],
  ["a17-days-with-offset-tokyo.csv", days, []]
]

describe("files of other programs", () => {
  for (const [file, as, told] of SAME) {
    it.effect(`${file} has the canonical bars`, () =>
      Effect.gen(function* () {
        const found = yield* readFile(file)
        assert.deepStrictEqual(barsOf(found.read), barsOf(as.read))
        assert.deepStrictEqual(
          found.notices.map(({ kind }) => kind),
          told
        )
      })
    )
  }

  it.effect("of other volumes, scales or days, the votes are the canonical ones", () =>
    Effect.gen(function* () {
      for (const file of [
        "a13-split-with-adj-close.csv",
        "a08-price-column-thousands-mdy.csv",
        "a15-last-day-twice.csv",
        "a23-volume-nan.csv"
      ]) {
        const found = yield* readFile(file)
        assert.deepStrictEqual(votesOn(found.read), votesOn(days.read), file)
        assert.deepStrictEqual(
          found.read.map(({ bar }) => bar.time),
          days.read.map(({ bar }) => bar.time),
          file
        )
      }
      // All prices are about 3% lower, as dividends were taken off.
      const ulp = votesOn((yield* readFile("a03-adjusted-one-ulp.csv")).read)
      for (const [index, [, decision, confidence]] of votesOn(days.read).entries()) {
        assert.strictEqual(ulp[index]?.[1], decision)
        assert.closeTo(Number(ulp[index]?.[2]), Number(confidence), 0.001)
      }
      const ticks = yield* readFile("a07-mt5-tabs.csv")
      assert.deepStrictEqual(votesOn(ticks.read), votesOn(hours.read))
      assert.deepStrictEqual(
        ticks.read.map(({ bar }) => bar.close),
        hours.read.map(({ bar }) => bar.close)
      )
    })
  )

  it.effect("what was left out or looks wrong is told with its lines", () =>
    Effect.gen(function* () {
      const told = (file: string) =>
        Effect.map(readFile(file), ({ notices }) => notices.map(({ kind, lines }) => [kind, lines]))
      assert.deepStrictEqual(yield* told("a03-adjusted-one-ulp.csv"), [["rounded", [96]]])
      assert.deepStrictEqual(yield* told("a21-hundredfold-row.csv"), [["outlier", [157]]])
      assert.deepStrictEqual(yield* told("a15-last-day-twice.csv"), [["twice", [172]]])
      assert.deepStrictEqual(yield* told("a23-volume-nan.csv").pipe(Effect.map((all) => all.map(([kind]) => kind))), [
        "volume_missing",
        "no_volume"
      ])
      assert.deepStrictEqual(
        yield* told("a14-day-without-trade-zeros.csv").pipe(Effect.map((all) => all.map(([kind]) => kind))),
        ["without_trade"]
      )
      const hole = (yield* readFile("a20-hole-of-months.csv")).notices
      assert.deepStrictEqual(
        hole.map(({ kind }) => kind),
        ["hole"]
      )
      assert.match(hole[0]?.text ?? "", /from 2023-\d\d-\d\d to 2024-\d\d-\d\d/)
      assert.deepStrictEqual((yield* readFile("a18-price-above-deposit.csv")).notices, [])
      assert.deepStrictEqual(days.notices, [])
      assert.deepStrictEqual(hours.notices, [])
    })
  )

  it.effect("a split that nobody adjusted for is warned of", () =>
    Effect.gen(function* () {
      const { notices } = yield* readFile("a13-split-with-adj-close.csv", { prices: "as-written" })
      assert.deepStrictEqual(
        notices.map(({ kind }) => kind),
        ["split_like"]
      )
      assert.include(notices[0]?.text, "4 for 1")
    })
  )

  it.effect("two symbols are refused with both names, or the one that is asked for is read", () =>
    Effect.gen(function* () {
      const file = "a11-two-symbols-one-after-the-other.csv"
      const refused = yield* Effect.flip(readFile(file))
      assert.include(refused.message, 'more than one symbol, "XYZ", "ABC"')
      const { read } = yield* readFile(file, { symbol: "XYZ" })
      assert.deepStrictEqual(
        read.map(({ bar }) => bar.close),
        days.read.map(({ bar }) => bar.close)
      )
      assert.lengthOf((yield* readFile(file, { symbol: "abc" })).read, 170)
      // One symbol alone is read whatever is asked for, and said.
      const other = yield* readFile("a09-angle-brackets-compact-dates.txt", { symbol: "ACME" })
      assert.strictEqual(shapeText(other.shape), 'commas, days, the symbol "XYZ.US"')
    })
  )

  it.effect("a day is one of the exchange", () =>
    Effect.gen(function* () {
      const until = { dayEnds: Date.UTC(2024, 4, 10) - 1 }
      const { read } = yield* readFile("a17-days-with-offset-tokyo.csv", { until })
      assert.strictEqual(read.at(-1)?.bar.time, Date.UTC(2024, 4, 9))
      assert.deepStrictEqual(votesOn(read), votesOn((yield* readFile("canonical-days.csv", { until })).read))
    })
  )

  it.effect("what goes back before 1970 is read", () =>
    Effect.gen(function* () {
      const { read } = yield* readFile("a16-before-1970.csv")
      assert.strictEqual(read[0]?.bar.time, Date.UTC(1969, 8, 1))
      assert.lengthOf(read, 170)
    })
  )

  it.effect("a session is found", () =>
    Effect.gen(function* () {
      const { series } = yield* readFile("a19-minutes-one-session.csv")
      assert.deepStrictEqual(series.session, { from: 13 * 60 + 30, to: 19 * 60 + 59 })
      assert.strictEqual(series.intervalMillis, 60_000)
    })
  )

  it.effect("a header that could steer a terminal is shown written out, and cut", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(readFile("a22-escape-in-header.csv"))
      assert.include(message, "column date: the column is missing")
      assert.include(message, "\\u001b[2J")
      assert.notMatch(message, /\p{Cc}/u)
      const long = new TextEncoder().encode(`${"x".repeat(1_300_000)},Open,High,Low,Close\n`)
      assert.isBelow((yield* Effect.flip(readBytes(long))).message.length, 300)
    })
  )

  it.effect("packed files and other encodings are the same, and other kinds of file are named", () =>
    Effect.gen(function* () {
      const text = readFileSync(join(FILES, "canonical-days.csv"), "utf8")
      const little = Buffer.from(`\uFEFF${text}`, "utf16le")
      const packings = [
        gzipSync(text),
        little,
        Buffer.from(little).swap16(),
        Buffer.from(text, "utf16le"),
        gzipSync(little)
      ]
      for (const bytes of packings) assert.deepStrictEqual((yield* readBytes(bytes)).read, days.read)
      const cut = gzipSync(text)
      const wrong: ReadonlyArray<readonly [Uint8Array, string]> = [
        [cut.subarray(0, cut.length - 20), "damaged or cut short"],
        [Buffer.from("PK\u0003\u0004..."), "it is a zip archive or a workbook"],
        [Buffer.from("<!DOCTYPE html>"), "it is a web page"],
        [Buffer.from("a\u0000b"), "it is no text"]
      ]
      for (const [bytes, sentence] of wrong) {
        const result = yield* Effect.result(readBytes(bytes))
        assert.include(Result.isFailure(result) ? result.failure.message : "read", sentence)
      }
    })
  )

  it.effect("all files are named here", () =>
    Effect.sync(() => {
      const here = readFileSync(import.meta.filename, "utf8")
      for (const name of readdirSync(FILES)) assert.include(here, name)
    })
  )

  it.live("a file is read in pieces of any size", () =>
    Effect.gen(function* () {
      const bytes = NodeStream.fromReadable<Uint8Array, Error>({
        evaluate: () => createReadStream(join(FILES, "a10-semicolon-decimal-comma.csv"), { highWaterMark: 7 }),
        onError: (cause) => new Error(String(cause))
      })
      const market = yield* openMarket(bytes)
      assert.deepStrictEqual(barsOf(yield* Stream.runCollect(market.bars)), barsOf(days.read))
    })
  )
})

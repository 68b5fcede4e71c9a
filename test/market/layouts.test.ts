// Any writer with any quirk: what it wrote is read back, or refused with a sentence. Never is it silently something else.
import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Stream } from "effect"
import fc from "fast-check"
import { openMarket } from "../../market/index.ts"
import type { Bar } from "../../protocols/index.ts"

const MINUTE = 60_000
const DAY = 1_440 * MINUTE

/** Bars as an exchange has them: prices to the hundredth, one interval apart, with nights or weekends left out. */
const series = fc
  .record({
    interval: fc.constantFrom(MINUTE, 60 * MINUTE, DAY),
    start: fc.integer({ min: -3_000, max: 20_000 }),
    level: fc.constantFrom(3, 150, 5_200, 97_000),
    steps: fc.array(fc.tuple(fc.integer({ min: -300, max: 300 }), fc.integer({ min: 0, max: 99 }), fc.nat(5_000_000)), {
      minLength: 1,
      maxLength: 40
    })
  })
  .map(({ interval, start, level, steps }) => {
    let close = level * 100
    return steps.map(([move, range, volume], at): Bar => {
      const open = close
      close = Math.max(100, Math.round(close * (1 + move / 10_000)))
      const time = start * DAY + at * interval
      const [high, low] = [Math.max(open, close) + range, Math.max(1, Math.min(open, close) - range)]
      return { time, open: open / 100, high: high / 100, low: low / 100, close: close / 100, volume }
    })
  })

interface Writing {
  readonly date:
    | "iso"
    | "iso-offset"
    | "day-first"
    | "dots"
    | "month-first"
    | "compact"
    | "s"
    | "ms"
    | "us"
    | "ns"
    | "named"
  readonly numbers: "plain" | "grouped" | "comma" | "comma-grouped" | "dollars"
  readonly delimiter: "," | ";" | "\t" | "|"
  readonly names: "english" | "german" | "angles" | "short" | "none"
  readonly order: ReadonlyArray<number>
  readonly newestFirst: boolean
  readonly end: "\n" | "\r\n" | "\r"
  readonly bytes: "utf8" | "bom" | "utf16" | "gzip"
  readonly quirk:
    | "none"
    | "comment"
    | "footer"
    | "last-twice"
    | "empty-row"
    | "header-again"
    | "extra-column"
    | "blank-lines"
    | "sep"
    | "trailing"
}

const writing: fc.Arbitrary<Writing> = fc.record({
  date: fc.constantFrom(
    "iso",
    "iso-offset",
    "day-first",
    "dots",
    "month-first",
    "compact",
    "s",
    "ms",
    "us",
    "ns",
    "named"
  ),
  numbers: fc.constantFrom("plain", "grouped", "comma", "comma-grouped", "dollars"),
  delimiter: fc.constantFrom(",", ";", "\t", "|"),
  names: fc.constantFrom("english", "german", "angles", "short", "none"),
  order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }),
  newestFirst: fc.boolean(),
  end: fc.constantFrom("\n", "\r\n", "\r"),
  bytes: fc.constantFrom("utf8", "bom", "utf16", "gzip"),
  quirk: fc.constantFrom(
    ...([
      "none",
      "comment",
      "footer",
      "last-twice",
      "empty-row",
      "header-again",
      "extra-column",
      "blank-lines"
    ] as const),
    ...(["sep", "trailing"] as const)
  )
})

const NAMES = {
  english: ["Date", "Open", "High", "Low", "Close", "Volume"],
  german: ["Datum", "Eröffnung", "Hoch", "Tief", "Schlusskurs", "Volumen"],
  angles: ["<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<VOL>"],
  short: ["t", "o", "h", "l", "c", "v"]
} as const

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")

const dateText = (time: number, form: Writing["date"]): string => {
  const iso = new Date(time).toISOString()
  const [year, month, day, clock] = [iso.slice(0, 4), iso.slice(5, 7), iso.slice(8, 10), iso.slice(11, 16)]
  const tail = clock === "00:00" ? "" : ` ${clock}`
  if (form === "iso") return `${year}-${month}-${day}${tail}`
  if (form === "iso-offset") return `${new Date(time + 3_600_000).toISOString().slice(0, 19)}+01:00`
  if (form === "day-first") return `${day}/${month}/${year}${tail}`
  if (form === "dots") return `${day}.${month}.${year}${tail}`
  if (form === "month-first") return `${month}/${day}/${year}${tail}`
  if (form === "compact") return `${year}${month}${day}${clock === "00:00" ? "" : clock.replace(":", "")}`
  if (form === "named") return `${MONTHS[Number(month) - 1]} ${day} ${year}${tail}`
  return { s: String(time / 1_000), ms: String(time), us: `${time * 1_000}`, ns: String(BigInt(time) * 1_000_000n) }[
    form
  ]
}

const numberText = (value: number, form: Writing["numbers"], whole: boolean): string => {
  const plain = whole ? String(value) : value.toFixed(2)
  const grouped = plain.replace(/\B(?=(\d{3})+(?!\d))/g, ",")
  const swapped = (text: string) => text.replaceAll(/[.,]/g, (each) => (each === "." ? "," : "."))
  return {
    plain,
    grouped: whole ? plain : grouped.includes(",") ? grouped.replace(/(,.*?)\.(\d+)$/, "$1.$2") : plain,
    comma: plain.replace(".", ","),
    "comma-grouped": swapped(grouped),
    dollars: whole ? plain : `$${plain}`
  }[form]
}

/** A file as somebody writes these bars. */
const write = (bars: ReadonlyArray<Bar>, way: Writing): Uint8Array => {
  const { delimiter, quirk } = way
  const order = way.names === "none" ? [0, 1, 2, 3, 4, 5] : way.order
  const quoted = (cell: string) => (cell.includes(delimiter) ? `"${cell}"` : cell)
  const line = (cells: ReadonlyArray<string>) =>
    [
      ...order.map((at) => quoted(cells[at] ?? "")),
      ...(quirk === "extra-column" ? ["x1"] : quirk === "trailing" ? [""] : [])
    ].join(delimiter)
  const cellsOf = ({ time, open, high, low, close, volume }: Bar) => [
    dateText(time, way.date),
    ...[open, high, low, close].map((price) => numberText(price, way.numbers, false)),
    numberText(volume, way.numbers, true)
  ]
  const header = way.names === "none" ? [] : [line(NAMES[way.names])]
  const last = bars.at(-1)!
  const oldest = [
    ...bars.map(cellsOf),
    ...(quirk === "last-twice" ? [cellsOf({ ...last, volume: last.volume + 1 })] : [])
  ]
  const rows = (way.newestFirst ? oldest.toReversed() : oldest).map(line)
  const empty = line([dateText(last.time + DAY, way.date), "", "", "", "", ""])
  const text = [
    ...(quirk === "sep" ? [`sep=${delimiter}`] : quirk === "comment" ? ['# exported, "as is"'] : []),
    ...header,
    ...rows.flatMap((row, at) => [
      row,
      ...(at === 0 && quirk === "header-again" ? header : []),
      ...(quirk === "blank-lines" ? [""] : [])
    ]),
    ...(quirk === "footer" ? ["Downloaded on a Monday"] : quirk === "empty-row" ? [empty] : [])
  ].join(way.end)
  const whole = `${way.bytes === "bom" || way.bytes === "utf16" ? "\uFEFF" : ""}${text}${way.end}`
  if (way.bytes === "utf16") return Buffer.from(whole, "utf16le")
  return way.bytes === "gzip" ? gzipSync(whole) : Buffer.from(whole)
}

const read = (bytes: Uint8Array) =>
  Effect.runPromise(
    Effect.result(openMarket(Stream.make(bytes)).pipe(Effect.flatMap(({ bars }) => Stream.runCollect(bars))))
  )

const expected = (bars: ReadonlyArray<Bar>, { quirk }: Writing): ReadonlyArray<Bar> =>
  quirk === "last-twice" ? [...bars.slice(0, -1), { ...bars.at(-1)!, volume: bars.at(-1)!.volume + 1 }] : bars

describe("any writer with any quirk", () => {
  it("is read back, or refused with a sentence", async () => {
    let taken = 0
    const runs = 800
    await fc.assert(
      fc.asyncProperty(series, writing, async (bars, way) => {
        // Of the months about 1970 numbers are small: one and the same can be milliseconds then, or seconds of another year.
        fc.pre(!/^(s|ms|us|ns)$/.test(way.date) || Math.abs(bars[0]!.time) > 100 * DAY)
        // One time alone, twice, has no order.
        fc.pre(way.quirk !== "last-twice" || bars.length > 1)
        const result = await read(write(bars, way))
        if (Result.isFailure(result)) {
          assert.match(result.failure.message, /^[^\p{Cc}\p{Cf}]{10,}$/u)
          return
        }
        taken++
        const found = result.success.map(({ bar }) => bar)
        // Of days with an offset the day counts, and not its midnight elsewhere.
        const shift = way.date === "iso-offset" && found[0]?.time !== bars[0]?.time ? 3_600_000 : 0
        assert.isTrue(shift === 0 || result.success.every(({ local }) => local % DAY === 0))
        assert.deepStrictEqual(
          found.map((bar) => ({ ...bar, time: bar.time - shift })),
          expected(bars, way)
        )
      }),
      { numRuns: runs }
    )
    // That most are refused would be true as well of a reader that reads nothing.
    assert.isAbove(taken / runs, 0.5)
  })
})

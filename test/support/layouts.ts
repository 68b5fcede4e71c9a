// Files of prices as many writers write them, each with any quirk.
import { gzipSync } from "node:zlib"
import fc from "fast-check"
import type { Bar } from "../../protocols/index.ts"

const MINUTE = 60_000
const DAY = 1_440 * MINUTE

/** Bars as an exchange has them: prices to the hundredth, one interval apart, with nights or weekends left out. */
export const series = fc
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

export interface Writing {
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
    | "named-french"
    | "weekday"
    | "half-days"
    | "apart"
    | "s-fraction"
  readonly numbers: "plain" | "grouped" | "comma" | "comma-grouped" | "dollars" | "apostrophes" | "spaces"
  readonly delimiter: "," | ";" | "\t" | "|"
  readonly names: "english" | "german" | "french" | "spanish" | "angles" | "short" | "units" | "none"
  readonly form: "cells" | "objects" | "lists" | "columns"
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
    | "three-rows"
    | "symbol"
    | "rounding"
    | "commented-header"
    | "first-without-volume"
    | "later"
}

export const writing: fc.Arbitrary<Writing> = fc.record({
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
    "named",
    ...(["named-french", "weekday", "half-days", "apart", "s-fraction"] as const)
  ),
  numbers: fc.constantFrom("plain", "grouped", "comma", "comma-grouped", "dollars", "apostrophes", "spaces"),
  delimiter: fc.constantFrom(",", ";", "\t", "|"),
  names: fc.constantFrom("english", "german", "french", "spanish", "angles", "short", "units", "none"),
  form: fc.constantFrom("cells", "cells", "cells", "cells", "objects", "lists", "columns"),
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
    ...(["sep", "trailing", "three-rows", "symbol", "rounding", "commented-header", "first-without-volume"] as const),
    "later" as const
  )
})

const NAMES = {
  english: ["Date", "Open", "High", "Low", "Close", "Volume"],
  german: ["Datum", "Eröffnung", "Hoch", "Tief", "Schlusskurs", "Volumen"],
  french: ["Date", "Ouverture", "+ Haut", "+ Bas", "Dernier", "Vol."],
  spanish: ["Fecha", "Apertura", "Máximo", "Mínimo", "Cierre", "Volumen"],
  units: ["Date", "Open (USD)", "High (USD)", "Low (USD)", "Close* (USD)", "Volume (shares)"],
  angles: ["<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<VOL>"],
  short: ["t", "o", "h", "l", "c", "v"]
} as const

const FRENCH = "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.".split(" ")
const WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ")
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
  if (form === "named-french") return `${Number(day)} ${FRENCH[Number(month) - 1]} ${year}${tail}`
  if (form === "weekday")
    return `${WEEKDAYS[new Date(time).getUTCDay()]}, ${day} ${MONTHS[Number(month) - 1]} ${year}${tail}`
  if (form === "half-days") {
    const hour = Number(clock.slice(0, 2))
    return `${year}-${month}-${day} ${hour % 12 || 12}:${clock.slice(3)} ${hour < 12 ? "AM" : "PM"}`
  }
  if (form === "apart") return `${year}-${month}-${day}`
  if (form === "s-fraction") return `${(time / 1_000).toFixed(1)}`
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
    dollars: whole ? plain : `$${plain}`,
    apostrophes: grouped.replaceAll(",", "'"),
    spaces: swapped(grouped).replaceAll(".", "\u202f")
  }[form]
}

const CLOCKS = { english: "Time", german: "Uhrzeit", angles: "<TIME>" } as const
const NATURAL = [0, 1, 2, 3, 4, 5]
const CLOCK = 6
const SYMBOL = 7

/** The columns in their order, by their places among the cells of a bar. */
const columnsOf = ({ names, order, quirk, date }: Writing): ReadonlyArray<number> => {
  const bars = names === "none" || quirk === "three-rows" ? NATURAL : order
  const dated = date === "apart" ? bars.flatMap((place) => (place === 0 ? [0, CLOCK] : [place])) : bars
  return quirk === "symbol" && names !== "none" ? [...dated, SYMBOL] : dated
}

const namesOf = ({ names }: Writing): ReadonlyArray<string> => {
  const known = names === "none" ? "english" : names
  const clock = known === "german" || known === "angles" ? CLOCKS[known] : CLOCKS.english
  return [...NAMES[known], clock, "Symbol"]
}

/** What a row says: the six values of a bar, its clock, and its symbol. */
const cellsOf = (bar: Bar, { date, numbers, quirk }: Writing): ReadonlyArray<string> => {
  const { time, open, high, low, close, volume } = bar
  const prices = [open, high, low, close].map((price) => numberText(price, numbers, false))
  const top = Math.max(open, close)
  // A few last digits below the price beside it.
  if (quirk === "rounding" && numbers === "plain" && high === top) prices[1] = String(high * (1 - 2e-15))
  const clock = new Date(time).toISOString().slice(11, 19)
  return [dateText(time, date), ...prices, numberText(volume, numbers, true), clock, "XYZ"]
}

/** A row of a later year, in which nothing is as in the others. */
const laterCells = (last: Bar, { date }: Writing): ReadonlyArray<string> => {
  const year = new Date(last.time).getUTCFullYear() + 2
  return [date === "dots" ? `${year}-06-15` : `15.06.${year}`, "x", "1.5", "1,5", "?", "-5", "", "XYZ"]
}

const rowsOf = (bars: ReadonlyArray<Bar>, way: Writing): ReadonlyArray<ReadonlyArray<string>> => {
  const last = bars.at(-1)!
  const oldest = bars.map((bar) => cellsOf(bar, way))
  if (way.quirk === "last-twice") oldest.push(cellsOf({ ...last, volume: last.volume + 1 }, way))
  if (way.quirk === "later") oldest.push(laterCells(last, way))
  return way.newestFirst ? oldest.toReversed() : oldest
}

const tableText = (bars: ReadonlyArray<Bar>, way: Writing): ReadonlyArray<string> => {
  const { delimiter, quirk, names } = way
  const columns = columnsOf(way)
  const quoted = (cell: string) => (cell.includes(delimiter) ? `"${cell}"` : cell)
  const line = (cells: ReadonlyArray<string>) =>
    [
      ...columns.map((at) => quoted(cells[at] ?? "")),
      ...(quirk === "extra-column" ? ["x1"] : quirk === "trailing" ? [""] : [])
    ].join(delimiter)
  const plain = line(namesOf(way))
  const stacked = [line(["Price", ...NAMES.english.slice(1)]), line(["Ticker", ..."XYZ ".repeat(5).trim().split(" ")])]
  const header =
    quirk === "three-rows" && way.date !== "apart"
      ? [...stacked, line(["Date"])]
      : names === "none"
        ? []
        : [quirk === "commented-header" ? `# ${plain}` : plain]
  const rows = rowsOf(bars, way)
  const blank =
    quirk === "first-without-volume" ? rows.map((cells, at) => (at === 0 ? cells.with(5, "") : cells)) : rows
  const empty = line(
    cellsOf({ ...bars.at(-1)!, time: bars.at(-1)!.time + DAY }, way).map((cell, at) => (at === 0 ? cell : ""))
  )
  return [
    ...(quirk === "sep" ? [`sep=${delimiter}`] : quirk === "comment" ? ['# exported, "as is"'] : []),
    ...header,
    ...blank.flatMap((cells, at) => [
      line(cells),
      ...(at === 0 && quirk === "header-again" ? header : []),
      ...(quirk === "blank-lines" ? [""] : [])
    ]),
    ...(quirk === "footer" ? ["Downloaded on a Monday"] : quirk === "empty-row" ? [empty] : [])
  ]
}

const jsonText = (bars: ReadonlyArray<Bar>, way: Writing): ReadonlyArray<string> => {
  const names = namesOf(way)
  const columns = columnsOf(way)
  const writtenValue = (cells: ReadonlyArray<string>, place: number) => {
    const text = cells[place] ?? ""
    return way.numbers === "plain" && /^-?\d+(\.\d+)?$/.test(text) && text.length < 16 ? Number(text) : text
  }
  if (way.form === "columns") {
    const rows = rowsOf(bars, way)
    const blank = (place: number, at: number) => way.quirk === "first-without-volume" && place === 5 && at === 0
    const column = (place: number) => rows.map((cells, at) => (blank(place, at) ? null : writtenValue(cells, place)))
    return [JSON.stringify({ ...Object.fromEntries(columns.map((place) => [names[place], column(place)])), s: "ok" })]
  }
  return rowsOf(bars, way).map((cells, at) => {
    const cell = (place: number) => writtenValue(cells, place)
    if (way.form === "lists") return JSON.stringify(columnsOf({ ...way, names: "none" }).map(cell))
    const told = way.quirk === "first-without-volume" && at === 0 ? columns.filter((place) => place !== 5) : columns
    return JSON.stringify(Object.fromEntries(told.map((place) => [names[place], cell(place)])))
  })
}

/** A file as somebody writes these bars. */
export const writeBars = (bars: ReadonlyArray<Bar>, way: Writing): Uint8Array => {
  const text = (way.form === "cells" ? tableText(bars, way) : jsonText(bars, way)).join(way.end)
  const whole = `${way.bytes === "bom" || way.bytes === "utf16" ? "\uFEFF" : ""}${text}${way.end}`
  if (way.bytes === "utf16") return Buffer.from(whole, "utf16le")
  return way.bytes === "gzip" ? gzipSync(whole) : Buffer.from(whole)
}

/** What such a file has to be read as, where it is not refused. */
export const writtenBars = (bars: ReadonlyArray<Bar>, { quirk, form, newestFirst }: Writing): ReadonlyArray<Bar> => {
  const last = bars.at(-1)!
  if (quirk === "last-twice") return [...bars.slice(0, -1), { ...last, volume: last.volume + 1 }]
  if (quirk !== "first-without-volume" || form === "lists") return bars
  const at = newestFirst ? bars.length - 1 : 0
  return bars.with(at, { ...bars[at]!, volume: 0 })
}

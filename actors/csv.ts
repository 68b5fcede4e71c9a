import { parse } from "csv-parse/sync"
import { Effect, Result, Schema } from "effect"
import { type Bar, barFault } from "../protocols/index.ts"

/** A CSV text that is not sound bars: where it first goes wrong, and which rule it breaks. */
export class CsvError extends Schema.TaggedError<CsvError>()("CsvError", {
  /** The line in the file, from 1. Of a row that spans lines, the last one. */
  line: Schema.Int,
  /** The column, as the header's place for it is called here: `date`, `open`, `high`, … */
  column: Schema.optionalKey(Schema.String),
  rule: Schema.String
}) {
  override get message() {
    return `line ${this.line}${this.column === undefined ? "" : `, column ${this.column}`}: ${this.rule}`
  }
}

/**
 * Reads price bars from a CSV text.
 *
 * The header names the columns, in any case and order: `Open`, `High`, `Low`, `Close`; `Volume`, which is 0 where there
 * is no such column; and the start of the bar in `Date`, `Timestamp`, `Datetime`, or a first column without a name. A
 * `Time` column beside it is joined to it. All other columns (`Adj Close`, dividends, …) are ignored. Times are days or
 * instants (`2004-08-19`, `2017-04-19 09:00:00`, ISO 8601 with `T` and a zone); without a zone they are UTC. Rows are
 * oldest first. A byte order mark, CRLF, quoted fields and empty lines are fine.
 *
 * The text and its rows are held in memory: who reads a file refuses it above `CSV_BYTES_MAX` before calling this.
 *
 * Fails with the first `CsvError`; no bar is ever left out or repaired.
 */
export const parseBars = (text: string): Effect.Effect<ReadonlyArray<Bar>, CsvError> =>
  Effect.suspend(() => Effect.fromResult(readBars(text)))

/** The largest file a reader should hand to `parseBars`, in bytes. */
export const CSV_BYTES_MAX = 64 * 1024 * 1024

const PRICES = ["open", "high", "low", "close"] as const
const DATES = ["date", "timestamp", "datetime"]

interface Row {
  readonly line: number
  readonly cells: ReadonlyArray<string>
}

/** Where each value of a bar stands in a row. */
interface Layout {
  readonly width: number
  readonly date: number
  readonly time: number | undefined
  readonly prices: { readonly [K in (typeof PRICES)[number]]: number }
  readonly volume: number | undefined
}

const readBars = (text: string): Result.Result<ReadonlyArray<Bar>, CsvError> =>
  Result.gen(function* () {
    const [header, ...rows] = yield* splitRows(text)
    if (header === undefined) return yield* fault(1, "the file is empty")
    const layout = yield* readHeader(header)
    if (rows.length === 0) return yield* fault(header.line, "there are no rows below the header")
    const bars: Array<Bar> = []
    for (const row of rows) bars.push(yield* readRow(row, layout, bars.at(-1)))
    return bars
  })

const splitRows = (text: string): Result.Result<ReadonlyArray<Row>, CsvError> =>
  Result.try({
    try: () => {
      const rows: Array<Row> = []
      parse(text, {
        bom: true,
        trim: true,
        skip_empty_lines: true,
        // Rows are held to the header's width below, where the error can say so in our words.
        relax_column_count: true,
        record_delimiter: ["\r\n", "\n", "\r"],
        on_record: (cells: Array<string>, { lines }) => {
          rows.push({ line: lines, cells })
          return null
        }
      })
      return rows
    },
    catch: (cause) => {
      const line = cause instanceof Error && "lines" in cause ? Number(cause.lines) : 1
      const open = cause instanceof Error && "code" in cause && cause.code === "CSV_QUOTE_NOT_CLOSED"
      // The library's own words hold what it read, which may be anything and of any length.
      return new CsvError({ line, rule: open ? "a quote is opened and never closed" : "a quote is out of place" })
    }
  })

const readHeader = ({ line, cells }: Row): Result.Result<Layout, CsvError> => {
  const names = cells.map((cell) => cell.toLowerCase())
  const known = [...PRICES, ...DATES, "time", "volume"]
  const twice = known.find((name) => names.indexOf(name) !== names.lastIndexOf(name))
  if (twice !== undefined) return fault(line, "the header names this column twice", twice)

  const find = (name: string) => (names.includes(name) ? names.indexOf(name) : undefined)
  const named = DATES.map(find).find((index) => index !== undefined) ?? (names[0] === "" ? 0 : undefined)
  const date = named ?? find("time")
  if (date === undefined) return fault(line, `the column is missing (the header has: ${cells.join(", ")})`, "date")
  const missing = PRICES.find((name) => !names.includes(name))
  if (missing !== undefined) return fault(line, `the column is missing (the header has: ${cells.join(", ")})`, missing)
  const [open, high, low, close] = PRICES.map((name) => names.indexOf(name))
  return Result.succeed({
    width: cells.length,
    date,
    time: named === undefined ? undefined : find("time"),
    prices: { open: open!, high: high!, low: low!, close: close! },
    volume: find("volume")
  })
}

const readRow = (row: Row, layout: Layout, previous: Bar | undefined): Result.Result<Bar, CsvError> =>
  Result.gen(function* () {
    const { line, cells } = row
    if (cells.length !== layout.width) {
      return yield* fault(line, `the row has ${cells.length} cells, and the header ${layout.width}`)
    }
    const time = yield* readTime(row, layout)
    if (previous !== undefined && time === previous.time) {
      return yield* fault(line, "the time is the same as in the row before", "date")
    }
    if (previous !== undefined && time < previous.time) {
      return yield* fault(line, "time goes backwards: rows must be oldest first", "date")
    }
    const price = (column: keyof Layout["prices"]) => {
      const value = readNumber(line, column, cells[layout.prices[column]]!)
      return Result.filterOrFail(
        value,
        (number) => number > 0,
        () => new CsvError({ line, column, rule: "a price must be above 0" })
      )
    }
    const bar = {
      time,
      open: yield* price("open"),
      high: yield* price("high"),
      low: yield* price("low"),
      close: yield* price("close"),
      volume: layout.volume === undefined ? 0 : yield* readNumber(line, "volume", cells[layout.volume]!)
    }
    if (bar.volume < 0) return yield* fault(line, "must not be negative", "volume")
    const broken = barFault(bar)
    if (broken !== undefined) return yield* fault(line, broken, broken.split(" ")[0])
    return bar
  })

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

const readNumber = (line: number, column: string, cell: string): Result.Result<number, CsvError> => {
  if (cell === "") return fault(line, "the cell is empty", column)
  if (!NUMBER.test(cell)) return fault(line, `${JSON.stringify(clip(cell))} is not a number`, column)
  const value = Number(cell)
  return Number.isFinite(value) ? Result.succeed(value) : fault(line, "the number is too large", column)
}

const readTime = ({ line, cells }: Row, layout: Layout): Result.Result<number, CsvError> => {
  const day = cells[layout.date]!
  if (day === "") return fault(line, "the cell is empty", "date")
  const clock = layout.time === undefined ? "" : cells[layout.time]!
  if (layout.time !== undefined && clock === "") return fault(line, "the cell is empty", "time")
  const text = clock === "" ? day : `${day} ${clock}`
  const time = parseInstant(text)
  if (time === undefined) {
    const rule = `${JSON.stringify(clip(text))} is not a date such as 2004-08-19 or 2017-04-19 09:00:00`
    return fault(line, rule, "date")
  }
  return time < 0 ? fault(line, "dates before 1970 are not supported", "date") : Result.succeed(time)
}

const INSTANT =
  /^(\d{4})([-/])(\d{2})\2(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$/i

/** Milliseconds since 1970 of a date or instant; nothing where the text is neither, or the calendar has no such day. */
const parseInstant = (text: string): number | undefined => {
  const match = INSTANT.exec(text)
  if (match === null) return undefined
  const [, year, , month, day, hour = "00", minute = "00", second = "00", fraction = "0", zone = "Z"] = match
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  const millis = Date.parse(`${local}Z`)
  // `Date` turns February 30 into March 1, and 24:00 into the next day: neither comes back as it was written.
  if (Number.isNaN(millis) || !new Date(millis).toISOString().startsWith(local)) return undefined
  const offset = offsetMillis(zone)
  return offset === undefined ? undefined : millis + Math.trunc(Number(`0.${fraction}`) * 1000) - offset
}

const offsetMillis = (zone: string): number | undefined => {
  if (zone.toUpperCase() === "Z") return 0
  const digits = zone.replace(":", "")
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5))
  if (minutes > 14 * 60 || Number(digits.slice(3, 5)) > 59) return undefined
  return (digits.startsWith("-") ? -1 : 1) * minutes * 60_000
}

const clip = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text)

const fault = (line: number, rule: string, column?: string): Result.Result<never, CsvError> =>
  Result.fail(new CsvError(column === undefined ? { line, rule } : { line, column, rule }))

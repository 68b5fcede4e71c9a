// How a file of prices is written, found out from its beginning.
import { Result } from "effect"
import { type Columns, findHeader, type Header, namedBy, PRICES } from "./columns.ts"
import type { DateForm, Moment } from "./dates.ts"
import { fault, type MarketDataError, quoted } from "./errors.ts"
import { type Decimal, findDecimal, isEmpty, parseNumber } from "./numbers.ts"
import { isAfter } from "./read-bar.ts"
import { type Delimiter, type Form, isJson, type Row, rowsOf } from "./rows.ts"
import { anyMoment, clockFault, clockOf, datesOf, isLater, momentOf, type TimeOptions, upTo } from "./times.ts"
import { isTimeZone } from "./zones.ts"

/** What a reader is told of a file, where the file cannot tell or where it is to be read otherwise. */
export interface ShapeOptions extends TimeOptions {
  /** Whose prices are meant, where the file has those of several symbols. */
  readonly symbol?: string
  readonly decimal?: Decimal
}

/** How a file is written. */
export interface Shape {
  readonly form: Form
  readonly header: Header
  readonly columns: Columns
  readonly decimal: Decimal
  readonly dates: DateForm
  /** All clocks stand at 0:00 of their own place: a bar is a day of its exchange. */
  readonly days: boolean
  readonly newestFirst: boolean
  /** Whether an offset from UTC is written. */
  readonly zoned: boolean
  /** The file is one JSON object of columns: what is said of a line is of that row. */
  readonly inColumns?: boolean
  /** Where the clock of times without an offset stands; UTC where nothing is said. */
  readonly timeZone: string | undefined
  /** The symbols that the rows of the sample name, the first first. */
  readonly symbols: ReadonlyArray<string>
}

/** How many characters of a file its shape is found by. */
export const SAMPLE_CHARACTERS = 128 * 1024

/**
 * Finds how a file is written by its beginning, which is `whole` where that is all of the file. Pure. Fails where it is no table of
 * prices, and where it can be read in two ways: what cannot be told is asked for, and never guessed.
 */
export const findShape = (
  text: string,
  whole: boolean,
  options: ShapeOptions
): Result.Result<Shape, MarketDataError> => {
  if (options.timeZone !== undefined && !isTimeZone(options.timeZone)) {
    return Result.fail(fault(`${quoted(options.timeZone)} is no time zone such as Europe/Berlin`))
  }
  if (/^\s*<(!doctype|html|\?xml)/i.test(text))
    return Result.fail(fault("it is a web page or XML, and no table of prices"))
  if (text.slice(0, 4_096).includes("\u0000")) return Result.fail(fault("it is no text"))
  const { form, body } = separatorLine(text)
  const forms: ReadonlyArray<Form> = form !== undefined ? [form] : isJson(body) ? ["json"] : [",", ";", "\t", "|"]
  const found = forms.map((each) => shapeOf(body, each, whole, options))
  const sound = found.filter(Result.isSuccess).toSorted((a, b) => b.success.header.width - a.success.header.width)[0]
  if (sound !== undefined) return sound
  // What goes furthest knows best what is wrong.
  const failed = found.map((each, index) => ({ each, cells: widest(body, forms[index]!, whole) }))
  return failed.toSorted((a, b) => b.cells - a.cells)[0]?.each ?? Result.fail(fault("the file is empty", 1))
}

/** Spreadsheets write their delimiter into a line of its own, `sep=;`. It stays in place, as an empty line. */
const separatorLine = (text: string): { readonly form: Delimiter | undefined; readonly body: string } => {
  const match = /^sep=([,;|\t])(?=\r|\n)/i.exec(text)
  if (match === null) return { form: undefined, body: text }
  return { form: match[1] as Delimiter, body: text.slice(match[0].length) }
}

const widest = (text: string, form: Form, whole: boolean): number => {
  const rows = rowsOf(text, form, whole)
  return Result.isFailure(rows) ? 0 : Math.max(0, ...rows.success.slice(0, 40).map(({ cells }) => cells.length))
}

const shapeOf = (
  text: string,
  form: Form,
  whole: boolean,
  options: ShapeOptions
): Result.Result<Shape, MarketDataError> =>
  Result.gen(function* () {
    const all = yield* rowsOf(text, form, whole, options.until !== undefined)
    if (all[0] === undefined) return yield* Result.fail(fault("the file is empty", 1))
    const bare = yield* findHeader(all, options.symbol)
    const header = bare.names === undefined ? (commentedHeader(text, form, bare) ?? bare) : bare
    const below = all.filter(({ line }) => line > header.line || header.names === undefined)
    const rows = below.filter(({ cells }) => hasPrices(cells, header.columns))
    if (rows[0] === undefined)
      return yield* Result.fail(fault("there are no rows below the header", Math.max(1, header.line)))
    const columns = withTicks(header.columns, rows)
    const settled = { ...columns, clock: clockOf(columns, rows) }
    const doubtful = clockFault(settled, rows)
    if (doubtful !== undefined) return yield* Result.fail(doubtful)
    const dates = yield* datesOf(rows, settled, options)
    const symbols = symbolsOf(rows, columns)
    const counted = upTo(rows, ({ cells }) => {
      const moment = momentOf(dates, settled, cells)
      return moment === undefined ? isLater(settled, cells, options) : isAfter(options.until, moment)
    })
    const decimal = yield* decimalOf(counted, header, form, options)
    const own = ownRows(counted, columns, options.symbol ?? symbols[0])
    const moments = own.flatMap(({ cells }) => momentOf(dates, settled, cells) ?? [])
    return {
      ...{ form, header, columns: settled, decimal, dates, symbols },
      days: moments.length > 0 && moments.every(({ local }) => local % DAY_MILLIS === 0),
      newestFirst: isNewestFirst(
        moments.length > 1
          ? moments
          : rows.flatMap(({ cells }) => momentOf(dates, settled, cells) ?? anyMoment(settled, cells))
      ),
      zoned: moments[0]?.zoned ?? false,
      timeZone: options.timeZone
    }
  })

/** A header that is commented out, as numerical programs write it: `# Date,Open,…`. */
const commentedHeader = (text: string, form: Form, header: Header): Header | undefined => {
  for (const [index, line] of text.split(/\r\n|\n|\r/, HEADER_LINES_MAX).entries()) {
    if (line.trim() === "") continue
    if (!line.trimStart().startsWith("#") || form === "json") return undefined
    const cells = Result.getOrElse(rowsOf(line.replace(/^\s*#+/, ""), form, true), () => [])[0]?.cells ?? []
    const named = namedBy(header, { line: index + 1, cells })
    if (named !== undefined) return named
  }
  return undefined
}

const HEADER_LINES_MAX = 40
const DAY_MILLIS = 86_400_000

export const hasPrices = (cells: ReadonlyArray<string>, { prices }: Columns): boolean =>
  PRICES.every((price) => {
    const cell = cells[prices[price]]
    return cell !== undefined && !isEmpty(cell) && /\d/.test(cell)
  })

/** A volume that is nowhere above 0 is none where ticks are counted beside it. */
const withTicks = (columns: Columns, rows: ReadonlyArray<Row>): Columns => {
  const { volume, ticks } = columns
  const isZero = ({ cells }: Row) => volume === undefined || parseNumber(cells[volume] ?? "", "point") === 0
  return ticks !== undefined && rows.every(isZero) ? { ...columns, volume: ticks } : columns
}

/** Names of columns where thousands may be grouped by points. */
const POINTS_GROUP =
  /^(datum|zeit|er(ö|oe)ffnung|hoch|h(ö|oe)chst|tief|schlu|fecha|apertura|cierre|m[áa]xim|m[íi]nim|[úu]ltimo|massim|chiusura|otwarcie|zamkni)/i

const decimalOf = (
  rows: ReadonlyArray<Row>,
  { columns, names }: Header,
  form: Form,
  { decimal }: ShapeOptions
): Result.Result<Decimal, MarketDataError> => {
  if (decimal !== undefined) return Result.succeed(decimal)
  const places = [...PRICES.map((price) => columns.prices[price]), columns.adjusted, columns.volume]
  const cells = rows.flatMap((row) => places.flatMap((place) => (place === undefined ? [] : (row.cells[place] ?? []))))
  const points = rows.some((row) => /^\d{1,2}\.\d{1,2}\.\d{4}/.test(row.cells[columns.date] ?? ""))
  const named = names?.some((name) => POINTS_GROUP.test(name)) ?? false
  // JSON has numbers of its own, which are grouped by nothing.
  const mayGroup = form !== "json" && (form === ";" || points || named)
  return Result.mapError(findDecimal(cells, mayGroup), ({ rule }) => fault(rule, rows[0]?.line))
}

const symbolsOf = (rows: ReadonlyArray<Row>, { symbol }: Columns): ReadonlyArray<string> =>
  symbol === undefined ? [] : [...new Set(rows.map(({ cells }) => cells[symbol] ?? ""))]

const ownRows = (rows: ReadonlyArray<Row>, { symbol }: Columns, name: string | undefined): ReadonlyArray<Row> => {
  if (symbol === undefined) return rows
  const own = rows.filter(({ cells }) => cells[symbol]?.toUpperCase() === name?.toUpperCase())
  return own.length > 0 ? own : rows
}

const isNewestFirst = (moments: ReadonlyArray<Moment>): boolean => {
  let [up, down] = [0, 0]
  for (const [index, { time }] of moments.entries()) {
    const before = moments[index - 1]?.time ?? time
    if (time > before) up++
    if (time < before) down++
  }
  return down > up
}

const DELIMITERS: Readonly<Record<Form, string>> = {
  ",": "commas",
  ";": "semicolons",
  "\t": "tabs",
  "|": "bars",
  json: "a JSON object or list on each line"
}
const UNITS = { s: "seconds", ms: "milliseconds", us: "microseconds", ns: "nanoseconds" } as const

const datesText = ({ dates, days, zoned, timeZone }: Shape): string => {
  const epoch = dates.kind === "epoch"
  const form = epoch
    ? `in ${UNITS[dates.unit]} since 1970`
    : dates.kind === "numeric"
      ? `with the ${dates.order === "day-first" ? "day" : "month"} first`
      : undefined
  const zone = zoned ? "with their offset" : `in ${timeZone ?? "UTC"}`
  const what = days && !epoch ? (zoned ? "days of the exchange" : "days") : "times"
  return [what, form, epoch || days ? undefined : zone].filter((each) => each !== undefined).join(" ")
}

/**
 * Whether a file is as the product itself writes them: a header, commas, points, and dates that begin with the year. Then nothing was
 * assumed that could be otherwise.
 */
export const isPlain = ({ form, header, decimal, dates, newestFirst, days, zoned }: Shape): boolean =>
  form === "," &&
  header.names !== undefined &&
  header.wide === undefined &&
  header.preamble === 0 &&
  decimal === "point" &&
  dates.kind === "year-first" &&
  !newestFirst &&
  !(days && zoned)

/** What was found of a file, in a few words: `semicolons, decimal comma, times with the day first, newest first`. */
export const shapeText = (shape: Shape): string => {
  const { header, columns } = shape
  const first = header.names === undefined ? "no header: taken as time, open, high, low, close" : undefined
  return [
    shape.inColumns === true ? "a JSON object of columns, whose rows are counted as lines" : DELIMITERS[shape.form],
    first,
    shape.decimal === "comma" ? "decimal comma" : undefined,
    datesText(shape),
    shape.newestFirst ? "newest first" : undefined,
    columns.volume === undefined
      ? "no volume"
      : columns.volume === columns.ticks
        ? "volume counted in ticks"
        : undefined,
    header.preamble > 0 ? `${header.preamble} ${header.preamble === 1 ? "row" : "rows"} above the header` : undefined,
    shape.symbols.length === 1 ? `the symbol ${quoted(shape.symbols[0]!)}` : undefined,
    header.wide === undefined ? undefined : `the columns of ${quoted(header.wide.chosen)}`
  ]
    .filter((each) => each !== undefined)
    .join(", ")
}

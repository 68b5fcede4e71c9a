// When the rows of a file begin: how their dates are written, and which of them come after the last time that counts.
import { Result } from "effect"
import type { Columns } from "./columns.ts"
import { type DateForm, type DateOptions, findDateForm, type Moment, parseMoment, possibleMoments } from "./dates.ts"
import { fault, type MarketDataError, quoted } from "./errors.ts"
import { isAfter, type Until } from "./read-bar.ts"
import type { Row } from "./rows.ts"

/** What a reader is told of the times of a file. */
export interface TimeOptions extends DateOptions {
  /** What comes later does not matter, and may be of any kind. */
  readonly until?: Until
  /** Where the clock stands by which times without an offset are written, such as `Europe/Berlin`; UTC unless given. */
  readonly timeZone?: string
}

/** Rows that count, as they say how the rest is written. Where nothing counts, all of them do. */
export const upTo = (rows: ReadonlyArray<Row>, after: (row: Row) => boolean): ReadonlyArray<Row> => {
  const counted = rows.filter((row) => !after(row))
  return counted.length > 0 ? counted : rows
}

/** How dates are written: as all rows say, or where those are at odds, as those say that count. */
export const datesOf = (
  rows: ReadonlyArray<Row>,
  columns: Columns,
  options: TimeOptions
): Result.Result<DateForm, MarketDataError> => {
  const formOf = (some: ReadonlyArray<Row>) => {
    const cells = some.map((row) => row.cells[columns.date] ?? "").filter((cell) => cell !== "")
    return Result.mapError(findDateForm(cells, options), ({ rule }) => fault(rule, some[0]?.line, "date"))
  }
  const all = formOf(rows)
  const counted = upTo(rows, ({ cells }) => isLater(columns, cells, options))
  if (Result.isSuccess(all) && (counted.length === rows.length || reads(all.success, columns, counted))) return all
  const own = formOf(counted)
  // Numbers of a later row may be of another unit, by which those that count are nothing.
  return Result.isFailure(all) || (Result.isSuccess(own) && reads(own.success, columns, counted)) ? own : all
}

const reads = (form: DateForm, columns: Columns, rows: ReadonlyArray<Row>): boolean =>
  rows.every(({ cells }) => momentOf(form, columns, cells) !== undefined)

/** No clock is further ahead of UTC or behind it. */
const ZONE_MILLIS = 14 * 3_600_000

/** Whether a row comes after the last time that counts, however its date is written. */
export const isLater = (
  columns: Columns,
  cells: ReadonlyArray<string>,
  { until, timeZone }: Pick<TimeOptions, "until" | "timeZone">
): boolean => {
  if (until === undefined) return false
  const clock = columns.clock === undefined ? "" : (cells[columns.clock] ?? "")
  const moments = possibleMoments(cells[columns.date] ?? "", clock)
  const earliest = (moment: Moment) =>
    timeZone === undefined || moment.zoned ? moment : { ...moment, time: moment.time - ZONE_MILLIS }
  return moments.length > 0 && moments.every((moment) => isAfter(until, earliest(moment)))
}

/** A column called time is the clock of the date beside it, unless it has whole times of its own. */
export const clockOf = (columns: Columns, rows: ReadonlyArray<Row>): number | undefined => {
  const { clock } = columns
  if (clock === undefined) return undefined
  const whole = /^\d{7,}|\d{4}[-/.]\d/
  return whole.test(rows[0]?.cells[clock] ?? "") ? undefined : clock
}

/** What cannot be told of the clocks of rows. */
export const clockFault = (columns: Columns, rows: ReadonlyArray<Row>): MarketDataError | undefined => {
  const { clock } = columns
  const width = rows[0]?.cells.length ?? 0
  const half = Array.from({ length: width }, (_, place) => place).find(
    (place) => place !== columns.date && rows.every(({ cells }) => /^[ap]\.?m\.?$/i.test(cells[place] ?? ""))
  )
  if (half !== undefined) {
    return fault(
      "AM and PM stand in a column of their own: write them behind the clock, as 9:30 PM",
      rows[0]?.line,
      "date"
    )
  }
  const cells = clock === undefined ? [] : rows.map((row) => row.cells[clock] ?? "")
  const first = cells.find((cell) => !/^0*$/.test(cell))
  if (first === undefined || !cells.every((cell) => /^\d{0,2}$/.test(cell))) return undefined
  return fault(`the clock ${quoted(first)} can be an hour or a minute: write it as 09:00`, rows[0]?.line, "date")
}

/** What a date that is written unlike the others is likely to be of. */
export const anyMoment = (columns: Columns, cells: ReadonlyArray<string>): ReadonlyArray<Moment> =>
  possibleMoments(cells[columns.date] ?? "", columns.clock === undefined ? "" : (cells[columns.clock] ?? "")).slice(
    0,
    1
  )

/** When a row's bar begins; nothing where its cells are no time. */
export const momentOf = (dates: DateForm, columns: Columns, cells: ReadonlyArray<string>): Moment | undefined =>
  parseMoment(dates, cells[columns.date] ?? "", columns.clock === undefined ? "" : (cells[columns.clock] ?? ""))

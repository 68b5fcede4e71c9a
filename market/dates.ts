// Dates and times as people and programs write them.
import { Result } from "effect"
import { fault, type MarketDataError, quoted } from "./errors.ts"

export type DateOrder = "day-first" | "month-first"
export type TimeUnit = "s" | "ms" | "us" | "ns"

/** How the dates of a file are written. */
export type DateForm =
  | { readonly kind: "year-first" | "named" | "compact" }
  | { readonly kind: "numeric"; readonly order: DateOrder }
  | { readonly kind: "epoch"; readonly unit: TimeUnit; readonly given: boolean }

/** An instant, and what its clock showed: `local` is that clock as if it were UTC. Both in milliseconds since 1970. */
export interface Moment {
  readonly time: number
  readonly local: number
  /** Whether an offset from UTC was written. */
  readonly zoned: boolean
}

const DIGITS = /^[+-]?\d+(?:\.\d+)?$/
const COMPACT = /^(\d{4})(\d{2})(\d{2})(?:[ T]?(\d{2})(\d{2})(\d{2})?)?$/
const YEAR_FIRST = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[ T]+(.+))?$/
const NUMERIC = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:,?[ T]+(.+))?$/
const SHORT_YEAR = /^\d{1,2}([-/.])\d{1,2}\1\d{2}(?:[ T].*)?$/
const DAY_NAMED = /^(?:\p{L}{2,10}\.?,?\s+)?(\d{1,2})\.?[-\s]?(\p{L}{3,10})\.?,?[-\s](\d{4}|\d{2})(?:,?\s+(.+))?$/u
const MONTH_NAMED = /^(?:\p{L}{2,10}\.?,?\s+)?(\p{L}{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?:,?\s+(.+))?$/u
const CLOCK =
  /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([ap]\.?m\.?)?\s*(Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?)?$/i
const SHORT_CLOCK = /^\d{1,6}$/

/** In English, German, French, Spanish, Italian, Portuguese, Dutch and Polish, without their accents. */
const MONTHS: ReadonlyArray<string> = [
  "january januar janner janvier enero gennaio janeiro januari styczen stycznia",
  "february februar feber fevrier febrero febbraio fevereiro februari luty lutego",
  "march marz maerz mrz mars marzo marco maart marzec marca",
  "april avril abril aprile kwiecien kwietnia",
  "may mai mayo maggio maio mei maj maja",
  "june juni juin junio giugno junho czerwiec czerwca",
  "july juli juillet julio luglio julho lipiec lipca",
  "august aout agosto augustus sierpien sierpnia",
  "september septembre septiembre setiembre settembre setembro wrzesien wrzesnia",
  "october oktober octobre octubre ottobre outubro pazdziernik pazdziernika",
  "november novembre noviembre novembro listopad listopada",
  "december dezember decembre diciembre dicembre dezembro grudzien grudnia"
]
const MONTH_NAMES = MONTHS.map((names) => names.split(" "))

/** A name, or the first three letters or more of one, where those are of one month only. */
const monthOf = (word: string): number | undefined => {
  const plain = word.toLowerCase().normalize("NFD").replaceAll(/\p{M}/gu, "")
  const found = MONTH_NAMES.flatMap((names, at) => (names.some((name) => name.startsWith(plain)) ? [at + 1] : []))
  return plain.length >= 3 && found.length === 1 ? found[0] : undefined
}

const UNIT_MILLIS: Readonly<Record<TimeUnit, number>> = { s: 1e3, ms: 1, us: 1e-3, ns: 1e-6 }
/** Numbers of so many of a unit are of 1973 or later, and of no larger unit. */
const UNIT_FROM: ReadonlyArray<readonly [TimeUnit, number]> = [
  ["ns", 1e17],
  ["us", 1e14],
  ["ms", 1e11]
]
/** Numbers below this are within three years of 1970 in every unit. */
const UNIT_CERTAIN = 1e8
const unitOf = (value: number): TimeUnit => UNIT_FROM.find(([, from]) => Math.abs(value) >= from)?.[0] ?? "s"

const TIME_MIN = Date.UTC(1700, 0, 1)
const TIME_MAX = Date.UTC(2100, 0, 1)

export interface DateOptions {
  readonly dateOrder?: DateOrder
  readonly timeUnit?: TimeUnit
}

/** How the dates of a file are written, by a sample of them, which are not empty. */
export const findDateForm = (
  cells: ReadonlyArray<string>,
  options: DateOptions
): Result.Result<DateForm, MarketDataError> => {
  const kinds = new Set(cells.map(kindOf).filter((kind) => kind !== undefined))
  if (kinds.size === 0 && SHORT_YEAR.test(cells[0] ?? "")) {
    return Result.fail(
      fault(`${quoted(cells[0] ?? "")} can have its year in more than one place: write it with four digits`)
    )
  }
  if (kinds.size === 0)
    return Result.fail(fault(`${quoted(cells[0] ?? "")} is not a date such as 2004-08-19 or 2017-04-19 09:00:00`))
  if (options.timeUnit !== undefined && cells.every((cell) => DIGITS.test(cell))) {
    return Result.succeed({ kind: "epoch", unit: options.timeUnit, given: true })
  }
  const [kind] = kinds
  if (kinds.size > 1 && !(kinds.size === 2 && kinds.has("compact") && kinds.has("epoch"))) {
    return Result.fail(
      fault("dates are written in more than one way: write all of them as 2004-08-19 or 2017-04-19 09:00:00")
    )
  }
  if (kinds.has("epoch")) {
    const sizes = cells.filter((cell) => DIGITS.test(cell)).map((cell) => Math.abs(Number(cell)))
    const largest = Math.max(...sizes)
    if (largest >= 20_000 && largest < 80_000) {
      const serial = `the date ${quoted(cells[0] ?? "")} is a spreadsheet's serial number`
      return Result.fail(fault(`${serial}: format the column as dates and save the file again`))
    }
    if (largest < UNIT_CERTAIN) {
      const small = `times such as ${quoted(cells[0] ?? "")} are of about 1970 in every unit`
      return Result.fail(fault(`${small}: say which by --time-unit s, ms, us or ns`))
    }
    // Among larger ones, what is small may be of about 1970.
    const coarsest = unitOf(Math.min(...sizes))
    const unit = coarsest === "s" ? unitOf(largest) : coarsest
    return Result.succeed({ kind: "epoch", unit, given: false })
  }
  if (kind !== "numeric") return Result.succeed({ kind: kind as "year-first" | "named" | "compact" })
  return Result.map(orderOf(cells, options.dateOrder), (order) => ({ kind: "numeric", order }))
}

const kindOf = (cell: string): DateForm["kind"] | undefined => {
  const compact = COMPACT.exec(cell)
  if (compact !== null && atDate(+compact[1]!, +compact[2]!, +compact[3]!) !== undefined) return "compact"
  if (DIGITS.test(cell)) return "epoch"
  if (YEAR_FIRST.test(cell)) return "year-first"
  if (NUMERIC.test(cell)) return "numeric"
  return DAY_NAMED.test(cell) || MONTH_NAMED.test(cell) ? "named" : undefined
}

const orderOf = (
  cells: ReadonlyArray<string>,
  given: DateOrder | undefined
): Result.Result<DateOrder, MarketDataError> => {
  const found = cells.map((cell) => NUMERIC.exec(cell)).filter((match) => match !== null)
  const dayFirst = found.some((match) => Number(match[1]) > 12)
  const monthFirst = found.some((match) => Number(match[3]) > 12)
  if (given !== undefined) return Result.succeed(given)
  if (dayFirst && monthFirst) {
    return Result.fail(fault("some dates have the day first and others the month: write all of them as 2004-08-19"))
  }
  if (dayFirst || monthFirst) return Result.succeed(dayFirst ? "day-first" : "month-first")
  // Nobody writes the month first with points.
  if (found.every((match) => match[2] === ".")) return Result.succeed("day-first")
  const rule = `${quoted(cells[0] ?? "")} can have the day or the month first: say which by --date-order day-first or --date-order month-first`
  return Result.fail(fault(rule))
}

/** The instant of a date, and of a clock where that has a column of its own. Nothing where they are none, or the calendar has no such day. */
export const parseMoment = (form: DateForm, date: string, clock: string): Moment | undefined => {
  if (form.kind === "epoch") return clock === "" ? ofEpoch(form, date) : undefined
  const split = splitDate(form, date)
  if (split === undefined || (split.clock !== "" && clock !== "")) return undefined
  return withClock(split.day, split.clock || clock)
}

/** All moments that a date may be of, however those of its file are written. */
export const possibleMoments = (date: string, clock: string): ReadonlyArray<Moment> => {
  const kind = kindOf(date)
  if (kind === undefined) return []
  const forms: ReadonlyArray<DateForm> =
    kind === "numeric"
      ? [
          { kind, order: "day-first" },
          { kind, order: "month-first" }
        ]
      : [kind === "epoch" ? { kind, unit: "s", given: false } : { kind }]
  return forms.flatMap((form) => parseMoment(form, date, clock) ?? [])
}

const splitDate = (form: DateForm, text: string): { readonly day: number; readonly clock: string } | undefined => {
  const made = (year: number, month: number | undefined, day: number, clock = "") => {
    const found = month === undefined ? undefined : atDate(year, month, day)
    return found === undefined ? undefined : { day: found, clock }
  }
  if (form.kind === "year-first") {
    const match = YEAR_FIRST.exec(text)
    return match === null ? undefined : made(+match[1]!, +match[3]!, +match[4]!, match[5])
  }
  if (form.kind === "compact") {
    const [whole, year = "", month = "", day = "", hour, minute, second = "00"] = COMPACT.exec(text) ?? []
    if (whole === undefined) return undefined
    return made(+year, +month, +day, hour === undefined ? "" : `${hour}:${minute}:${second}`)
  }
  if (form.kind === "numeric") {
    const match = NUMERIC.exec(text)
    if (match === null) return undefined
    const [day, month] = form.order === "day-first" ? [match[1], match[3]] : [match[3], match[1]]
    return made(+match[4]!, +month!, +day!, match[5])
  }
  const named = DAY_NAMED.exec(text)
  if (named !== null && monthOf(named[2]!) !== undefined) {
    const year = Number(named[3])
    return made(
      named[3]!.length === 4 ? year : year < 70 ? 2000 + year : 1900 + year,
      monthOf(named[2]!),
      +named[1]!,
      named[4]
    )
  }
  const month = MONTH_NAMED.exec(text)
  return month === null ? undefined : made(+month[3]!, monthOf(month[1]!), +month[2]!, month[4])
}

/** Milliseconds of a day at 0:00 UTC; nothing where the calendar has no such day. */
const atDate = (year: number, month: number, day: number): number | undefined => {
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined
  const millis = Date.UTC(year, month - 1, day)
  return new Date(millis).getUTCDate() === day && millis >= TIME_MIN && millis < TIME_MAX ? millis : undefined
}

const withClock = (day: number, text: string): Moment | undefined => {
  if (text === "") return { time: day, local: day, zoned: false }
  const short = SHORT_CLOCK.test(text) ? text.padStart(text.length > 4 ? 6 : 4, "0") : undefined
  const written = short === undefined ? text : [short.slice(0, 2), short.slice(2, 4), short.slice(4) || "00"].join(":")
  const match = CLOCK.exec(written)
  if (match === null) return undefined
  const [, hours = "", minutes = "", seconds = "0", fraction = "0", half, zone] = match
  const hour = half === undefined ? Number(hours) : inHalf(Number(hours), half)
  if (hour === undefined || hour > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined
  const local =
    day + ((hour * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Math.trunc(Number(`0.${fraction}`) * 1000)
  const offset = zone === undefined ? 0 : offsetMillis(zone)
  return offset === undefined ? undefined : { time: local - offset, local, zoned: zone !== undefined }
}

const inHalf = (hour: number, half: string): number | undefined =>
  hour < 1 || hour > 12 ? undefined : (hour % 12) + (half.toLowerCase().startsWith("p") ? 12 : 0)

const offsetMillis = (zone: string): number | undefined => {
  const digits = zone
    .toUpperCase()
    .replace(/^(UTC|GMT|Z)/, "")
    .replace(":", "")
  if (digits === "") return 0
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5) || "0")
  if (minutes > 14 * 60 || Number(digits.slice(3, 5) || "0") > 59) return undefined
  return (digits.startsWith("-") ? -1 : 1) * minutes * 60_000
}

const ofEpoch = (form: Extract<DateForm, { kind: "epoch" }>, text: string): Moment | undefined => {
  if (!DIGITS.test(text)) return undefined
  const value = Number(text)
  const unit = form.given ? form.unit : unitOf(value)
  // Files that were put together go from one unit to a finer one. What is smaller may as well be of a day about 1970.
  if (UNIT_MILLIS[unit] > UNIT_MILLIS[form.unit] && value !== 0) return undefined
  // Numbers of nanoseconds, and fractions of seconds, are rounded to what a double can hold: a quarter of a microsecond at most.
  const time = Math.floor(value * UNIT_MILLIS[unit] + 5e-4)
  return time < TIME_MIN || time >= TIME_MAX ? undefined : { time, local: time, zoned: true }
}

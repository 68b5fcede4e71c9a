// Numbers as people and programs write them.
import { Result } from "effect"
import { fault, type MarketDataError, quoted } from "./errors.ts"

/** What stands before the fraction. */
export type Decimal = "point" | "comma"

const EMPTY = /^(?:|[-–—]+|n\/?a|#n\/a|nan|null|none|nil)$/i

/** Whether a cell says that there is nothing. */
export const isEmpty = (cell: string): boolean => EMPTY.test(cell)

const CURRENCY = /^([+-]?)\s*(?:[$€£¥₹₩₿]|USD|EUR|GBP|CHF|JPY)\s*|\s*(?:[$€£¥₹₩₿]|USD|EUR|GBP|CHF|JPY)$/gi
const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const POINT = /^[+-]?(?:\d+|\d{1,3}([,'’ \u00a0\u202f])(?:\d{2,3}\1)*\d{3})(?:\.\d*)?$/
const COMMA = /^[+-]?(?:\d+|\d{1,3}([.'’ \u00a0\u202f])(?:\d{2,3}\1)*\d{3})(?:,\d*)?$/

const bare = (cell: string): string => cell.replace(CURRENCY, "$1")

/** A number: `1234.5`, `1,234.50`, `1'234.50`, `$12.30`, or with a decimal comma `1.234,50`. Nothing where the text is none. */
export const parseNumber = (cell: string, decimal: Decimal): number | undefined => {
  if (decimal === "point" && PLAIN.test(cell)) return Number(cell)
  const text = bare(cell)
  if (decimal === "point") {
    if (PLAIN.test(text)) return Number(text)
    return POINT.test(text) ? Number(text.replaceAll(/[,'’ \u00a0\u202f]/g, "")) : undefined
  }
  if (!COMMA.test(text)) return undefined
  return Number(text.replaceAll(/[.'’ \u00a0\u202f]/g, "").replace(",", "."))
}

const UNITS: Readonly<Record<string, number>> = {
  k: 1e3,
  tsd: 1e3,
  m: 1e6,
  mio: 1e6,
  mln: 1e6,
  b: 1e9,
  mrd: 1e9,
  bn: 1e9,
  t: 1e12
}
const WITH_UNIT = /^(.*?\d[.,]?)\s*(k|tsd|m|mio|mln|b|mrd|bn|t)\.?$/i

/** A volume: a number, which may be in thousands or millions, as `2.25M`. */
export const parseVolume = (cell: string, decimal: Decimal): number | undefined => {
  const [, digits = cell, unit] = WITH_UNIT.exec(cell) ?? []
  const value = parseNumber(digits, decimal)
  // 2.25 million are 2250000, and not a rounding error more.
  return value === undefined || unit === undefined
    ? value
    : Number((value * UNITS[unit.toLowerCase()]!).toPrecision(15))
}

/** What one number says of the decimal mark: nothing, one of the two, or either. */
const evidenceOf = (cell: string): Decimal | "either" | undefined => {
  const [, digits = cell, unit] = WITH_UNIT.exec(cell) ?? []
  const text = bare(digits)
  if (!/^[+-]?[\d.,'’ \u00a0\u202f]+$/.test(text)) return undefined
  const [points, commas] = [text.split(".").length - 1, text.split(",").length - 1]
  if (points + commas === 0) return undefined
  if (points > 0 && commas > 0) return text.lastIndexOf(".") > text.lastIndexOf(",") ? "point" : "comma"
  if (points > 1) return "comma"
  if (commas > 1) return "point"
  const [before = "", after = ""] = text.replace(/^[+-]/, "").split(/[.,]/)
  const grouped = after.length === 3 && /^[1-9]\d{0,2}$/.test(before) && unit === undefined
  if (grouped) return "either"
  return points > 0 ? "point" : "comma"
}

/**
 * Which decimal mark the numbers of a file have. Where none says so, a point that stands before three digits is one, unless the file
 * comes from where it may be a thousands separator (`pointMayGroup`); a comma before three digits can be either.
 */
export const findDecimal = (
  cells: ReadonlyArray<string>,
  pointMayGroup: boolean
): Result.Result<Decimal, MarketDataError> => {
  const found = new Map<string, string>()
  for (const cell of cells) {
    const evidence = evidenceOf(cell)
    const key = evidence === "either" ? (cell.includes(",") ? "either comma" : "either point") : evidence
    if (key !== undefined && !found.has(key)) found.set(key, cell)
  }
  const [point, comma] = [found.get("point"), found.get("comma")]
  if (point !== undefined && comma !== undefined) {
    return Result.fail(
      fault(
        `numbers are written in two ways, ${quoted(point)} and ${quoted(comma)}: say which by --decimal point or --decimal comma`
      )
    )
  }
  if (point !== undefined) return Result.succeed("point")
  if (comma !== undefined) return Result.succeed("comma")
  const doubtful = found.get("either comma") ?? (pointMayGroup ? found.get("either point") : undefined)
  if (doubtful === undefined) return Result.succeed("point")
  return Result.fail(
    fault(
      `${quoted(doubtful)} can be a whole number or have three decimals: say which by --decimal point or --decimal comma`
    )
  )
}

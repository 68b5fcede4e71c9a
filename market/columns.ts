// Where each value of a bar stands in a row, found by the names in the header, or by the values where there is none.
import { Result } from "effect"
import { findDateForm } from "./dates.ts"
import { fault, listed, type MarketDataError, quoted } from "./errors.ts"
import { type Field, fieldOf, plainName, scaleOfVolume, unitOfPrice } from "./names.ts"
import { isEmpty, parseNumber } from "./numbers.ts"
import type { Row } from "./rows.ts"

export const PRICES = ["open", "high", "low", "close"] as const
export type Price = (typeof PRICES)[number]

/** The places of columns, from 0. */
export interface Columns {
  readonly date: number
  readonly clock: number | undefined
  readonly prices: { readonly [K in Price]: number }
  readonly volume: number | undefined
  /** What volumes are counted in, such as 1000. */
  readonly volumeScale: number
  /** Trades or ticks counted, where that is all that is known of the volume. */
  readonly ticks: number | undefined
  readonly adjusted: number | undefined
  readonly splits: number | undefined
  readonly symbol: number | undefined
}

/** What stands above the rows of a file. */
export interface Header {
  /** How many cells a row has. */
  readonly width: number
  readonly columns: Columns
  /** The header's cells; nothing where there is none. */
  readonly names: ReadonlyArray<string> | undefined
  /** The line of the last row that is above the bars; 0 where there is none. */
  readonly line: number
  /** Lines above the header that belong to no table. */
  readonly preamble: number
  /** Symbols that have columns of their own, and the one that was chosen. */
  readonly wide: { readonly names: ReadonlyArray<string>; readonly chosen: string } | undefined
}

const HEADER_ROWS_MAX = 40

/** Finds the header among the first rows of a file. `symbol` is whose columns are meant where several symbols have some. */
export const findHeader = (
  rows: ReadonlyArray<Row>,
  symbol: string | undefined
): Result.Result<Header, MarketDataError> => {
  const first = rows.slice(0, HEADER_ROWS_MAX)
  for (const [index, row] of first.entries()) {
    const stacked = stackedHeader(first, index, symbol)
    if (stacked !== undefined) return stacked
    const found = columnsOf(row.cells)
    if (Result.isSuccess(found)) {
      const { line, cells } = row
      return Result.succeed({
        width: cells.length,
        columns: found.success,
        names: cells,
        line,
        preamble: index,
        wide: undefined
      })
    }
  }
  const bare = withoutHeader(first)
  if (bare !== undefined) return Result.succeed(bare)
  return Result.fail(missingIn(first))
}

/** The header without names, with those of a line that is commented out, if that names the columns of a bar, and as many as there are. */
export const namedBy = (header: Header, { line, cells }: Row): Header | undefined => {
  const found = cells.length === header.width ? columnsOf(cells) : undefined
  if (found === undefined || Result.isFailure(found)) return undefined
  return { ...header, columns: found.success, names: cells, line }
}

/** What the best of the first rows lacks to be a header. */
const missingIn = (rows: ReadonlyArray<Row>): MarketDataError => {
  const known = (row: Row) => new Set(row.cells.flatMap((cell) => fieldOf(cell)?.field ?? [])).size
  const best = rows.toSorted((a, b) => known(b) - known(a))[0]
  if (best === undefined) return fault("the file is empty", 1)
  const found = columnsOf(best.cells)
  return Result.isFailure(found)
    ? fault(found.failure.rule, Math.max(1, best.line), found.failure.column)
    : fault("there is no header", Math.max(1, best.line))
}

const columnsOf = (
  cells: ReadonlyArray<string>
): Result.Result<Columns, { readonly rule: string; readonly column: string }> => {
  const places = new Map<Field, { readonly place: number; readonly rank: number }>()
  for (const [place, cell] of cells.entries()) {
    const named = fieldOf(cell) ?? (place === 0 && cell === "" ? ({ field: "date", rank: 99 } as const) : undefined)
    if (named === undefined) continue
    const before = places.get(named.field)
    const same = before !== undefined && before.rank === named.rank && named.rank < 50
    if (same && plainName(cells[before.place]!) === plainName(cell)) {
      return Result.fail({ rule: "the header names this column twice", column: named.field })
    }
    if (before === undefined || named.rank < before.rank) places.set(named.field, { place, rank: named.rank })
  }
  const at = (field: Field) => places.get(field)?.place
  const date = at("date") ?? at("clock")
  const prices = PRICES.map(at)
  const missing = date === undefined ? "date" : PRICES.find((_, index) => prices[index] === undefined)
  if (missing !== undefined || date === undefined) {
    const named = cells.filter((cell) => cell.trim() !== "")
    const has = named.length === 0 ? "there is no header and no row of prices" : `the header has: ${listed(cells)}`
    const rule = `the column is missing (${has})`
    return Result.fail({ rule, column: missing ?? "date" })
  }
  const unlike = unlikeUnits(prices.map((place) => cells[place ?? 0] ?? ""))
  if (unlike !== undefined) return Result.fail({ rule: unlike, column: "close" })
  const [open, high, low, close] = prices
  const volume = at("volume")
  return Result.succeed({
    date,
    clock: at("date") === undefined ? undefined : at("clock"),
    prices: { open: open!, high: high!, low: low!, close: close! },
    volume,
    volumeScale: volume === undefined ? 1 : scaleOfVolume(cells[volume] ?? ""),
    ticks: at("ticks"),
    adjusted: at("adjusted"),
    splits: at("splits"),
    symbol: at("symbol")
  })
}

/** Prices in two currencies, or of which only some are adjusted, are no bar. */
const unlikeUnits = (names: ReadonlyArray<string>): string | undefined => {
  const units = names.map(unitOfPrice)
  const first = units.find((unit) => unit !== undefined)
  const other = names.find((_, at) => units[at] !== first && (units[at] !== undefined || first === "ADJ"))
  if (first === undefined || other === undefined) return undefined
  const named = names.find((_, at) => units[at] === first)
  return `the prices are not all in the same: ${quoted(named ?? "")} and ${quoted(other)}`
}

/** Whether a row below the header is one as well. */
export const isHeader = (cells: ReadonlyArray<string>): boolean => Result.isSuccess(columnsOf(cells))

const blankAfterFirst = (cells: ReadonlyArray<string>): boolean =>
  cells.length > 1 && cells.slice(1).every((cell) => cell === "")

/**
 * A header in two or three rows: names of columns, symbols, and a last row that has only the date's name. Each symbol has columns of its own.
 */
const stackedHeader = (
  rows: ReadonlyArray<Row>,
  index: number,
  symbol: string | undefined
): Result.Result<Header, MarketDataError> | undefined => {
  const isLast = (row: Row | undefined) =>
    row !== undefined &&
    fieldOf(row.cells[0] ?? "")?.field === "date" &&
    row.cells[0] !== "" &&
    blankAfterFirst(row.cells)
  const depth = [1, 2].find((each) => isLast(rows[index + each]))
  if (depth === undefined) return undefined
  const above = rows.slice(index, index + depth).map(({ cells }) => cells)
  const isNames = (cells: ReadonlyArray<string>) =>
    PRICES.every((price) => cells.slice(1).some((cell) => fieldOf(cell)?.field === price))
  const names = above.find(isNames)
  const symbols = above.find((cells) => cells !== names)
  if (names === undefined) return undefined
  const last = rows[index + depth]!
  const different = [...new Set(symbols?.slice(1) ?? [])]
  const chosen = different.length === 1 ? different[0] : different.find((each) => sameSymbol(each, symbol))
  if (symbols !== undefined && chosen === undefined) return Result.fail(severalSymbols(different, symbol))
  const own = names.map((cell, place) => (place > 0 && symbols !== undefined && symbols[place] !== chosen ? "-" : cell))
  const found = columnsOf(["Date", ...own.slice(1)])
  if (Result.isFailure(found)) return Result.fail(fault(found.failure.rule, last.line, found.failure.column))
  const wide = symbols === undefined ? undefined : { names: different, chosen: chosen! }
  return Result.succeed({
    width: names.length,
    columns: found.success,
    names: last.cells,
    line: last.line,
    preamble: index,
    wide
  })
}

export const sameSymbol = (one: string, other: string | undefined): boolean =>
  one.toUpperCase() === other?.toUpperCase()

/** The file holds several symbols, and none of them was asked for. */
export const severalSymbols = (
  names: ReadonlyArray<string>,
  asked: string | undefined,
  line?: number
): MarketDataError => {
  const none =
    asked === undefined || names.some((each) => sameSymbol(each, asked)) ? "" : `, and ${asked} is none of them`
  return fault(
    `the file has prices of more than one symbol, ${listed(names)}${none}: name the symbol that is meant`,
    line
  )
}

const CLOCK = /^\d{1,2}:\d{2}/

/** Columns of a file without a header: the time, perhaps a clock, open, high, low, close, perhaps a volume, and what follows. */
const withoutHeader = (rows: ReadonlyArray<Row>): Header | undefined => {
  const cells = rows[0]?.cells ?? []
  if (Result.isFailure(findDateForm([cells[0] ?? ""], { dateOrder: "day-first" }))) return undefined
  const clock = CLOCK.test(cells[1] ?? "") ? 1 : undefined
  const open = clock === undefined ? 1 : 2
  const isNumber = (cell: string | undefined) =>
    cell !== undefined &&
    (isEmpty(cell) || parseNumber(cell, "point") !== undefined || parseNumber(cell, "comma") !== undefined)
  if (![0, 1, 2, 3].every((each) => isNumber(cells[open + each]))) return undefined
  return {
    width: cells.length,
    columns: {
      date: 0,
      clock,
      prices: { open, high: open + 1, low: open + 2, close: open + 3 },
      volume: cells.length > open + 4 && isNumber(cells[open + 4]) ? open + 4 : undefined,
      volumeScale: 1,
      ticks: undefined,
      adjusted: undefined,
      splits: undefined,
      symbol: undefined
    },
    names: undefined,
    line: 0,
    preamble: 0,
    wide: undefined
  }
}

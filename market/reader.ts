// Rows to bars, by the shape that was found.
import { type Bar, barFault } from "../protocols/index.ts"
import { factorOf, type Splits } from "./adjusting.ts"
import { isHeader, PRICES, type Price, sameSymbol, severalSymbols } from "./columns.ts"
import type { Moment } from "./dates.ts"
import { fault, MarketDataError, quoted } from "./errors.ts"
import { plainName } from "./names.ts"
import { Notices } from "./notices.ts"
import { isEmpty, parseNumber, parseVolume } from "./numbers.ts"
import { isAfter, type ReadBar, type Until } from "./read-bar.ts"
import type { Row } from "./rows.ts"
import { hasPrices, type Shape } from "./shape.ts"
import { isLater, momentOf } from "./times.ts"
import { ZoneClock } from "./zones.ts"

export interface RowOptions {
  /** Whose rows are read, where the file has those of several symbols. */
  readonly symbol?: string
  /** `adjusted` unless given: prices are adjusted for splits and dividends where the file says how. */
  readonly prices?: "adjusted" | "as-written"
  /** Leaves out rows that are no sound bars, and counts them. */
  readonly skipBad?: boolean
  /** What comes later does not matter, and may be of any kind. */
  readonly until?: Until
  /** The splits that the prices have not been adjusted for. */
  readonly splits?: Splits
  /** All symbols that the file is known to name. */
  readonly symbols?: ReadonlyArray<string>
}

/** When the bar of a row begins, in milliseconds since 1970, and whether that is up to the last time that was asked for. */
export type RowTime =
  | { readonly time: number; readonly counts: boolean }
  | { readonly time: undefined; readonly counts: false }

/** A few last digits, as they differ where prices were multiplied: no fault. */
const ROUNDING = 1e-11
const OTHER_HEADER = "another header, with other columns: the file is put together of two that are not alike"
const REMEDY = "mend the row, or have such rows left out by --skip-bad"

/** Reads one row after the other. What a row says is independent of all others; their order is looked at elsewhere. */
export class RowReader {
  readonly notices = new Notices()
  readonly #shape: Shape
  readonly #options: RowOptions
  readonly #symbol: string | undefined
  readonly #known: ReadonlyArray<string>
  readonly #clock: ZoneClock | undefined
  readonly #later: Parameters<typeof isLater>[2]

  constructor(shape: Shape, options: RowOptions) {
    this.#shape = shape
    this.#options = options
    this.#later = { ...options, ...(shape.timeZone === undefined ? {} : { timeZone: shape.timeZone }) }
    this.#clock = shape.timeZone === undefined ? undefined : new ZoneClock(shape.timeZone, shape.newestFirst)
    this.#known = options.symbols ?? shape.symbols
    this.#symbol =
      this.#known.find((each) => sameSymbol(each, options.symbol)) ??
      (this.#known.length === 1 ? this.#known[0] : undefined)
  }

  /** A bar, `after` for what comes after the last time that counts, nothing for what is left out, or what is wrong. */
  read(row: Row): ReadBar | "after" | undefined | MarketDataError {
    if (row.line <= this.#shape.header.line) return undefined
    const read = this.#sound(row)
    if (!(read instanceof MarketDataError) || this.#options.skipBad !== true || this.#isOfFile(read)) return read
    this.notices.add("bad_row", row.line, read.message)
    return undefined
  }

  /** When the bar of a row begins, where it has one, and whether it counts or comes later; nothing where it is of another symbol. */
  timeOf(row: Row): RowTime | undefined | MarketDataError {
    const { columns, dates } = this.#shape
    const other = this.#ofOther(row)
    if (other !== "own") return other
    const moment = this.#inZone(momentOf(dates, columns, row.cells))
    if (moment === undefined || !hasPrices(row.cells, columns)) return { time: undefined, counts: false }
    return { time: moment.time, counts: !isAfter(this.#options.until, moment) }
  }

  /** What is wrong is not the row alone. */
  #isOfFile(error: MarketDataError): boolean {
    return error.column === "symbol" || error.rule === OTHER_HEADER
  }

  #sound(row: Row): ReadBar | "after" | undefined | MarketDataError {
    const { columns, dates, header, days } = this.#shape
    const { line, cells } = row
    const other = this.#ofOther(row)
    if (other !== "own") return other
    const moment = this.#inZone(momentOf(dates, columns, cells))
    if (moment === undefined && isHeader(cells) && !this.#isHeaderAgain(row)) {
      return fault(OTHER_HEADER, line)
    }
    if (moment === undefined ? isLater(columns, cells, this.#later) : isAfter(this.#options.until, moment))
      return "after"
    if (this.#isEmptyRow(row, moment)) return undefined
    if (cells.length !== header.width && !extraAreBlank(cells, header.width)) {
      return fault(`the row has ${cells.length} cells, and the header ${header.width}`, line)
    }
    if (moment === undefined) return this.#timeFault(row)
    if (moment.zoned !== this.#shape.zoned) {
      return fault(`the time has ${moment.zoned ? "an" : "no"} offset from UTC, unlike those before`, line, "date")
    }
    const day = days && moment.local % 86_400_000 === 0
    return this.#bar(row, day ? moment.local : moment.time, moment.local)
  }

  /** What a clock shows that stands somewhere is an instant. */
  #inZone(moment: Moment | undefined): Moment | undefined {
    const clock = this.#clock
    if (clock === undefined || moment === undefined || moment.zoned || this.#shape.days) return moment
    return { ...moment, time: clock.timeAt(moment.local) }
  }

  #ofOther({ line, cells }: Row): "own" | undefined | MarketDataError {
    const { columns, header } = this.#shape
    const place = columns.symbol
    if (place === undefined) return this.#own(header.wide?.chosen, line)
    const name = cells[place]
    if (name === undefined) return "own"
    if (sameSymbol(name, this.#symbol)) return this.#own(name, line)
    if (name === "" || name === header.names?.[place]) return "own"
    if (this.#symbol !== undefined && sameSymbol(this.#symbol, this.#options.symbol)) {
      this.notices.add("other_symbol", line)
      return undefined
    }
    const several = severalSymbols([...new Set([...this.#known, name])], this.#options.symbol, line)
    return fault(several.rule, line, "symbol")
  }

  /** Whoever asks may call a series as he likes, and may as well have taken the wrong file. */
  #own(name: string | undefined, line: number): "own" {
    const asked = this.#options.symbol
    if (name !== undefined && asked !== undefined && !sameSymbol(name, asked)) {
      this.notices.add("other_name", line, `the file names ${quoted(name)}, and ${quoted(asked)} was asked for`)
    }
    return "own"
  }

  /** Notes, headers that come again, and rows without prices are no bars. */
  #isEmptyRow({ line, cells }: Row, moment: Moment | undefined): boolean {
    const { columns, header } = this.#shape
    const blank = PRICES.every((price) => isEmpty(cells[columns.prices[price]] ?? ""))
    if (blank) {
      this.notices.add(moment === undefined ? "not_a_row" : "without_prices", line)
      return true
    }
    if (header.names === undefined || moment !== undefined) return false
    const again = this.#isHeaderAgain({ line, cells })
    if (again) this.notices.add("header_again", line)
    return again
  }

  #isHeaderAgain({ cells }: Row): boolean {
    const names = this.#shape.header.names ?? []
    return cells.length === names.length && cells.every((cell, at) => plainName(cell) === plainName(names[at] ?? ""))
  }

  #timeFault({ line, cells }: Row): MarketDataError {
    const { columns, dates } = this.#shape
    const clock = columns.clock === undefined ? "" : (cells[columns.clock] ?? "")
    const text = [cells[columns.date] ?? "", clock].join(" ").trim()
    if (text === "") return fault("the cell is empty", line, "date")
    const like =
      dates.kind === "epoch"
        ? "a time like those before; --time-unit says which unit is meant"
        : "a date such as 2004-08-19 or 2017-04-19 09:00:00, of 1700 to 2099, written like those before"
    return fault(`${quoted(text)} is not ${like}`, line, "date")
  }

  #bar(row: Row, time: number, local: number): ReadBar | undefined | MarketDataError {
    const { line, cells } = row
    const values = { open: 0, high: 0, low: 0, close: 0 }
    for (const price of PRICES) {
      const value = this.#number(row, price)
      if (value instanceof MarketDataError) return value
      values[price] = value
    }
    if (values.open === 0 && values.high === 0 && values.low === 0) {
      this.notices.add("without_trade", line)
      return undefined
    }
    const low = PRICES.find((price) => values[price] <= 0)
    if (low !== undefined) return fault(`a price must be above 0: ${REMEDY}`, line, low)
    const volume = this.#volume(row)
    if (volume instanceof MarketDataError) return volume
    const factor = this.#factor(row, values.close, local)
    if (factor instanceof MarketDataError) return factor
    const bar = this.#mended(scaled({ time, ...values, volume }, factor), line)
    const broken = barFault(bar)
    if (broken !== undefined) return fault(`${broken}: ${REMEDY}`, line, broken.split(" ")[0])
    const { splits } = this.#shape.columns
    const split = splits === undefined ? 1 : splitOf(cells[splits] ?? "")
    return { bar, line, local, split }
  }

  #number({ line, cells }: Row, price: Price): number | MarketDataError {
    const cell = cells[this.#shape.columns.prices[price]] ?? ""
    if (isEmpty(cell)) return fault(`the cell is empty: ${REMEDY}`, line, price)
    const value = parseNumber(cell, this.#shape.decimal)
    if (value === undefined) return fault(`${quoted(cell)} is not a number`, line, price)
    return Number.isFinite(value) ? value : fault("the number is too large", line, price)
  }

  #volume({ line, cells }: Row): number | MarketDataError {
    const place = this.#shape.columns.volume
    if (place === undefined) return 0
    const cell = cells[place] ?? ""
    if (isEmpty(cell)) {
      this.notices.add("volume_missing", line)
      return 0
    }
    const value = parseVolume(cell, this.#shape.decimal)
    if (value === undefined) return fault(`${quoted(cell)} is not a number`, line, "volume")
    if (value < 0) return fault(`must not be negative: ${REMEDY}`, line, "volume")
    const counted = value * this.#shape.columns.volumeScale
    return Number.isFinite(counted) ? counted : fault("the number is too large", line, "volume")
  }

  /** What prices are multiplied by. */
  #factor({ line, cells }: Row, close: number, local: number): number | MarketDataError {
    const { prices = "adjusted", splits } = this.#options
    if (prices === "as-written") return 1
    const place = this.#shape.columns.adjusted
    if (place === undefined) {
      const factor = splits === undefined ? 1 : factorOf(splits, local)
      if (factor !== 1) this.notices.add("split_adjusted", line)
      return factor
    }
    const adjusted = parseNumber(cells[place] ?? "", this.#shape.decimal)
    if (adjusted === undefined || adjusted <= 0 || !Number.isFinite(adjusted)) {
      return fault("is no price: --prices as-written reads the prices as they stand", line, "adjusted close")
    }
    const factor = adjusted / close
    if (factor !== 1) this.notices.add("adjusted", line)
    return factor
  }

  #mended(bar: Bar, line: number): Bar {
    const [top, bottom] = [Math.max(bar.open, bar.close), Math.min(bar.open, bar.close)]
    if (bar.high >= top && bar.low <= bottom) return bar
    const near = bar.high >= top * (1 - ROUNDING) && bar.low <= bottom * (1 + ROUNDING)
    if (!near) return bar
    this.notices.add("rounded", line)
    return { ...bar, high: Math.max(bar.high, top), low: Math.min(bar.low, bottom) }
  }
}

const extraAreBlank = (cells: ReadonlyArray<string>, width: number): boolean =>
  cells.length > width && cells.slice(width).every((cell) => cell === "")

/** Twelve digits, so that what is multiplied and divided again is what it was. Turnover, price times volume, stays what it is. */
const scaled = (bar: Bar, factor: number): Bar => {
  if (factor === 1) return bar
  const times = (value: number) => Number((value * factor).toPrecision(12))
  return {
    time: bar.time,
    open: times(bar.open),
    high: times(bar.high),
    low: times(bar.low),
    close: times(bar.close),
    volume: Number((bar.volume / factor).toPrecision(12))
  }
}

/** New shares for one old: `4`, `4.0`, `4:1`, `4/1`; 1 where the cell says nothing of a split. */
const splitOf = (cell: string): number => {
  const [, one = "", other = "1"] = /^(\d+(?:\.\d+)?)(?:[:/](\d+(?:\.\d+)?))?$/.exec(cell) ?? []
  const ratio = Number(one) / Number(other)
  return Number.isFinite(ratio) && ratio > 0 ? ratio : 1
}

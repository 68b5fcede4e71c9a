// Text to bars, a piece at a time.
import { Result } from "effect"
import { fault, MarketDataError } from "./errors.ts"
import type { Notice } from "./notices.ts"
import { InOrder } from "./order.ts"
import type { ReadBar } from "./read-bar.ts"
import { type RowOptions, RowReader } from "./reader.ts"
import { type Row, type RowSource, rowSource } from "./rows.ts"
import type { Shape } from "./shape.ts"

export type Bars = Result.Result<ReadonlyArray<ReadBar>, MarketDataError>

/** A file whose rows are newest first is turned round in memory, and this is how much of that there is. */
export const TURNED_ROWS_MAX = 1_000_000

/** How many rows that are too late to be asked for are followed, to see whether the bars go on behind them. */
const LATER_ROWS_MAX = 1_000

/**
 * Reads the text of one file of a known shape, in pieces, and gives its bars oldest first. It keeps the row that is not whole and the last
 * bar, and all bars only where the file has the newest first.
 */
export class BarReader {
  readonly #source: RowSource
  readonly #rows: RowReader
  readonly #order: InOrder
  readonly #shape: Shape
  readonly #turned: Array<ReadBar> = []
  readonly #skipBad: boolean
  /** Whether there is a last time that counts. */
  readonly #bounded: boolean
  #done = false
  #later = false
  /** Oldest first, the rows from the first one on that is later than what was asked for. */
  readonly #held: Array<Row> = []
  /** The time of the first of them. */
  #laterFrom = Number.NEGATIVE_INFINITY
  /** Newest first, what is wrong in a row above all bars: it does not matter where a later time follows. */
  #doubted: MarketDataError | undefined

  constructor(shape: Shape, options: RowOptions) {
    this.#shape = shape
    this.#skipBad = options.skipBad === true
    this.#bounded = options.until !== undefined
    this.#source = rowSource(shape.form, shape.header.names)
    this.#rows = new RowReader(shape, options)
    this.#order = new InOrder(this.#rows.notices, {
      skipBad: this.#skipBad,
      certain: shape.zoned || shape.days || shape.timeZone !== undefined
    })
  }

  /** Nothing of what follows counts: what it says comes after the last time that was asked for. */
  get done(): boolean {
    return this.#done
  }

  /** Whether there was anything later than the last time that was asked for. */
  get sawLater(): boolean {
    return this.#later
  }

  get notices(): ReadonlyArray<Notice> {
    return this.#rows.notices.all
  }

  push(text: string): Bars {
    return this.#done
      ? Result.succeed([])
      : Result.flatMap(this.#counted(this.#source.push(text)), (rows) => this.#read(rows))
  }

  end(): Bars {
    const rest = this.#done ? Result.succeed([]) : this.#counted(this.#source.end())
    return Result.flatMap(rest, (rows) => Result.flatMap(this.#read(rows), (bars) => this.#last(bars)))
  }

  /** Behind a row that is too late nothing has to be sound. */
  #counted(rows: ReturnType<RowSource["end"]>): ReturnType<RowSource["end"]> {
    if (Result.isSuccess(rows) || this.#held.length === 0) return rows
    this.#done = true
    return Result.succeed([])
  }

  #read(rows: ReadonlyArray<Row>): Bars {
    const bars: Array<ReadBar> = []
    for (const row of rows) {
      if (this.#done) break
      const wrong = this.#held.length > 0 ? this.#behind(row, bars) : this.#take(row, bars)
      if (wrong !== undefined) return Result.fail(wrong)
    }
    return Result.succeed(bars)
  }

  #take(row: Row, bars: Array<ReadBar>): MarketDataError | undefined {
    const read = this.#rows.read(row)
    if (read === undefined) return undefined
    if (read === "after") return this.#after(row)
    if (!this.#shape.newestFirst) return read instanceof MarketDataError ? read : this.#put(read, bars)
    return this.#turn(read)
  }

  /** A row that comes after the last time that was asked for. */
  #after(row: Row): MarketDataError | undefined {
    this.#later = true
    // Newest first, what stands above it is later still, whatever it is.
    this.#doubted = undefined
    if (!this.#shape.newestFirst) {
      const seen = this.#held.push(row) === 1 ? this.#rows.timeOf(row) : undefined
      this.#laterFrom = seen instanceof MarketDataError ? this.#laterFrom : (seen?.time ?? Number.NEGATIVE_INFINITY)
    }
    return this.#turned.length > 0 ? this.#refuse(tooLate(row, "above: rows must be newest first")) : undefined
  }

  #turn(read: ReadBar | MarketDataError): MarketDataError | undefined {
    if (this.#doubted !== undefined) return this.#doubted
    if (read instanceof MarketDataError) {
      if (!this.#bounded || this.#turned.length > 0) return read
      this.#doubted = read
      return undefined
    }
    this.#turned.push(read)
    return this.#turned.length > TURNED_ROWS_MAX ? tooLongToTurn : undefined
  }

  /**
   * A row behind one that is too late to be asked for. Where the bars go on there, the time of that one is wrong. Else nothing of what
   * follows counts, and after some rows no more are read.
   */
  #behind(row: Row, bars: Array<ReadBar>): MarketDataError | undefined {
    const seen = this.#rows.timeOf(row)
    if (seen === undefined || seen instanceof MarketDataError) return seen
    if (!seen.counts || seen.time <= this.#order.newest) {
      const before = seen.counts ? this.#order.newest : this.#laterFrom
      if (seen.time !== undefined && seen.time < before) this.#rows.notices.add("later_unordered", row.line)
      if (this.#held.length < LATER_ROWS_MAX) this.#held.push(row)
      // Where all of one symbol come before all of another, a second one may be still to come.
      else this.#done = this.#shape.columns.symbol === undefined
      return undefined
    }
    if (this.#held.length >= LATER_ROWS_MAX) return undefined
    for (const each of [...this.#held.splice(0), row]) {
      const read = this.#rows.read(each)
      const late = tooLate(each, "below: rows must be oldest first")
      const wrong =
        read === "after"
          ? this.#refuse(late)
          : read === undefined || read instanceof MarketDataError
            ? read
            : this.#put(read, bars)
      if (wrong !== undefined) return wrong
    }
    return undefined
  }

  #refuse(wrong: MarketDataError): MarketDataError | undefined {
    if (!this.#skipBad) return wrong
    this.#rows.notices.add("bad_row", wrong.line ?? 0, wrong.message)
    return undefined
  }

  #put(read: ReadBar, bars: Array<ReadBar>): MarketDataError | undefined {
    const before = this.#order.take(read)
    if (before instanceof MarketDataError) return before
    if (before !== undefined) bars.push(before)
    return undefined
  }

  #last(before: ReadonlyArray<ReadBar>): Bars {
    if (this.#doubted !== undefined) return Result.fail(this.#doubted)
    const bars = [...before]
    for (const read of this.#turned.splice(0).reverse()) {
      const wrong = this.#put(read, bars)
      if (wrong !== undefined) return Result.fail(wrong)
    }
    const last = this.#order.end()
    if (last instanceof MarketDataError) return Result.fail(last)
    if (last !== undefined) bars.push(last)
    return Result.succeed(bars)
  }
}

const tooLate = ({ line }: Row, where: string): MarketDataError =>
  fault(`the time is later than those of the rows ${where}`, line, "date")

const tooLongToTurn = fault(
  `the file has its newest rows first, and more than ${TURNED_ROWS_MAX} of them cannot be turned round in memory: sort it oldest first`
)

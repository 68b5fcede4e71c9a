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
  #done = false
  #later = false

  constructor(shape: Shape, options: RowOptions) {
    this.#shape = shape
    this.#source = rowSource(shape.form)
    this.#rows = new RowReader(shape, options)
    this.#order = new InOrder(this.#rows.notices, {
      skipBad: options.skipBad === true,
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
    return this.#done ? Result.succeed([]) : Result.flatMap(this.#source.push(text), (rows) => this.#read(rows))
  }

  end(): Bars {
    const rest = this.#done ? Result.succeed([]) : this.#source.end()
    return Result.flatMap(rest, (rows) => Result.flatMap(this.#read(rows), (bars) => this.#last(bars)))
  }

  #read(rows: ReadonlyArray<Row>): Bars {
    const bars: Array<ReadBar> = []
    for (const row of rows) {
      if (this.#done) break
      const read = this.#rows.read(row)
      if (read instanceof MarketDataError) return Result.fail(read)
      if (read === undefined) continue
      if (read === "after") {
        this.#later = true
        this.#done = this.#endsAfter()
      } else if (this.#shape.newestFirst) {
        this.#turned.push(read)
        if (this.#turned.length > TURNED_ROWS_MAX) return Result.fail(tooLongToTurn)
      } else {
        const wrong = this.#put(read, bars)
        if (wrong !== undefined) return Result.fail(wrong)
      }
    }
    return Result.succeed(bars)
  }

  /** Where all of one symbol come before all of another, the asked one may be still to come. */
  #endsAfter(): boolean {
    return !this.#shape.newestFirst && this.#shape.columns.symbol === undefined
  }

  #put(read: ReadBar, bars: Array<ReadBar>): MarketDataError | undefined {
    const before = this.#order.take(read)
    if (before instanceof MarketDataError) return before
    if (before !== undefined) bars.push(before)
    return undefined
  }

  #last(before: ReadonlyArray<ReadBar>): Bars {
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

const tooLongToTurn = fault(
  `the file has its newest rows first, and more than ${TURNED_ROWS_MAX} of them cannot be turned round in memory: sort it oldest first`
)

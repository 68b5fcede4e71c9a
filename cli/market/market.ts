// The bars that a command works on: of a file, as far as asked, or of a simulated market.
import { Console, Effect, Stream } from "effect"
import type { ReadBar, Until } from "../../market/index.ts"
import { type Bar, readIsoTime } from "../../protocols/index.ts"
import {
  type FileFlags,
  type FileReport,
  localText,
  type MarketFile,
  MarketFileError,
  openFile,
  readOptions,
  readThrough,
  sayReading
} from "./file.ts"

const DAY_MILLIS = 24 * 3_600_000

/** How many bars of a file are held in memory at most. */
const BARS_MAX = 2_000_000

/** Which part of a file is wanted. Dates are days, which count whole, or instants. */
export interface BarSelection {
  /** Whose prices, where the file has those of several symbols. */
  readonly symbol?: string | undefined
  /** The last day or time, and the flag that says so. */
  readonly until?: { readonly text: string; readonly flag: string } | undefined
  /** The first day or time. */
  readonly from?: string | undefined
  /** How many bars before that are wanted as well; 0 unless given. */
  readonly before?: number
  /** How many of the last bars are wanted; all unless given. */
  readonly last?: number
}

export interface FileBars {
  /** Oldest first, and at least one. */
  readonly bars: ReadonlyArray<Bar>
  readonly reading: FileReport
}

/** The bars of a file that are wanted, and what was found out of it, which is said on standard error. Fails where there are none. */
export const readBars = (
  file: string,
  flags: FileFlags,
  wanted: BarSelection
): Effect.Effect<FileBars, MarketFileError> =>
  Effect.gen(function* () {
    const { symbol, until, from } = wanted
    const last = until === undefined ? undefined : yield* timeOf(file, until.text, until.flag)
    const first = from === undefined ? undefined : yield* timeOf(file, from, "--from")
    const whose = symbol === undefined ? {} : { symbol }
    const opened = yield* openFile(
      file,
      readOptions(flags, { ...whose, ...(last === undefined ? {} : { until: last }) })
    )
    const kept = new SelectedBars(wanted, first)
    const reading = yield* readThrough(opened, kept.take)
    if (kept.overflow) {
      const detail = `it has more than ${BARS_MAX} bars, which are not held in memory: take a part of it by --from and --to`
      return yield* new MarketFileError({ file, detail })
    }
    const { bars } = kept
    if (bars.length === 0) return yield* noBars(opened, flags, wanted, reading)
    yield* sayReading(reading)
    const ends = last === undefined || opened.market.sawLater() ? undefined : endsBefore(reading, last)
    if (ends !== undefined)
      yield* Console.error(`${file}: the prices end with ${ends}, before ${until?.flag} ${until?.text}`)
    return { bars, reading }
  })

/** Gathers what is wanted of bars that come oldest first. */
class SelectedBars {
  readonly #last: number
  readonly #before: number
  readonly #first: Until | undefined
  #begun: boolean
  #bars: Array<Bar> = []
  #overflow = false

  constructor({ last = Number.POSITIVE_INFINITY, before = 0 }: BarSelection, first: Until | undefined) {
    this.#last = last
    this.#before = before
    this.#first = first
    this.#begun = first === undefined
  }

  readonly take = (read: ReadBar): void => {
    if (!this.#begun && this.#isFirst(read)) {
      this.#begun = true
      this.#bars = newest(this.#bars, this.#before)
    }
    if (this.#bars.length >= BARS_MAX) {
      this.#overflow = true
      return
    }
    this.#bars.push(read.bar)
    const most = this.#begun ? this.#last : this.#before
    // Cut now and then, and not at each bar.
    if (this.#bars.length > 2 * most + 1_024) this.#bars = newest(this.#bars, most)
  }

  get overflow(): boolean {
    return this.#overflow
  }

  get bars(): ReadonlyArray<Bar> {
    return this.#begun ? newest(this.#bars, this.#last) : []
  }

  #isFirst({ bar, local }: ReadBar): boolean {
    const first = this.#first
    if (first === undefined) return true
    return "instant" in first ? bar.time >= first.instant : local > first.dayEnds - DAY_MILLIS
  }
}

const newest = (bars: ReadonlyArray<Bar>, count: number): Array<Bar> => bars.slice(Math.max(0, bars.length - count))

/** Why nothing of a file is wanted. */
const noBars = (
  { file }: MarketFile,
  flags: FileFlags,
  { symbol, until, from }: BarSelection,
  { series }: FileReport
) =>
  Effect.gen(function* () {
    const failed = (detail: string) => new MarketFileError({ file, detail })
    if (series.bars > 0) return yield* failed(`there are no bars from ${from} on`)
    if (until === undefined) return yield* failed("there are no bars in it")
    const whole = yield* openFile(file, readOptions(flags, symbol === undefined ? {} : { symbol }))
    const [first] = yield* Stream.runCollect(Stream.take(whole.bars, 1))
    const begins = first === undefined ? "" : `; the first is of ${new Date(first.local).toISOString().slice(0, 10)}`
    return yield* failed(`there are no bars up to ${until.text}${begins}`)
  })

/** The last bar, where a time that was asked for is beyond it. */
const endsBefore = ({ series }: FileReport, until: Until): string | undefined => {
  const interval = series.intervalMillis ?? 0
  const beyond =
    "instant" in until ? until.instant >= series.last + interval : until.dayEnds - DAY_MILLIS >= series.last
  return beyond ? localText(series.last, series) : undefined
}

/** A day, which is one of the exchange, or an instant, which is in UTC unless it names a zone. */
const timeOf = (file: string, text: string, flag: string): Effect.Effect<Until, MarketFileError> => {
  const found = parseTime(text)
  const detail = `${flag} ${JSON.stringify(text)} is not a date such as 2013-02-28 or 2018-02-07T15:00`
  return found === undefined ? Effect.fail(new MarketFileError({ file, detail })) : Effect.succeed(found)
}

const parseTime = (text: string): Until | undefined => {
  const found = readIsoTime(text)
  if (found === undefined) return undefined
  return found.isDay ? { dayEnds: found.millis + DAY_MILLIS - 1 } : { instant: found.millis }
}

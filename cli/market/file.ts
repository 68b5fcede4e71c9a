// A file of prices that somebody named on the command line: how it is to be read, and what is said of it.
import { createReadStream } from "node:fs"
import { basename } from "node:path"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Console, Effect, Option, Schema, Stream } from "effect"
import { Flag } from "effect/cli"
import {
  isPlain,
  MarketDataError,
  type Notice,
  type OpenMarket,
  openMarket,
  Quality,
  type ReadBar,
  type ReadOptions,
  type Series,
  shapeText
} from "../../market/index.ts"
import { type BarSource, BarsPerYear, SOURCE_TEXT_MAX, SOURCE_WARNINGS_MAX, spanText } from "../../protocols/index.ts"
import { checkFile, reasonOf } from "../text-file.ts"

/** A file of prices cannot be used; the sentence says where and why. */
export class MarketFileError extends Schema.TaggedError<MarketFileError>()("MarketFileError", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.file}: ${this.detail}`
  }
}

/** How a file is to be read, where it cannot tell itself. */
export const fileFlags = {
  dateOrder: Flag.Literals("date-order", ["day-first", "month-first"]).pipe(
    Flag.withDescription("Whether 03/04/2024 has the day or the month first; the file tells unless given"),
    Flag.optional
  ),
  decimal: Flag.Literals("decimal", ["point", "comma"]).pipe(
    Flag.withDescription("What stands before the decimals; the file tells unless given"),
    Flag.optional
  ),
  timeUnit: Flag.Literals("time-unit", ["s", "ms", "us", "ns"]).pipe(
    Flag.withDescription("The unit of times that are numbers; their size tells unless given"),
    Flag.optional
  ),
  timeZone: Flag.String("time-zone").pipe(
    Flag.withDescription("Where the clock of times without an offset stands, such as Europe/Berlin; UTC unless given"),
    Flag.withMetavar("ZONE"),
    Flag.optional
  ),
  prices: Flag.Literals("prices", ["adjusted", "as-written"]).pipe(
    Flag.withDescription(
      "Whether prices are adjusted where the file says how, for splits and dividends (default: adjusted)"
    ),
    Flag.withDefault("adjusted")
  ),
  skipBad: Flag.Boolean("skip-bad").pipe(
    Flag.withDescription("Leave out rows that are no sound bars, and say how many"),
    Flag.withDefault(false)
  )
}

export interface FileFlags {
  readonly dateOrder: Option.Option<"day-first" | "month-first">
  readonly decimal: Option.Option<"point" | "comma">
  readonly timeUnit: Option.Option<"s" | "ms" | "us" | "ns">
  readonly timeZone: Option.Option<string>
  readonly prices: "adjusted" | "as-written"
  readonly skipBad: boolean
}

/** For commands that say something for a year. */
export const yearFlags = {
  barsPerYear: Flag.Finite("bars-per-year").pipe(
    Flag.withDescription("How many such bars a year of trading has; the file tells unless given"),
    Flag.filter(Schema.is(BarsPerYear), () => "must be a number from 0.1 to 31622400"),
    Flag.optional
  )
}

export interface YearFlags {
  readonly barsPerYear: Option.Option<number>
}

/** How many bars a year of trading has: as somebody said, or as the file tells. */
export const barsPerYearOf = (given: YearFlags, { series }: FileReport): number | undefined =>
  Option.getOrElse(given.barsPerYear, () => series.year?.bars_per_year)

/** What the flags say, and which symbol and time are meant. */
export const readOptions = (given: FileFlags, more: Pick<ReadOptions, "symbol" | "until"> = {}): ReadOptions => ({
  ...more,
  prices: given.prices,
  skipBad: given.skipBad,
  ...Option.match(given.dateOrder, { onNone: () => ({}), onSome: (dateOrder) => ({ dateOrder }) }),
  ...Option.match(given.decimal, { onNone: () => ({}), onSome: (decimal) => ({ decimal }) }),
  ...Option.match(given.timeZone, { onNone: () => ({}), onSome: (timeZone) => ({ timeZone }) }),
  ...Option.match(given.timeUnit, { onNone: () => ({}), onSome: (timeUnit) => ({ timeUnit }) })
})

/** A file whose shape is known. */
export interface MarketFile {
  readonly file: string
  readonly market: OpenMarket<MarketFileError>
  /** Oldest first. A stream that can be run again. */
  readonly bars: Stream.Stream<ReadBar, MarketFileError>
}

const READ_BYTES = 256 * 1024

/** Opens a file of prices. */
export const openFile = (file: string, options: ReadOptions): Effect.Effect<MarketFile, MarketFileError> =>
  Effect.gen(function* () {
    const failed = (detail: string) => new MarketFileError({ file, detail })
    yield* checkFile(file).pipe(Effect.mapError(failed))
    const bytes = NodeStream.fromReadable<Uint8Array, MarketFileError>({
      evaluate: () => createReadStream(file, { highWaterMark: READ_BYTES }),
      onError: (cause) => failed(reasonOf(cause))
    })
    const inFile = (error: MarketDataError | MarketFileError) =>
      error instanceof MarketDataError ? failed(error.message) : error
    const market = yield* openMarket(bytes, options).pipe(Effect.mapError(inFile))
    return { file, market, bars: market.bars.pipe(Stream.mapError(inFile)) }
  })

/** What was found out of a file that was read. */
export interface FileReport {
  readonly file: string
  /** How it is written, in a few words. */
  readonly layout: string
  /** Nothing was assumed of how it is written. */
  readonly plain: boolean
  readonly series: Series
  readonly notices: ReadonlyArray<Notice>
}

/** Reads all bars, gives each to `see`, and tells what was found. */
export const readThrough = (
  { file, market, bars }: MarketFile,
  see: (read: ReadBar) => void
): Effect.Effect<FileReport, MarketFileError> =>
  Effect.suspend(() => {
    const quality = new Quality()
    const look = (reads: ReadonlyArray<ReadBar>) =>
      Effect.sync(() => {
        for (const read of reads) {
          quality.add(read)
          see(read)
        }
      })
    return bars.pipe(
      Stream.runForEachArray(look),
      Effect.map(() => ({
        file,
        layout: shapeText(market.shape),
        plain: isPlain(market.shape),
        series: quality.series,
        notices: [...market.notices(), ...quality.notices]
      }))
    )
  })

/** The same for those who see what was decided. */
export const sourceOf = ({ file, layout, notices }: FileReport): BarSource => {
  const texts = (warning: boolean) => notices.filter((each) => each.warning === warning).map(({ text }) => text)
  const warnings = texts(true).map((text) => text.slice(0, SOURCE_TEXT_MAX))
  return {
    name: basename(file).slice(0, 256),
    layout: [layout, ...texts(false)].join("; ").slice(0, SOURCE_TEXT_MAX),
    ...(warnings.length === 0 ? {} : { warnings: warnings.slice(0, SOURCE_WARNINGS_MAX) })
  }
}

/** How far bars are apart: `1 day`, `5 minutes`. */
export const intervalText = (millis: number | undefined): string =>
  millis === undefined ? "one bar" : spanText(millis)

/** An instant by the exchange's clock, or its day where bars are days. */
export const localText = (local: number, { intervalMillis }: Series): string => {
  const text = new Date(local).toISOString()
  return local % 86_400_000 === 0 && (intervalMillis ?? 86_400_000) >= 86_400_000
    ? text.slice(0, 10)
    : text.slice(0, 16).replace("T", " ")
}

/** What a file was taken for, as one line unless nothing was assumed, and a line for each warning. */
export const readingText = ({ file, layout, plain, series, notices }: FileReport): ReadonlyArray<string> => {
  const span =
    series.bars === 0
      ? "no bars"
      : `${series.bars} bars from ${localText(series.first, series)} to ${localText(series.last, series)}`
  const done = notices.filter(({ warning }) => !warning).map(({ text }) => text)
  const apart = series.intervalMillis === undefined ? [] : [`${intervalText(series.intervalMillis)} apart`]
  const silent = plain && done.length === 0
  return [
    ...(silent
      ? []
      : [`${file}: read as ${[layout, span, ...apart].join(", ")}${done.map((text) => `; ${text}`).join("")}`]),
    ...notices.filter(({ warning }) => warning).map(({ text }) => `${file}: warning: ${text}`)
  ]
}

/** Says on standard error what a file was taken for. */
export const sayReading = (reading: FileReport): Effect.Effect<void> =>
  Effect.forEach(readingText(reading), (line) => Console.error(line), { discard: true })

// A file of prices, opened: its shape is known, and its bars can be read.
import { Effect, Stream } from "effect"
import type { Bar } from "../protocols/index.ts"
import { SplitScan, type Splits } from "./adjusting.ts"
import { BarReader } from "./bars.ts"
import { sameSymbol } from "./columns.ts"
import type { MarketDataError } from "./errors.ts"
import { linesOfColumns } from "./json-columns.ts"
import type { Notice } from "./notices.ts"
import type { ReadBar } from "./read-bar.ts"
import type { RowOptions } from "./reader.ts"
import { rowSource } from "./rows.ts"
import { findShape, SAMPLE_CHARACTERS, type Shape, type ShapeOptions } from "./shape.ts"
import { type Bytes, openText } from "./text.ts"

/** How a file is to be read, where it cannot tell itself or where it is to be otherwise. */
export type ReadOptions = ShapeOptions & Omit<RowOptions, "splits" | "symbols">

export interface OpenMarket<E> {
  readonly shape: Shape
  /** Oldest first, as a stream that can be run again. Fails with the first row that is no sound bar. */
  readonly bars: Stream.Stream<ReadBar, E | MarketDataError>
  /** What was left out or taken otherwise than it is written, in the run of `bars` that was last begun. */
  readonly notices: () => ReadonlyArray<Notice>
  /** Whether that run met anything later than the last time that was asked for. */
  readonly sawLater: () => boolean
  /** The splits that prices are adjusted for. */
  readonly splits: Splits
}

/**
 * Opens a file of prices. Its shape is found out from its beginning; it is read as a whole once more where it names splits, or where the
 * symbol that is asked for has not come yet. Memory is the same for files of any length.
 */
export const openMarket = <E>(
  bytes: Bytes<E>,
  options: ReadOptions = {}
): Effect.Effect<OpenMarket<E>, E | MarketDataError> =>
  Effect.gen(function* () {
    const given = yield* openText(bytes)
    const begun = yield* sampleOf(given)
    const lines = yield* linesOfColumns(given, begun.sample, begun.whole)
    const text: Stream.Stream<string, E | MarketDataError> = lines ?? given
    const { sample, whole } = lines === undefined ? begun : yield* sampleOf(lines)
    const found = yield* Effect.fromResult(findShape(sample, whole, options))
    const shape = { ...found, inColumns: lines !== undefined }
    const symbols = yield* symbolsIn(text, shape, options.symbol, whole)
    const known = { ...options, symbols }
    const named = shape.columns.splits !== undefined && shape.columns.adjusted === undefined
    const splits = named && options.prices !== "as-written" ? yield* splitsIn(text, shape, known) : []
    let run: BarReader | undefined
    const bars = Stream.suspend(() => {
      const reader = new BarReader(shape, { ...known, splits })
      run = reader
      return readBars(text, reader)
    })
    return { shape, bars, notices: () => run?.notices ?? [], sawLater: () => run?.sawLater ?? false, splits }
  })

const readBars = <E>(text: Stream.Stream<string, E>, reader: BarReader): Stream.Stream<ReadBar, E | MarketDataError> =>
  text.pipe(
    Stream.takeWhile(() => !reader.done),
    Stream.mapEffect((part) => Effect.fromResult(reader.push(part))),
    Stream.concat(Stream.fromEffect(Effect.suspend(() => Effect.fromResult(reader.end())))),
    Stream.flattenIterable
  )

const sampleOf = <E>(text: Stream.Stream<string, E>) =>
  Effect.suspend(() => {
    let sample = ""
    return text.pipe(
      Stream.runForEachWhile((part) =>
        Effect.sync(() => {
          sample += part
          return sample.length <= SAMPLE_CHARACTERS
        })
      ),
      Effect.map(() => ({ sample: sample.slice(0, SAMPLE_CHARACTERS), whole: sample.length <= SAMPLE_CHARACTERS }))
    )
  })

const SYMBOLS_MAX = 1_000

/** All symbols that a file names, where the asked one is not among those of the sample. */
const symbolsIn = <E>(
  text: Stream.Stream<string, E>,
  shape: Shape,
  asked: string | undefined,
  whole: boolean
): Effect.Effect<ReadonlyArray<string>, E | MarketDataError> =>
  Effect.suspend(() => {
    const place = shape.columns.symbol
    const found = new Set(shape.symbols)
    if (place === undefined || whole || shape.symbols.some((each) => sameSymbol(each, asked)))
      return Effect.succeed([...found])
    const source = rowSource(shape.form, shape.header.names)
    const look = (rows: ReturnType<typeof source.push>) =>
      Effect.map(Effect.fromResult(rows), (all) => {
        for (const { cells, line } of all) {
          if (line > shape.header.line && cells.length === shape.header.width && found.size < SYMBOLS_MAX)
            found.add(cells[place]!)
        }
      })
    return text.pipe(
      Stream.runForEach((part) => look(source.push(part))),
      Effect.andThen(Effect.suspend(() => look(source.end()))),
      Effect.map(() => [...found])
    )
  })

const splitsIn = <E>(text: Stream.Stream<string, E>, shape: Shape, options: RowOptions) =>
  Effect.suspend(() => {
    const scan = new SplitScan()
    return readBars(text, new BarReader(shape, { ...options, prices: "as-written" })).pipe(
      Stream.runForEach((read) => Effect.sync(() => scan.add(read))),
      Effect.map(() => scan.splits)
    )
  })

/** All bars of a text, oldest first, and what was noticed. */
export const parseMarket = (text: string, options: ReadOptions = {}) =>
  Effect.gen(function* () {
    const market = yield* openMarket(Stream.make(new TextEncoder().encode(text)), options)
    const read = yield* Stream.runCollect(market.bars)
    return { shape: market.shape, bars: read.map(({ bar }) => bar), read, notices: market.notices() }
  })

/** The bars of a text, oldest first. Fails with the first row that is no sound bar, or with what the text is instead. */
export const parseBars = (
  text: string,
  options: ReadOptions = {}
): Effect.Effect<ReadonlyArray<Bar>, MarketDataError> => Effect.map(parseMarket(text, options), ({ bars }) => bars)

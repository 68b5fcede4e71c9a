// The markets that a command feeds: which ones, from where, and how they are given to a running system.
import { Console, Effect, Option, Schema, Stream } from "effect"
import { Flag } from "effect/cli"
import { feed } from "../../actors/index.ts"
import { type Bar, type BarSource, CoordinatorProtocol, MarketSymbol, SYMBOL_RULE } from "../../protocols/index.ts"
import { Actors, type AskError } from "../../runtime/index.ts"
import { type RegimeOrMartingale, simulatedMarket } from "../../sim/index.ts"
import { InvalidSetting } from "../config.ts"
import { symbolFlag, symbolsFlag } from "../options.ts"
import {
  barsPerYearOf,
  type FileFlags,
  fileFlags,
  MarketFileError,
  openFile,
  readOptions,
  readThrough,
  sayReading,
  sourceOf,
  type YearFlags,
  yearFlags
} from "./file.ts"
import { intervalFlag, regimeFlag, seedFlag } from "./simulation-flags.ts"

/** The system knows newer bars of the symbol than the file has: they are of another market, and nothing of the file would be read. */
export class OtherMarket extends Schema.TaggedError<OtherMarket>()("OtherMarket", {
  symbol: Schema.String,
  file: Schema.String,
  ends: Schema.String,
  seen: Schema.String
}) {
  override get message() {
    return `${this.file} ends on ${this.ends}, and the data folder has bars of ${this.symbol} up to ${this.seen}, of another market: use another folder with --data, or another name with --symbol`
  }
}

export interface Market {
  readonly symbol: string
  readonly bars: Stream.Stream<Bar, MarketFileError>
  /** How many bars a year of trading has, where that is known. */
  readonly barsPerYear: number | undefined
  /** How the file was read, and what looks wrong in it. */
  readonly source: BarSource | undefined
  /** The time of the last bar; none where the market is endless. */
  readonly lastTime: number | undefined
  /** Up to this time it is the past, which nobody wants to read. */
  readonly pastUntil: number
  readonly from: string
}

/** What a market is chosen by on the command line, and how fast it goes. */
export const marketFlags = {
  csv: Flag.String("csv").pipe(
    Flag.withDescription("Take the market from this file of prices (default: a simulated one)"),
    Flag.withMetavar("FILE"),
    Flag.optional
  ),
  ...fileFlags,
  ...yearFlags,
  symbol: symbolFlag,
  symbols: symbolsFlag,
  seed: seedFlag,
  regime: regimeFlag,
  interval: intervalFlag,
  speed: Flag.Finite("speed").pipe(
    Flag.withDescription("Bars per second of each symbol, above 0 and at most 1000 (default: 1)"),
    Flag.filter(
      (speed) => speed > 0 && speed <= 1_000,
      () => "must be a number above 0 and at most 1000"
    ),
    Flag.withDefault(1)
  )
}

const isSymbol = Schema.is(MarketSymbol)

/** What was chosen on the command line. */
export interface ChosenMarkets extends FileFlags, YearFlags {
  readonly csv: Option.Option<string>
  readonly symbol: Option.Option<string>
  readonly symbols: string
  readonly seed: number
  readonly regime: Option.Option<RegimeOrMartingale>
  /** Of simulated bars, in milliseconds. */
  readonly interval: number
}

/** The bars of a file. It is read through first, so that what is wrong in it is told before anything is decided on. */
const fileMarket = (
  file: string,
  symbol: string,
  flags: FileFlags & YearFlags
): Effect.Effect<Market, MarketFileError> =>
  Effect.gen(function* () {
    const opened = yield* openFile(file, readOptions(flags, { symbol }))
    let lastTime: number | undefined
    const reading = yield* readThrough(opened, ({ bar }) => {
      lastTime = bar.time
    })
    if (lastTime === undefined) return yield* new MarketFileError({ file, detail: "there are no bars in it" })
    yield* sayReading(reading)
    return {
      symbol,
      bars: Stream.map(opened.bars, ({ bar }) => bar),
      barsPerYear: barsPerYearOf(flags, reading),
      source: sourceOf(reading),
      lastTime,
      pastUntil: Number.NEGATIVE_INFINITY,
      from: file
    }
  })

/** The markets that were chosen: one of a file, or simulated ones. */
export const marketsOf = ({
  csv,
  symbol,
  symbols,
  ...flags
}: ChosenMarkets): Effect.Effect<ReadonlyArray<Market>, Error> =>
  Effect.gen(function* () {
    if (Option.isSome(csv)) {
      if (Option.isNone(symbol)) {
        return yield* new InvalidSetting({ variable: "--csv", value: csv.value, rule: "needs --symbol as well" })
      }
      return [yield* fileMarket(csv.value, symbol.value, flags)]
    }
    const named = Option.isSome(symbol) ? [symbol.value] : symbols.split(",").map((text) => text.trim().toUpperCase())
    const bad = named.map((each) => ({ each, sound: isSymbol(each) })).find(({ sound }) => !sound)?.each
    if (bad !== undefined) {
      const rule = `must be symbols separated by commas: ${SYMBOL_RULE}`
      return yield* new InvalidSetting({ variable: "--symbols", value: bad.slice(0, 40), rule })
    }
    const regime = Option.isSome(flags.regime) ? { regime: flags.regime.value } : {}
    return [...new Set(named)].map((each) => ({
      ...simulatedMarket({ symbol: each, seed: flags.seed, intervalMillis: flags.interval, ...regime }),
      symbol: each,
      barsPerYear: undefined,
      source: undefined,
      lastTime: undefined,
      from: "simulated"
    }))
  })

export interface FeedOptions {
  /** The least time between two bars. */
  readonly intervalMillis: number
  /** Said while the first answer stays away for longer than two seconds. */
  readonly awaited: string
  /** Told of each bar that was taken. */
  readonly taken?: (bar: Bar) => void
}

/**
 * Gives a market to its coordinator until it ends, from the first bar on that is newer than what is known. `known` where no bar is.
 */
export const feedMarket = (
  { symbol, bars, barsPerYear, source, lastTime, pastUntil, from }: Market,
  options: FeedOptions
): Effect.Effect<"known" | "ended", AskError | OtherMarket | MarketFileError, Actors> =>
  Effect.gen(function* () {
    const { intervalMillis, awaited, taken = () => {} } = options
    const actors = yield* Actors
    const asked = actors.ask(CoordinatorProtocol, symbol, "GetStatus", {}, { timeout: "90 seconds" })
    const waits = Effect.andThen(Console.log(`${symbol}: ${awaited}`), Effect.never)
    const { last_bar_time: seen } = yield* Effect.raceFirst(asked, Effect.delay(waits, "2 seconds"))
    if (seen !== null && lastTime !== undefined && lastTime < seen) {
      return yield* new OtherMarket({ symbol, file: from, ends: dayOf(lastTime), seen: dayOf(seen) })
    }
    if (seen !== null) yield* Console.log(`${symbol} continues after ${dayOf(seen)}`)
    if (seen !== null && lastTime === seen) return "known"
    // A simulated market has a past: without it the panel would have nothing to say for its first fifty bars.
    const past = Stream.takeWhile(bars, (bar) => bar.time < pastUntil)
    const fed = { symbol, barsPerYear, source, taken }
    if (Number.isFinite(pastUntil)) yield* feed({ ...fed, bars: past, intervalMillis: 0 })
    yield* feed({ ...fed, bars, intervalMillis })
    return "ended"
  })

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

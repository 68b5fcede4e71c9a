// `conclave backtest`: what following the agents would have come to.
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { type Panels, panelFor, quantPolicy } from "../../actors/index.ts"
import { type AgentType, type Bar, type BarSource, HOUSE_TYPES, Instrument } from "../../protocols/index.ts"
import { MARTINGALE, takeBars } from "../../sim/index.ts"
import {
  barsPerYearOf,
  type FileFlags,
  fileFlags,
  type MarketFileError,
  sourceOf,
  type YearFlags,
  yearFlags
} from "../market/file.ts"
import { readBars } from "../market/market.ts"
import { symbolFlag } from "../options.ts"
import { configFlag, extensionOf } from "../run/extension.ts"
import { type BacktestOptions, barsNeeded, EquityTooLarge, type Walk, walkForward } from "./backtest.ts"
import { backtestDocument } from "./backtest-document.ts"
import { backtestPage } from "./backtest-page.ts"
import { backtestReport } from "./backtest-report.ts"
import { backtestText } from "./backtest-text.ts"
import { outputFlags, printReport } from "./output.ts"

/** What was asked for cannot be walked through; the sentence says why. */
export class BacktestImpossible extends Schema.TaggedError<BacktestImpossible>()("BacktestImpossible", {
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

const share = (name: string, otherwise: number, about: string) =>
  Flag.Finite(name).pipe(
    Flag.withDescription(`${about} (default: ${otherwise})`),
    Flag.filter(
      (value) => value >= 0 && value <= 1,
      () => "must be from 0 to 1"
    ),
    Flag.withDefault(otherwise)
  )

const quantity = (name: "lot" | "minimum" | "tick", about: string) =>
  Flag.Finite(name).pipe(
    Flag.withDescription(about),
    Flag.filter(
      (value) => isInstrument({ [name]: value }),
      () => "must be above 0, and a lot from 0.00000001 to 1000000000"
    ),
    Flag.optional
  )
const isInstrument = Schema.is(Instrument)

const dateFlag = (name: string, about: string) =>
  Flag.String(name).pipe(Flag.withDescription(about), Flag.withMetavar("DATE"), Flag.optional)

export const backtest = Command.make(
  "backtest",
  {
    csv: Flag.String("csv").pipe(Flag.withDescription("A file of prices"), Flag.withMetavar("FILE"), Flag.optional),
    martingale: Flag.Boolean("martingale").pipe(
      Flag.withDescription("Instead of a file, a simulated market in which nothing can be foreseen"),
      Flag.withDefault(false)
    ),
    seed: Flag.Int("seed").pipe(Flag.withDescription("Which simulated market (default: 1)"), Flag.withDefault(1)),
    bars: Flag.Int("bars").pipe(
      Flag.withDescription("How many simulated bars (default: 2000)"),
      Flag.filter(
        (count) => count >= barsNeeded() && count <= 1_000_000,
        () => `must be from ${barsNeeded()} to 1000000`
      ),
      Flag.withDefault(2_000)
    ),
    symbol: symbolFlag,
    from: dateFlag("from", "The first day or instant that counts; what comes before is the warm-up"),
    to: dateFlag("to", "The last day or instant"),
    panel: Flag.String("panel").pipe(
      Flag.withDescription("Who votes, separated by commas; the usual three unless given"),
      Flag.withSchema(Schema.String),
      Flag.optional
    ),
    fee: share("fee", 0.0005, "What a trade costs, as a part of its amount"),
    slippage: share("slippage", 0.0005, "How much worse than the open it is filled, as a part of the price"),
    size: share("size", 0.9, "The part of the equity that a position takes"),
    short: Flag.Boolean("short").pipe(
      Flag.withDescription("SELL sells short; it only gets out unless given"),
      Flag.withDefault(false)
    ),
    lot: quantity("lot", "Quantities are multiples of it (default: one, or less of what is dear, as for accounts)"),
    minimum: quantity("minimum", "The smallest quantity of an order that does not close a position (default: one lot)"),
    tick: quantity("tick", "Prices paid are multiples of it (default: any price)"),
    config: configFlag,
    ...fileFlags,
    ...yearFlags,
    ...outputFlags
  },
  (given) =>
    Effect.gen(function* () {
      const { fee, slippage, size, short } = given
      const { bars, barsPerYear, source } = yield* barsOf(given)
      const { agents, panels } = yield* extensionOf(given.config)
      const symbol = Option.getOrElse(given.symbol, () => symbolOf(given.csv))
      const panel = yield* panelOf(given.panel, symbol, agents, panels)
      if (bars.length < barsNeeded()) {
        const detail = `${bars.length} bars are too few: a backtest takes ${barsNeeded()}, and the first ${barsNeeded() - 2} are its warm-up`
        return yield* new BacktestImpossible({ detail })
      }
      const walk = yield* walked(bars, {
        ...{ symbol, policy: quantPolicy, agents, fee, slippage, size, short, barsPerYear },
        ...instrumentOf(given),
        ...panel
      })
      const waiting = agents.find((agent) => agent.waits())
      if (waiting !== undefined) {
        const detail = `the agent ${waiting.type} waits for the world, which a backtest cannot: its policy must answer at once`
        return yield* new BacktestImpossible({ detail })
      }
      const report = backtestReport(walk, source)
      yield* printReport(given, {
        text: () => backtestText(report),
        data: given.json ? backtestDocument(walk, report) : report,
        page: () => backtestPage(walk, report)
      })
    })
).pipe(
  Command.withDescription("Walk through past prices with the agents, and say what following them would have come to"),
  Command.withExamples([
    {
      command: "npx conclave backtest --csv samples/ACME.csv --html acme.html",
      description: "All of a file, with a page to look at"
    },
    {
      command: "npx conclave backtest --csv samples/ACME.csv --from 2023-01-01 --to 2023-06-30",
      description: "Half a year of it"
    },
    { command: "npx conclave backtest --martingale --seed 7", description: "Where nobody may foresee anything" }
  ])
)

interface Chosen extends FileFlags, YearFlags {
  readonly csv: Option.Option<string>
  readonly martingale: boolean
  readonly seed: number
  readonly bars: number
  readonly from: Option.Option<string>
  readonly to: Option.Option<string>
  readonly symbol: Option.Option<string>
}

interface ChosenBars {
  readonly bars: ReadonlyArray<Bar>
  readonly barsPerYear: number | undefined
  readonly source: BarSource | null
}

const barsOf = (given: Chosen): Effect.Effect<ChosenBars, BacktestImpossible | MarketFileError> =>
  Effect.gen(function* () {
    const { csv, martingale, seed, bars } = given
    if (martingale === Option.isSome(csv)) {
      return yield* new BacktestImpossible({ detail: "give either --csv FILE or --martingale" })
    }
    if (Option.isNone(csv) && (Option.isSome(given.from) || Option.isSome(given.to))) {
      return yield* new BacktestImpossible({ detail: "--from and --to choose from a file, and not with --martingale" })
    }
    if (Option.isNone(csv)) {
      const taken = takeBars({ seed, symbol: "SIM", startTime: 0, regime: MARTINGALE }, bars)
      return { bars: taken, barsPerYear: Option.getOrUndefined(given.barsPerYear), source: null }
    }
    const wanted = {
      symbol: Option.getOrUndefined(given.symbol),
      from: Option.getOrUndefined(given.from),
      before: barsNeeded() - 2,
      until: Option.isSome(given.to) ? { text: given.to.value, flag: "--to" } : undefined
    }
    const read = yield* readBars(csv.value, given, wanted)
    return { bars: read.bars, barsPerYear: barsPerYearOf(given, read.reading), source: sourceOf(read.reading) }
  })

const panelOf = (
  text: Option.Option<string>,
  symbol: string,
  agents: ReadonlyArray<{ readonly type: AgentType }>,
  panels: Panels
) =>
  Effect.gen(function* () {
    const types: ReadonlyArray<AgentType> = [...HOUSE_TYPES, ...agents.map(({ type }) => type)]
    const own = panelFor(panels, symbol)
    if (Option.isNone(text)) return own === undefined ? {} : { panel: own }
    const named = [...new Set(text.value.split(",").map((each) => each.trim()))]
    const wrong = named.find((each) => !types.includes(each))
    if (wrong !== undefined) {
      const detail = `--panel: there is no agent ${JSON.stringify(wrong)}; there are ${types.join(", ")}`
      return yield* new BacktestImpossible({ detail })
    }
    return { panel: named }
  })

const walked = (bars: ReadonlyArray<Bar>, options: BacktestOptions): Effect.Effect<Walk, EquityTooLarge> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(walkForward(bars, options))
    } catch (error) {
      return error instanceof EquityTooLarge ? Effect.fail(error) : Effect.die(error)
    }
  })

const instrumentOf = (given: { readonly [K in "lot" | "minimum" | "tick"]: Option.Option<number> }) => {
  const instrument = {
    ...(Option.isSome(given.lot) ? { lot: given.lot.value } : {}),
    ...(Option.isSome(given.minimum) ? { minimum: given.minimum.value } : {}),
    ...(Option.isSome(given.tick) ? { tick: given.tick.value } : {})
  }
  return Object.keys(instrument).length === 0 ? {} : { instrument }
}

/** The name of the file, as far as a symbol may have it. */
const symbolOf = (csv: Option.Option<string>): string => {
  const name = Option.getOrElse(csv, () => "SIM")
  const found = /([A-Za-z0-9][A-Za-z0-9_-]{0,31})(?:\.[^/\\]*)?$/.exec(name.split(/[/\\]/).at(-1) ?? "")?.[1]
  return (found ?? "SIM").toUpperCase()
}

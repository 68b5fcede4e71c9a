import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { factsOf, INSTRUMENTS, Market, type MarketOptions, takeBars } from "../../sim/index.ts"
import { symbolArgument } from "../options.ts"
import { check } from "./check.ts"
import { type FileFacts, factsJson, factsText } from "./facts-table.ts"
import { fileFlags } from "./file.ts"
import { readBars } from "./market.ts"
import { instrumentFlag, intervalFlag, regimeFlag, seedFlag } from "./simulation-flags.ts"

const HOUR_MILLIS = 3_600_000
const BARS_MAX = 10_000_000

const count = (name: string, most: number, otherwise: number, about: string) =>
  Flag.Int(name).pipe(
    Flag.withDescription(`${about} (default: ${otherwise})`),
    Flag.filter(
      (value) => value >= 1 && value <= most,
      () => `must be a whole number from 1 to ${most}`
    ),
    Flag.withDefault(otherwise)
  )

/** `conclave market simulate`: the bars of a simulated market as CSV. */
const simulate = Command.make(
  "simulate",
  {
    symbol: symbolArgument,
    bars: count("bars", BARS_MAX, 500, "How many bars"),
    seed: seedFlag,
    instrument: instrumentFlag,
    interval: intervalFlag,
    regime: regimeFlag
  },
  ({ symbol, bars, seed, instrument, interval, regime }) =>
    Effect.gen(function* () {
      const market = new Market({
        ...{ seed, symbol, startTime: Date.UTC(2024, 0, 1), intervalMillis: interval },
        instrument: INSTRUMENTS[instrument],
        ...(Option.isSome(regime) ? { regime: regime.value } : {})
      } satisfies MarketOptions)
      yield* Console.log("Date,Open,High,Low,Close,Volume,Bid,Ask,Regime")
      for (let index = 0; index < bars; index++) {
        const { bar, bid, ask, regime: now } = market.next()
        const time = new Date(bar.time).toISOString()
        yield* Console.log([time, bar.open, bar.high, bar.low, bar.close, bar.volume, bid, ask, now].join(","))
      }
    })
).pipe(
  Command.withDescription("Print the bars of a simulated market as CSV, with what only a simulator knows"),
  Command.withExamples([
    { command: "npx conclave market simulate ACME --bars 100", description: "A hundred days" },
    {
      command: "npx conclave market simulate EURUSD --instrument currency --interval 1h --regime martingale",
      description: "Hours in which nothing can be known"
    }
  ])
)

/** What a file must have for facts. */
const FACTS_BARS_MIN = 100

/** `conclave market facts`: the stylized facts of simulated and real prices, side by side. */
const facts = Command.make(
  "facts",
  {
    files: Argument.String("csv").pipe(
      Argument.withDescription("Files of prices to show beside the simulated markets"),
      Argument.variadic()
    ),
    seed: seedFlag,
    seeds: count("seeds", 1_000, 20, "How many simulated markets of each kind, each of the seed after the one before"),
    regime: regimeFlag,
    ...fileFlags,
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false))
  },
  ({ files, seed, seeds, regime, json, ...flags }) =>
    Effect.gen(function* () {
      const found: Array<FileFacts> = []
      for (const file of files) {
        const { bars } = yield* readBars(file, flags, {})
        if (bars.length < FACTS_BARS_MIN)
          return yield* Effect.fail(new Error(`${file}: has ${bars.length} bars, and facts take ${FACTS_BARS_MIN}`))
        found.push({ file, facts: factsOf(bars) })
      }
      const inRegime = Option.isSome(regime) ? { regime: regime.value } : {}
      const simulated = SIMULATED.map(({ name, options, bars }) => ({
        name,
        series: Array.from({ length: seeds }, (_, index) =>
          factsOf(takeBars({ ...options, ...inRegime, seed: seed + index, symbol: "SIM", startTime: 0 }, bars))
        )
      }))
      const report = { seeds: { first: seed, count: seeds }, simulated, files: found }
      yield* Console.log(json ? JSON.stringify(factsJson(report), null, 2) : factsText(report))
    })
).pipe(
  Command.withDescription(
    "Show the stylized facts of returns of simulated markets, and of prices in files beside them"
  ),
  Command.withExamples([
    {
      command: "npx conclave market facts samples/ACME.csv samples/GLOBEX.csv",
      description: "Twenty simulated markets of each kind beside files of prices"
    }
  ])
)

const SIMULATED = [
  { name: "stock, days", options: {}, bars: 2_500 },
  {
    name: "currency, hours",
    options: { instrument: INSTRUMENTS.currency, intervalMillis: HOUR_MILLIS },
    bars: 5_000
  }
] as const

export const market = Command.make("market").pipe(
  Command.withDescription("Simulated markets, how they compare with real ones, and what a file of prices is taken for"),
  Command.withSubcommands([simulate, facts, check])
)

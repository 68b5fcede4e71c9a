import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { type Facts, factsOf, INSTRUMENTS, Market, type MarketOptions, takeBars } from "../sim/index.ts"
import { readBars } from "./market.ts"
import { check } from "./market-check.ts"
import { fileFlags } from "./market-file.ts"
import { symbolArgument } from "./options.ts"
import { instrumentFlag, intervalFlag, regimeFlag, seedFlag } from "./simulation-flags.ts"
import { table } from "./table.ts"

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

/** `conclave market facts`: the stylized facts of simulated and real prices, side by side. */
const facts = Command.make(
  "facts",
  {
    files: Argument.String("csv").pipe(
      Argument.withDescription("Files of prices to show beside the simulated markets"),
      Argument.variadic()
    ),
    seed: seedFlag,
    ...fileFlags
  },
  ({ files, seed, ...flags }) =>
    Effect.gen(function* () {
      const at = { seed, symbol: "SIM", startTime: 0 }
      const hourly = { ...at, instrument: INSTRUMENTS.currency, intervalMillis: HOUR_MILLIS }
      const columns: Array<readonly [string, Facts]> = [
        ["stock, days", factsOf(takeBars(at, 2_500))],
        ["currency, hours", factsOf(takeBars(hourly, 5_000))]
      ]
      for (const file of files) {
        const { bars } = yield* readBars(file, flags, {})
        if (bars.length < 100)
          return yield* Effect.fail(new Error(`${file}: has ${bars.length} bars, and facts take 100`))
        columns.push([file.split("/").at(-1)!, factsOf(bars)])
      }
      yield* Console.log(factsTable(columns))
    })
).pipe(
  Command.withDescription(
    "Show the stylized facts of returns of simulated markets, and of prices in files beside them"
  ),
  Command.withExamples([
    {
      command: "npx conclave market facts samples/ACME.csv samples/GLOBEX.csv",
      description: "Simulated markets beside files of prices"
    }
  ])
)

const rows: ReadonlyArray<readonly [string, (facts: Facts) => string]> = [
  ["bars", ({ bars }) => String(bars)],
  ["volatility of a bar", ({ volatility }) => `${(100 * volatility).toFixed(2)}%`],
  ["tail index (Hill)", ({ tailIndex, tailIndexError }) => `${tailIndex.toFixed(1)} ± ${tailIndexError.toFixed(1)}`],
  ["kurtosis over 1, 5, 20 bars", ({ kurtosis }) => kurtosis.map((each) => each.toFixed(1)).join(", ")],
  ["autocorrelation of returns", ({ returnMemory }) => returnMemory.toFixed(3)],
  [
    "… of their sizes at 1, 5, 20",
    ({ volatilityMemory }) => volatilityMemory.map((each) => each.toFixed(2)).join(", ")
  ],
  ["leverage", ({ leverage }) => leverage.toFixed(3)],
  ["volume with size of return", ({ volumeVolatility }) => volumeVolatility.toFixed(2)],
  ["variance between close and open", ({ gapShare }) => `${(100 * gapShare).toFixed(0)}%`],
  ["high to low, in volatilities", ({ range }) => range.toFixed(2)],
  ["busiest to quietest hour", ({ hours }) => hoursText(hours)]
]

const hoursText = (hours: Facts["hours"]): string => {
  const known = hours.flatMap((value, hour) => (value === null ? [] : [{ hour, value }]))
  if (known.length < 2) return "-"
  const sorted = known.toSorted((a, b) => b.value - a.value)
  const show = ({ hour, value }: { hour: number; value: number }) => `${value.toFixed(1)} at ${hour}h`
  return `${show(sorted[0]!)}, ${show(sorted.at(-1)!)}`
}

const factsTable = (columns: ReadonlyArray<readonly [string, Facts]>): string =>
  table(
    ["", ...columns.map(([name]) => name)],
    rows.map(([name, show]) => [name, ...columns.map(([, found]) => show(found))])
  )

export const market = Command.make("market").pipe(
  Command.withDescription("Simulated markets, how they compare with real ones, and what a file of prices is taken for"),
  Command.withSubcommands([simulate, facts, check])
)

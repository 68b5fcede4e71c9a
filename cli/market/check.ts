// `conclave market check`: what a file of prices is taken for, and what looks wrong in it.
import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { listed } from "../../market/index.ts"
import { symbolFlag } from "../options.ts"
import {
  type FileReport,
  fileFlags,
  intervalText,
  localText,
  type MarketFile,
  openFile,
  readOptions,
  readThrough
} from "./file.ts"

/** `conclave market check FILE`. */
export const check = Command.make(
  "check",
  {
    file: Argument.String("file").pipe(Argument.withDescription("A file of prices")),
    symbol: symbolFlag,
    ...fileFlags,
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false))
  },
  (given) =>
    Effect.gen(function* () {
      const symbol = Option.isSome(given.symbol) ? { symbol: given.symbol.value } : {}
      const opened = yield* openFile(given.file, readOptions(given, symbol))
      const reading = yield* readThrough(opened, () => {})
      const report = reportOf(opened, reading)
      yield* Console.log(given.json ? JSON.stringify(report, null, 2) : reportText(report, reading))
    })
).pipe(
  Command.withDescription(
    "Tell what a file of prices is taken for: its layout, span, interval, session, holes and what looks wrong"
  ),
  Command.withExamples([
    { command: "npx conclave market check samples/ACME.csv", description: "Before it is decided on" },
    {
      command: "npx conclave market check samples/ACME.csv --json",
      description: "The same for programs"
    }
  ])
)

/** The same as one JSON object. */
const reportOf = ({ market }: MarketFile, reading: FileReport) => {
  const { file, layout, series, notices } = reading
  return {
    file,
    layout,
    symbols: market.shape.header.wide?.names ?? market.shape.symbols,
    bars: series.bars,
    first: series.bars === 0 ? null : localText(series.first, series),
    last: series.bars === 0 ? null : localText(series.last, series),
    interval_seconds: series.intervalMillis === undefined ? null : series.intervalMillis / 1_000,
    session: sessionText(series),
    bars_per_year: series.year?.bars_per_year ?? null,
    year: series.year?.year ?? null,
    splits: market.splits.map(({ local, ratio }) => ({ date: new Date(local).toISOString().slice(0, 10), ratio })),
    done: notices
      .filter(({ warning }) => !warning)
      .map(({ kind, text, count, lines }) => ({ kind, text, count, lines })),
    warnings: notices
      .filter(({ warning }) => warning)
      .map(({ kind, text, count, lines }) => ({ kind, text, count, lines }))
  }
}

const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`

const sessionText = ({ session, weekdays, bars }: FileReport["series"]): string | null => {
  if (bars === 0) return null
  const days = `${weekdays} ${weekdays === 1 ? "day" : "days"} of the week`
  return session === undefined ? days : `bars begin from ${clock(session.from)} to ${clock(session.to)}, on ${days}`
}

const reportText = (report: ReturnType<typeof reportOf>, read: FileReport): string => {
  const rows: ReadonlyArray<readonly [string, string | null]> = [
    ["layout", report.layout],
    ["symbols", report.symbols.length === 0 ? null : listed(report.symbols)],
    ["bars", `${report.bars}${report.first === null ? "" : `, from ${report.first} to ${report.last}`}`],
    ["interval", intervalText(read.series.intervalMillis)],
    ["session", report.session],
    ["year", report.year],
    [
      "splits",
      report.splits.length === 0 ? null : report.splits.map(({ date, ratio }) => `${ratio} for 1 on ${date}`).join(", ")
    ],
    ...report.done.map(({ text }) => ["done", text] as const),
    ...(report.warnings.length === 0
      ? [["warnings", "none"] as const]
      : report.warnings.map(({ text }) => ["warning", text] as const))
  ]
  return rows.flatMap(([name, text]) => (text === null ? [] : [`${name.padEnd(9)} ${text}`])).join("\n")
}

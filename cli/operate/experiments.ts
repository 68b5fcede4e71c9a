// `conclave experiments`: two configurations of a panel side by side, and what is shown so far.
import { Effect, Option, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { ExperimentState, experimentActor, experimentReport } from "../../actors/index.ts"
import { type Arm, ExperimentName, ExperimentProtocol, type ExperimentReport } from "../../protocols/index.ts"
import type { Operators } from "../../runtime/index.ts"
import { counted, indented, plain, table } from "../table.ts"
import { maxFlag, operate, operatorFlags } from "./operate.ts"

/** Nobody has begun an experiment of this name. */
export class NoSuchExperiment extends Schema.TaggedError<NoSuchExperiment>()("NoSuchExperiment", {
  name: Schema.String
}) {
  override get message() {
    return `there is no experiment ${this.name}`
  }
}

const nameArgument = Argument.String("name").pipe(
  Argument.withDescription("Show this experiment only, with both arms"),
  Argument.withSchema(ExperimentName),
  Argument.optional
)

/** `conclave experiments`. */
export const experiments = Command.make(
  "experiments",
  { name: nameArgument, max: maxFlag, ...operatorFlags },
  (given) =>
    operate(given, (operators) =>
      Effect.gen(function* () {
        if (Option.isSome(given.name)) {
          const name = given.name.value
          const report = yield* readReport(operators, name).pipe(
            Effect.catchTag("NoSuchActor", () => Effect.succeed(undefined))
          )
          if (report === undefined) return yield* new NoSuchExperiment({ name })
          return { text: reportText(report), json: report }
        }
        const type = ExperimentProtocol.type
        const found = yield* operators.actors({ type }, undefined, given.max)
        const reports = yield* Effect.forEach(found, ({ address }) => readReport(operators, address.id))
        const begun = reports.filter((report) => report !== undefined)
        return { text: begun.length === 0 ? "there is no experiment" : reportRows(begun), json: begun }
      })
    )
).pipe(
  Command.withDescription("Two configurations of a panel, compared on the requests that each has answered"),
  Command.withExamples([
    { command: "npx conclave experiments", description: "All experiments, a line each" },
    { command: "npx conclave experiments weights-from-outcomes", description: "One, with both of its arms" }
  ])
)

/** Reads it from its journal: it need not run, and does not notice. */
const readReport = (operators: Operators["Service"], name: string) =>
  Effect.gen(function* () {
    const address = { type: ExperimentProtocol.type, id: name }
    const { state } = yield* operators.inspect(address, { definition: experimentActor, last: 1 })
    const known = yield* Schema.decodeUnknownEffect(Schema.toCodecJson(ExperimentState))(state)
    return known === null ? undefined : experimentReport(name, known)
  })

/** Experiments, one a line. */
const reportRows = (reports: ReadonlyArray<ExperimentReport>): string =>
  table(
    ["EXPERIMENT", "STATE", "SCORED", "A", "B", "B - A", "INTERVAL", "P", "VERDICT"],
    reports.map((report) => [
      report.name,
      report.running ? "running" : "stopped",
      report.arms.a.scored + report.arms.b.scored,
      lossText(report.arms.a.mean_loss),
      lossText(report.arms.b.mean_loss),
      differenceText(report.difference),
      intervalText(report),
      pText(report.p_value),
      verdictText(report)
    ])
  )

/** One experiment with all it shows. */
const reportText = (report: ExperimentReport): string => {
  const { name, running, experiment, arms } = report
  const row = (arm: Arm) => {
    const { label, assigned, scored, mean_loss, waiting, unscored, lost } = arms[arm]
    return [arm.toUpperCase(), plain(label, 64), assigned, scored, lossText(mean_loss), waiting, unscored, lost]
  }
  const lines = [
    ["state", running ? "running" : "stopped: no request is assigned any more"],
    ["loss", METRICS[experiment.metric](experiment.return_cap)],
    ["B - A", `${differenceText(report.difference)}, below 0 where B loses less`],
    ["interval", `${intervalText(report)}, right at all times with probability ${1 - experiment.alpha}`],
    ["evidence", `e-value ${numberText(report.e_value)}, p ${pText(report.p_value)} however often it is looked at`],
    ["verdict", verdictText(report)]
  ] as const
  return [
    name,
    ...lines.map(([label, text]) => `  ${label.padEnd(10)}${text}`),
    indented(
      table(
        ["ARM", "CONFIGURATION", "ASSIGNED", "SCORED", "MEAN LOSS", "WAITING", "UNSCORED", "LOST"],
        [row("a"), row("b")]
      )
    )
  ].join("\n")
}

const METRICS = {
  brier: () => "half the Brier score of the joint decision, 0 to 1",
  return: (cap: number) => `what the joint decision did not win, 0 to 1; returns are cut at ${cap * 100} %`
} as const

const lossText = (loss: number | null): string => (loss === null ? "-" : loss.toFixed(4))

const differenceText = (difference: number | null): string =>
  difference === null ? "-" : `${difference < 0 ? "" : "+"}${difference.toFixed(4)}`

const intervalText = ({ interval: { lower, upper } }: ExperimentReport): string =>
  `${differenceText(lower)} to ${differenceText(upper)}`

const pText = (p: number): string => (p < 0.0001 ? "< 0.0001" : p.toFixed(4))

const numberText = (value: number): string => (value >= 1e6 ? value.toExponential(1) : value.toFixed(2))

const verdictText = ({ verdict, shown_after, experiment }: ExperimentReport): string => {
  if (verdict === "no_difference_shown") return "no difference shown yet"
  const arm = verdict === "a_better" ? "a" : "b"
  return `${arm.toUpperCase()} better (${plain(experiment[arm], 64)}), shown after ${counted(shown_after ?? 0, "request")}`
}

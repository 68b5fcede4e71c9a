// `conclave feedback`: how the agents' tools and models have done.
import { Clock, Effect, Option, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { feedbackActor, feedbackReport } from "../../actors/index.ts"
import { FeedbackProtocol, type ToolReport } from "../../protocols/index.ts"
import type { Operators } from "../../runtime/index.ts"
import { indented, plain, table } from "../table.ts"
import { maxFlag, operate, operatorFlags } from "./operate.ts"

/** Nobody has used this tool. */
export class NoSuchTracker extends Schema.TaggedError<NoSuchTracker>()("NoSuchTracker", { name: Schema.String }) {
  override get message() {
    return `nothing is known of ${this.name}: it is named by agent type and tool, such as market_analyst:rsi`
  }
}

const nameArgument = Argument.String("name").pipe(
  Argument.withDescription("Show all of this one only, such as market_analyst:rsi or market_analyst:model"),
  Argument.optional
)

/** `conclave feedback`. */
export const feedback = Command.make("feedback", { name: nameArgument, max: maxFlag, ...operatorFlags }, (given) =>
  operate(given, (operators) =>
    Effect.gen(function* () {
      if (Option.isSome(given.name)) {
        const name = given.name.value
        const report = yield* readReport(operators, name).pipe(Effect.catchTag("NoSuchActor", () => Effect.undefined))
        if (report === undefined) return yield* new NoSuchTracker({ name })
        return { text: reportText(report), json: report }
      }
      const found = yield* operators.actors({ type: FeedbackProtocol.type }, undefined, given.max)
      const read = yield* Effect.forEach(found, ({ address }) => readReport(operators, address.id))
      const reports = read.filter((report) => report !== undefined)
      return { text: reports.length === 0 ? "no tool has been used" : rowsOf(reports), json: reports }
    })
  )
).pipe(
  Command.withDescription(
    "How the agents' tools and models have done: success, time, trend, errors, what to do about it"
  ),
  Command.withExamples([
    { command: "npx conclave feedback", description: "All tools, a line each" },
    { command: "npx conclave feedback market_analyst:rsi", description: "One, with all that is known of it" }
  ])
)

/** Reads it from its journal: it need not run, and does not notice. */
const readReport = (operators: Operators["Service"], name: string) =>
  Effect.gen(function* () {
    const address = { type: FeedbackProtocol.type, id: name }
    const { state } = yield* operators.inspect(address, { definition: feedbackActor(), last: 1 })
    return feedbackReport(name, state, yield* Clock.currentTimeMillis)
  })

const percent = (share: number | null): string => (share === null ? "-" : `${(100 * share).toFixed(1)}%`)
const millis = (ms: number | undefined): string => (ms === undefined ? "-" : `${ms.toFixed(ms < 10 ? 2 : 0)} ms`)

const rowsOf = (reports: ReadonlyArray<ToolReport>): string =>
  table(
    ["AGENT", "TOOL", "USED", "SUCCESS", "MEDIAN", "P95", "TREND", "BREAKER", "TO DO"],
    reports.map((report) => [
      report.agent_type,
      plain(report.tool, 32),
      report.total.executions,
      percent(report.success_rate),
      millis(report.execution_time_ms?.median),
      millis(report.execution_time_ms?.p95),
      report.trend.verdict.replace("insufficient_data", "-"),
      report.breaker.state,
      report.suggestions.map(({ code }) => code).join(" ") || "-"
    ])
  )

const reportText = (report: ToolReport): string => {
  const { window, success_interval: interval, execution_time_ms: time, trend, time_trend, breaker } = report
  const lines = [
    ["used", `${report.total.executions} times, ${report.total.failed} failed, ${report.total.timed_out} timed out`],
    [
      "window",
      `the last ${window.executions}${window.from === null ? "" : `, since ${window.from}`}; ${report.warm_up} of them with too few bars`
    ],
    [
      "success",
      `${percent(report.success_rate)}${interval === null ? "" : `, 95% interval ${percent(interval.low)} to ${percent(interval.high)}`}`
    ],
    ["time", time === null ? "-" : `median ${millis(time.median)}, mean ${millis(time.mean)}, p95 ${millis(time.p95)}`],
    ["trend", `${trend.verdict}${trend.p_value === null ? "" : `, p ${trend.p_value.toPrecision(2)}`}`],
    [
      "of time",
      `${time_trend.verdict}${time_trend.p_value === null ? "" : `, p ${time_trend.p_value.toPrecision(2)}`}`
    ],
    ["breaker", `${breaker.state}${breaker.until === null ? "" : ` until ${breaker.until}`}`]
  ] as const
  return [
    `${report.agent_type}:${plain(report.tool, 64)}`,
    ...lines.map(([label, text]) => `  ${label.padEnd(9)}${text}`),
    ...section(
      "errors",
      report.errors.map(({ count, share, pattern }) => `${count} (${percent(share)}) ${plain(pattern, 140)}`)
    ),
    ...section(
      "fails more often with",
      report.predictors.map(
        ({ feature, value, lift, failures, count }) =>
          `${plain(feature, 40)} ${plain(value, 40)}: ${lift.toFixed(1)} times (${failures} of ${count})`
      )
    ),
    ...section(
      "kinds of executions",
      (report.clusters ?? []).map(
        ({ share, success_rate, median_ms, typical }) =>
          `${percent(share)}: success ${percent(success_rate)}, median ${millis(median_ms)}${typical.length === 0 ? "" : `; ${plain(typical.join(", "), 120)}`}`
      )
    ),
    ...section(
      "to do",
      report.suggestions.map(({ text }) => plain(text, 300))
    ),
    ...section(
      "not yet",
      report.insufficient.map(({ what, needed, have }) => `${what}: takes ${needed}, and there are ${have}`)
    )
  ].join("\n")
}

const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : [`  ${title}`, indented(lines.join("\n"), "    ")]

import { table } from "../table.ts"
import type { AgentTestReport } from "./agent-report.ts"
import { percentText, pText, shareText } from "./backtest-text.ts"

const FAILURES_SHOWN = 8

/** The agent tests for people. */
export const agentTestText = (report: AgentTestReport): string => {
  const { executive_summary: summary, accuracy, accuracy_by_regime, accuracy_by_agent } = report
  const { seeds, interval, beside } = summary
  const subjects = Object.keys(accuracy_by_agent)
  return [
    summary.verdict,
    `overall_success_rate ${percentText(summary.overall_success_rate)} (95%: ${percentText(interval.low, 0)}–${percentText(interval.high, 0)}) of ${summary.checks} ` +
      `answers to ${summary.scenarios} scenarios; a coin would have ${percentText(beside.coin, 0)}, always HOLD ${percentText(beside.always_hold, 0)}.`,
    `Seeds ${seeds.first} to ${seeds.first + seeds.count - 1}: mean ${percentText(seeds.mean)}, standard deviation ${percentText(seeds.deviation)}, ` +
      `from ${percentText(seeds.lowest)} to ${percentText(seeds.highest)}.`,
    "",
    table(
      ["REGIME", ...subjects.map((name) => name.toUpperCase()), "ALL", "COIN", "HOLD"],
      [
        ...Object.entries(accuracy).map(([regime, cells]) => {
          const all = accuracy_by_regime[regime]
          return [
            regime,
            ...subjects.map((subject) => percentText(cells[subject]?.rate ?? null, 0)),
            ...[all?.rate, all?.coin, all?.always_hold].map((share) => percentText(share ?? null, 0))
          ]
        }),
        [
          "all",
          ...subjects.map((subject) => percentText(accuracy_by_agent[subject]?.rate ?? null, 0)),
          ...[summary.overall_success_rate, beside.coin, beside.always_hold].map((share) => percentText(share, 0))
        ]
      ]
    ),
    "",
    "On the martingale nobody may foresee the next move: how often BUY and SELL were right, and how likely a coin is as far from half.",
    table(
      ["", "RIGHT", "OF", "P", ""],
      report.martingale.map(({ subject, direction, p, chance }) => [
        subject,
        shareText(direction),
        direction.count,
        pText(p),
        chance ? "chance" : "more or less than chance"
      ])
    ),
    "",
    "Most common failures:",
    ...report.common_failures
      .slice(0, FAILURES_SHOWN)
      .map(({ regime, subject, fault, decision, named, count, example }) => {
        const what = fault === "decision" ? `said ${decision}` : `said ${decision}: ${fault}`
        return `  ${count} × ${regime}: ${subject} ${what}, taking it for ${named ?? "nothing"} (seed ${example.seed}, ${example.symbol})`
      }),
    "",
    ...report.recommendations,
    "",
    table(
      ["RESPONSE, MS", "P50", "P95", "MAX"],
      Object.entries(report.response_times).map(([subject, { p50, p95, max }]) => [
        subject,
        ...[p50, p95, max].map((millis) => millis.toFixed(1))
      ])
    )
  ].join("\n")
}

import type { AgentTestReport } from "../../evaluation/index.ts"
import { table } from "../table.ts"
import { percentText, pText, shareText } from "./backtest-text.ts"

const FAILURES_SHOWN = 8

/** Who stands beside the agents, and how they are called. */
export const BESIDE = [
  ["coin", "COIN"],
  ["always_hold", "ALWAYS HOLD"],
  ["momentum", "MOMENTUM"],
  ["clear_momentum", "CLEAR MOMENTUM"],
  ["two_moves", "TWO MOVES"],
  ["mean_reversion", "MEAN REVERSION"],
  ["regime_known", "REGIME KNOWN"]
] as const

/** The agent tests for people. */
export const agentTestText = (report: AgentTestReport): string => {
  const { executive_summary: summary, accuracy, accuracy_by_regime, accuracy_by_agent } = report
  const { seeds, interval, beside } = summary
  const subjects = Object.keys(accuracy_by_agent)
  return [
    summary.verdict,
    ...tradersLine(report),
    `overall_success_rate ${percentText(summary.overall_success_rate)} (95%: ${intervalText(interval)}) of all ${summary.checks} ` +
      `answers to ${summary.scenarios} scenarios; a coin would have ${percentText(beside.coin, 0)}, always HOLD ${percentText(beside.always_hold, 0)}.`,
    `Seeds ${seeds.first} to ${seeds.first + seeds.count - 1}: mean ${percentText(seeds.mean)}, standard deviation ${percentText(seeds.deviation)}, ` +
      `from ${percentText(seeds.lowest)} to ${percentText(seeds.highest)}.`,
    "",
    table(
      ["REGIME", ...subjects.map((name) => name.toUpperCase()), "ALL"],
      [
        ...Object.entries(accuracy).map(([regime, cells]) => [
          regime,
          ...subjects.map((subject) => percentText(cells[subject]?.rate ?? null, 0)),
          percentText(accuracy_by_regime[regime]?.rate ?? null, 0)
        ]),
        [
          "all",
          ...subjects.map((subject) => percentText(accuracy_by_agent[subject]?.rate ?? null, 0)),
          percentText(summary.overall_success_rate, 0)
        ]
      ]
    ),
    "",
    ...besideTable(report),
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

const intervalText = ({ low, high }: { readonly low: number; readonly high: number }): string =>
  `${percentText(low, 0)}–${percentText(high, 0)}`

/** The rate that says something: of those for whom it is not enough to wait. */
const tradersLine = ({ executive_summary: { traders } }: AgentTestReport): ReadonlyArray<string> =>
  traders === null
    ? ["Only those were asked for whom HOLD is right in every kind of market: what they have says little."]
    : [
        `traders ${percentText(traders.rate)} (95%: ${intervalText(traders.interval)}) of the ${traders.count} answers of those for whom HOLD is not always right; ` +
          `a coin would have ${percentText(traders.beside.coin, 0)}, always HOLD ${percentText(traders.beside.always_hold, 0)}.`
      ]

/** Those for whom it is not enough to wait, beside what simple rules have on the same bars. */
const besideTable = ({ executive_summary: { traders }, traders_by_regime }: AgentTestReport): ReadonlyArray<string> => {
  if (traders === null) return []
  const rows = [...Object.entries(traders_by_regime), ["all", { ...traders, ...traders.beside }] as const]
  return [
    "Those for whom HOLD is not always right, beside others on the same bars. Momentum: the way of the last 20; clear momentum: beyond a standard deviation;",
    "two moves: of all bars beyond 1.645, else of the last 10 beyond 2; mean reversion: back to the mean of 20 from a deviation on; known: who is told the regime.",
    table(
      ["REGIME", "TRADERS", ...BESIDE.map(([, title]) => title)],
      rows.map(([regime, found]) => [
        regime,
        percentText(found.rate, 0),
        ...BESIDE.map(([name]) => percentText(found[name], 0))
      ])
    ),
    ""
  ]
}

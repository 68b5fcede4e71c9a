import type { HitRate } from "../../evaluation/index.ts"
import { counted, table } from "../table.ts"
import type { BacktestReport, StrategyReport } from "./backtest-report.ts"

export const percentText = (share: number | null, digits = 1): string =>
  share === null ? "-" : `${(100 * share).toFixed(digits)}%`
export const numberText = (value: number | null, digits = 2): string => (value === null ? "-" : value.toFixed(digits))
export const shareText = ({ rate, low, high }: HitRate): string =>
  rate === null ? "-" : `${percentText(rate)} (${percentText(low, 0)}–${percentText(high, 0)})`
export const skillText = ({ brier_skill, brier_skill_margin }: Skilled): string =>
  brier_skill === null ? "-" : `${percentText(brier_skill)} ± ${percentText(brier_skill_margin)}`
type Skilled = Pick<StrategyReport, "brier_skill" | "brier_skill_margin">
export const pText = (p: number | null): string => (p === null ? "-" : p < 0.001 ? "<0.001" : p.toFixed(3))

/** The columns of a backtest's table: what they say, and what they say of a strategy. */
export const BACKTEST_COLUMNS: ReadonlyArray<readonly [string, (report: StrategyReport) => string]> = [
  ["STRATEGY", ({ name }) => name],
  ["RETURN", ({ total_return }) => percentText(total_return)],
  ["SHARPE", ({ sharpe }) => (sharpe === null ? "-" : `${numberText(sharpe.value)} ± ${numberText(sharpe.error)}`)],
  ["DEFLATED", ({ deflated_sharpe }) => numberText(deflated_sharpe)],
  ["SORTINO", ({ sortino }) => numberText(sortino)],
  ["DRAWDOWN", ({ max_drawdown }) => percentText(max_drawdown)],
  ["DIRECTION", ({ direction }) => shareText(direction)],
  ["P", ({ direction_p }) => pText(direction_p)],
  ["BRIER", ({ brier_score }) => numberText(brier_score, 3)],
  ["SKILL", (report) => skillText(report)],
  ["TURNOVER", ({ turnover }) => numberText(turnover, 1)],
  ["FILLS", ({ fills }) => String(fills)],
  ["EXPOSED", ({ mean_exposure }) => percentText(mean_exposure, 0)]
]

/** What a table of a backtest means, for whoever reads it the first time. */
export const BACKTEST_LEGEND =
  "SHARPE a year ± its standard error (Lo 2002); DEFLATED: how likely it is better than the luckiest of those compared (Bailey, López de\n" +
  "Prado 2014), above 0.95 is called significant; DIRECTION: BUY before a rise and SELL before a fall to the next close, with the 95%\n" +
  "interval; P: how likely a coin is as far from half; BRIER: 0 best, 0.667 who says a third each; SKILL: against the shares of\n" +
  "outcomes so far, with the 95% interval, below 0 is worse than those; TURNOVER: equities traded a year."

export const backtestText = (report: BacktestReport): string => {
  const { symbol, from, to, bars, warm_up, costs, threshold, rises } = report
  const { fee, slippage, size, short } = costs
  return [
    `${symbol}, ${counted(bars, "bar")} from ${from.slice(0, 10)} to ${to.slice(0, 10)}, after ${warm_up} of warm-up.`,
    `BUY: long with ${percentText(size, 0)} of the equity; SELL: ${short ? "short with as much" : "flat"}; HOLD: as it is. Filled at the next open, fee ` +
      `${percentText(fee, 2)}, slippage ${percentText(slippage, 2)}. A move above ${percentText(threshold, 2)} makes BUY or SELL right. ${percentText(rises)} of all moves were up.`,
    "",
    table(
      BACKTEST_COLUMNS.map(([title]) => title),
      report.strategies.map((strategy) => BACKTEST_COLUMNS.map(([, show]) => show(strategy)))
    ),
    "",
    BACKTEST_LEGEND
  ].join("\n")
}

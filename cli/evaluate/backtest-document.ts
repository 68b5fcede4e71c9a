// A backtest with all that it is computed from, for who wants to compute it again. Pure.
import type { Decision } from "../../protocols/index.ts"
import { DEPOSIT, type Followed, type Walk } from "./backtest.ts"
import type { BacktestReport } from "./backtest-report.ts"
import type { Filled, Unfilled } from "./fills.ts"

/** A value for each bar from the end of the warm-up on, in columns. */
interface Columns {
  /** Null where nothing was decided. */
  readonly decisions: ReadonlyArray<Decision | null>
  readonly probabilities: { readonly [D in Decision]: ReadonlyArray<number | null> }
  /** At the bar's close, in the account's currency. */
  readonly equity: ReadonlyArray<number>
  /** The size of the position as a part of the equity. */
  readonly exposure: ReadonlyArray<number>
  readonly fills: ReadonlyArray<Filled>
  readonly unfilled: ReadonlyArray<Unfilled>
}

/** A report, and the columns that it follows from. */
export interface BacktestDocument extends BacktestReport {
  /** What each account began with, in its currency. */
  readonly deposit: number
  /** Times are the bars' starts in milliseconds since 1970. */
  readonly prices: {
    readonly times: ReadonlyArray<number>
    readonly opens: ReadonlyArray<number>
    readonly closes: ReadonlyArray<number>
  }
  /** By the name of the strategy. */
  readonly walked: { readonly [name: string]: Columns }
}

export const backtestDocument = ({ bars, strategies }: Walk, report: BacktestReport): BacktestDocument => ({
  ...report,
  deposit: DEPOSIT,
  prices: {
    times: bars.map(({ time }) => time),
    opens: bars.map(({ open }) => open),
    closes: bars.map(({ close }) => close)
  },
  walked: Object.fromEntries(strategies.map((strategy) => [strategy.name, columnsOf(strategy)]))
})

const columnsOf = ({ said, equity, exposure, fills, unfilled }: Followed): Columns => {
  const column = (decision: Decision) => said.map((each) => each?.probabilities[decision] ?? null)
  return {
    decisions: said.map((each) => each?.decision ?? null),
    probabilities: { BUY: column("BUY"), SELL: column("SELL"), HOLD: column("HOLD") },
    ...{ equity, exposure, fills, unfilled }
  }
}

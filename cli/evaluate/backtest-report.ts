// What a walk through prices came to. Pure.
import { brierScore, DECISIONS, outcomeOf } from "../../actors/index.ts"
import { type Bin, binsOf, type HitRate, shareOf } from "../../evaluation/index.ts"
import type { BarSource, Decision, Probabilities } from "../../protocols/index.ts"
import {
  coinTest,
  deflatedSharpe,
  drawdownsOf,
  type Estimate,
  returnsOf,
  sharpeOf,
  sharpeOfPeriod,
  sortinoOf,
  spreadOf
} from "../../sim/index.ts"
import { BUY_AND_HOLD, type Followed, type Walk } from "./backtest.ts"
import { skillOf } from "./skill.ts"

/** One line of a backtest's table. What cannot be said is null. */
export interface StrategyReport {
  readonly name: string
  readonly total_return: number
  readonly sharpe: Estimate | null
  /** How likely it is better than the luckiest of the strategies compared; null for buying and holding, which is no trial. */
  readonly deflated_sharpe: number | null
  readonly sortino: number | null
  readonly max_drawdown: number
  /** BUY before a rise and SELL before a fall to the next close. */
  readonly direction: HitRate
  /** How likely a coin is as far from half. */
  readonly direction_p: number | null
  readonly brier_score: number | null
  /** One less its Brier score over that of the outcomes' shares so far: above 0 it knows more than those. */
  readonly brier_skill: number | null
  /** Half the width of its 95% interval. */
  readonly brier_skill_margin: number | null
  /** What was traded, in mean equities a year. */
  readonly turnover: number
  readonly mean_exposure: number
  readonly fees: number
  readonly fills: number
  readonly decisions: { readonly [D in Decision]: number }
  readonly calibration: ReadonlyArray<Bin>
}

export interface BacktestReport {
  readonly symbol: string
  readonly from: string
  readonly to: string
  readonly bars: number
  readonly warm_up: number
  readonly bars_per_year: number
  readonly threshold: number
  /** The part of the moves from close to close that were up: who always says BUY is right as often. */
  readonly rises: number
  readonly costs: { readonly fee: number; readonly slippage: number; readonly size: number; readonly short: boolean }
  readonly strategies: ReadonlyArray<StrategyReport>
  /** Where the bars came from, and what looks wrong in them; null where they are simulated. */
  readonly source: BarSource | null
}

export const backtestReport = (walk: Walk, source: BarSource | null = null): BacktestReport => {
  const { bars, rules, barsPerYear } = walk
  const [first, last] = [bars[0]!, bars.at(-1)!]
  const trials = walk.strategies
    .filter(({ name }) => name !== BUY_AND_HOLD)
    .flatMap(({ equity }) => sharpeOfPeriod(returnsOf(equity)) ?? 0)
  return {
    symbol: walk.symbol,
    from: new Date(first.time).toISOString(),
    to: new Date(last.time).toISOString(),
    bars: bars.length,
    warm_up: walk.warmUp,
    bars_per_year: barsPerYear,
    threshold: walk.threshold,
    rises: risesOf(bars.map(({ close }) => close)),
    costs: { fee: rules.fee, slippage: rules.slippage, size: rules.maxPosition, short: rules.short },
    strategies: walk.strategies.map((strategy) => reportOf(strategy, walk, barsPerYear, trials)),
    source
  }
}

const reportOf = (
  strategy: Followed,
  walk: Walk,
  barsPerYear: number,
  trials: ReadonlyArray<number>
): StrategyReport => {
  const { name, equity, said } = strategy
  const returns = returnsOf(equity)
  const holds = name === BUY_AND_HOLD
  const direction = directionOf(strategy, walk)
  const scores = holds ? undefined : scoresOf(strategy, walk)
  const years = returns.length / barsPerYear
  const count = (decision: Decision) => said.filter((each) => each?.decision === decision).length
  return {
    name,
    total_return: equity.at(-1)! / equity[0]! - 1,
    sharpe: sharpeOf(returns, barsPerYear) ?? null,
    deflated_sharpe: (holds ? undefined : deflatedSharpe(returns, trials)) ?? null,
    sortino: sortinoOf(returns, barsPerYear) ?? null,
    max_drawdown: Math.max(...drawdownsOf(equity)),
    direction: shareOf(holds ? 0 : direction.hits, holds ? 0 : direction.count),
    direction_p: holds || direction.count === 0 ? null : coinTest(direction.hits, direction.count),
    brier_score: scores?.brier ?? null,
    brier_skill: scores?.skill?.value ?? null,
    brier_skill_margin: scores?.skill?.margin ?? null,
    turnover: strategy.traded / spreadOf(equity).mean / years,
    mean_exposure: spreadOf(strategy.exposure).mean,
    fees: strategy.fees,
    fills: strategy.fills.length,
    decisions: { BUY: count("BUY"), SELL: count("SELL"), HOLD: count("HOLD") },
    calibration: scores?.bins ?? []
  }
}

const risesOf = (closes: ReadonlyArray<number>): number => {
  const moves = returnsOf(closes).filter((move) => move !== 0)
  return moves.length === 0 ? 0 : moves.filter((move) => move > 0).length / moves.length
}

/** How often the next close lay where a BUY or SELL said; a price that stood still counts for neither. */
export const directionOf = ({ said }: Pick<Followed, "said">, { bars }: Pick<Walk, "bars">) => {
  let [hits, count] = [0, 0]
  for (const [index, each] of said.entries()) {
    const next = bars[index + 1]
    if (each === undefined || each.decision === "HOLD" || next === undefined) continue
    const move = next.close - bars[index]!.close
    if (move === 0) continue
    count++
    if (move > 0 === (each.decision === "BUY")) hits++
  }
  return { hits, count }
}

/**
 * The Brier score of what was believed of the next bar, and its skill against the shares of the outcomes known by then, those of the
 * warm-up with them, one of each kind added (Laplace).
 */
const scoresOf = ({ said }: Followed, { bars, threshold, warmUpOutcomes: { BUY, SELL, HOLD } }: Walk) => {
  const seen = { BUY: BUY + 1, SELL: SELL + 1, HOLD: HOLD + 1 }
  const scored: Array<{ readonly confidence: number; readonly right: boolean }> = []
  const own: Array<number> = []
  const base: Array<number> = []
  for (const [index, each] of said.entries()) {
    const next = bars[index + 1]
    if (each === undefined || next === undefined) continue
    const outcome = outcomeOf(bars[index]!.close, next.close, threshold)
    own.push(brierScore(each.probabilities, outcome))
    base.push(brierScore(sharesOf(seen), outcome))
    scored.push({ confidence: each.probabilities[each.decision], right: each.decision === outcome })
    seen[outcome]++
  }
  if (scored.length === 0) return undefined
  return { brier: spreadOf(own).mean, skill: skillOf(own, base), bins: binsOf(scored) }
}

const sharesOf = (seen: Probabilities): Probabilities => {
  const all = DECISIONS.reduce((sum, decision) => sum + seen[decision], 0)
  return { BUY: seen.BUY / all, SELL: seen.SELL / all, HOLD: seen.HOLD / all }
}

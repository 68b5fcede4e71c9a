// Who the agents stand beside: rules that take one line each, and one that is told what it should find out.
import type { BarWindow, Decision } from "../protocols/index.ts"
import type { Regime } from "../sim/index.ts"
import { acceptedOf } from "./expectations.ts"

const BARS = 20

/** The move of the last so many bars, in standard deviations of such moves of a walk with the same bars; 0 where nothing moves. */
const moveOf = ({ close }: BarWindow, bars: number): number => {
  const returns = close.slice(1).map((price, index) => Math.log(price / close[index]!))
  const size = Math.sqrt(returns.reduce((sum, value) => sum + value ** 2, 0) / returns.length)
  return size === 0 ? 0 : Math.log(close.at(-1)! / close.at(-1 - bars)!) / (size * Math.sqrt(bars))
}

const follow = (move: number, beyond: number): Decision =>
  Math.abs(move) <= beyond ? "HOLD" : move > 0 ? "BUY" : "SELL"

/** How far a move must be from 0 to be followed: one walk in three is as far, one in ten, and one in twenty. */
const [THIRD, TENTH, TWENTIETH] = [1, 1.645, 2]

/** The whole window's move where it is clear, and else that of the last ten bars. */
const twoMoves = (bars: BarWindow): Decision => {
  const whole = follow(moveOf(bars, bars.close.length - 1), TENTH)
  return whole === "HOLD" ? follow(moveOf(bars, BARS / 2), TWENTIETH) : whole
}

/** Back to the mean of twenty bars, from one of their standard deviations on. */
const meanReversion = ({ close }: BarWindow): Decision => {
  const last = close.slice(-BARS)
  const mean = last.reduce((sum, value) => sum + value, 0) / BARS
  const size = Math.sqrt(last.reduce((sum, value) => sum + (value - mean) ** 2, 0) / BARS)
  const distance = last.at(-1)! - mean
  return size === 0 || Math.abs(distance) < size ? "HOLD" : distance < 0 ? "BUY" : "SELL"
}

/** Whose decisions are judged beside the agents', on the same bars. */
export type Rule = "always_hold" | "momentum" | "clear_momentum" | "two_moves" | "mean_reversion" | "regime_known"

/** Each in words. */
export const RULE_WORDS: { readonly [R in Rule]: string } = {
  always_hold: "HOLD",
  momentum: "BUY where the last 20 bars rose, SELL where they fell",
  clear_momentum: "the same, and HOLD where they moved less than a standard deviation of such moves",
  two_moves: "the way of all bars beyond 1.645 standard deviations, else of the last 10 beyond 2, else HOLD",
  mean_reversion: "towards the mean of the last 20 bars from a standard deviation on, else HOLD",
  regime_known: "what is right in the regime, for who is told it: no more can be had"
}

/** What each of them says of some bars, of at least 21. `regime_known` sees the regime and no bars. */
export const ruleDecisions = (bars: BarWindow, regime: Regime): { readonly [R in Rule]: Decision } => ({
  always_hold: "HOLD",
  momentum: follow(moveOf(bars, BARS), 0),
  clear_momentum: follow(moveOf(bars, BARS), THIRD),
  two_moves: twoMoves(bars),
  mean_reversion: meanReversion(bars),
  regime_known: acceptedOf(regime, "joint", 0)[0] ?? "HOLD"
})

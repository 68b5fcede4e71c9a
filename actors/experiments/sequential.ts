// A comparison of two arms that may be looked at after every outcome. Pure; a dozen numbers, however long it runs.
import { Schema } from "effect"
import { type Arm, open } from "../../protocols/index.ts"

/** Sums over the outcomes so far; `y` is what `addLoss` makes of a loss, in [0, 1] with mean 1/2 + difference/4. */
export const Comparison = open({
  count: Schema.Int,
  loss_sum: Schema.Finite,
  y_sum: Schema.Finite,
  /** Σ (y − mean of those up to it)². */
  deviation_sum: Schema.Finite,
  bet_sum: Schema.Finite,
  bet_y_sum: Schema.Finite,
  penalty_sum: Schema.Finite,
  /** The greatest logarithm of the e-value so far. */
  log_e_max: Schema.Finite,
  /** The arm that was first shown to be better, and after how many outcomes. */
  shown: Schema.NullOr(open({ arm: Schema.Literals(["a", "b"]), after: Schema.Int }))
})
export type Comparison = typeof Comparison.Type

export const emptyComparison: Comparison = {
  count: 0,
  loss_sum: 0,
  y_sum: 0,
  deviation_sum: 0,
  bet_sum: 0,
  bet_y_sum: 0,
  penalty_sum: 0,
  log_e_max: 0,
  shown: null
}

/** Bets above it would gain little in the mean and lose much to one surprise. */
const BET_MAX = 0.5

/**
 * The comparison after one more outcome: the loss, in [0, 1], of the arm that a fair coin chose for the request.
 *
 * With c the mean of the losses before (of both arms) and s = +1 for arm b, −1 for a: 2·s·(loss − c) has the mean
 * difference of the arms' expected losses, whatever c. On y = (1 + s·(loss − c))/2 in [0, 1] stands the empirical-Bernstein
 * confidence sequence with predictable bets λ:
 *
 *     Σλy/Σλ ± (ln(2/α) + Σ (y − mean before)²·(−ln(1 − λ) − λ)) / Σλ,  λ_t = min(1/2, √(2·ln(2/α) / (σ²_{t−1}·t·ln(1 + t))))
 *
 * I. Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting, JRSS B 86 (2024), theorem 2; the
 * centred difference: inverse probability weighting, as in S. Howard et al., Time-uniform, nonparametric, nonasymptotic
 * confidence sequences, Annals of Statistics 49 (2021), section 4.2.
 */
export const addLoss = (comparison: Comparison, arm: Arm, loss: number, alpha: number): Comparison => {
  const { count, loss_sum, y_sum, deviation_sum } = comparison
  const center = (0.5 + loss_sum) / (count + 1)
  const y = (1 + (arm === "b" ? loss - center : center - loss)) / 2
  const meanBefore = (0.5 + y_sum) / (count + 1)
  const varianceBefore = (0.25 + deviation_sum) / (count + 1)
  const at = count + 1
  const bet = Math.min(BET_MAX, Math.sqrt((2 * Math.log(2 / alpha)) / (varianceBefore * at * Math.log1p(at))))
  const mean = (0.5 + y_sum + y) / (count + 2)
  const next: Comparison = {
    ...comparison,
    count: at,
    loss_sum: loss_sum + loss,
    y_sum: y_sum + y,
    deviation_sum: deviation_sum + (y - mean) ** 2,
    bet_sum: comparison.bet_sum + bet,
    bet_y_sum: comparison.bet_y_sum + bet * y,
    penalty_sum: comparison.penalty_sum + (y - meanBefore) ** 2 * (-Math.log1p(-bet) - bet)
  }
  const { lower, upper } = interval(next, alpha)
  const better = lower > 0 ? "a" : upper < 0 ? "b" : undefined
  return {
    ...next,
    log_e_max: Math.max(comparison.log_e_max, logEvidence(next)),
    shown: comparison.shown ?? (better === undefined ? null : { arm: better, after: at })
  }
}

/**
 * The confidence sequence for the loss of b less that of a, now; inside [−1, 1].
 *
 * Where the expected losses change with time it is for their mean difference, weighted by the bets.
 */
export const interval = (
  { count, bet_sum, bet_y_sum, penalty_sum }: Comparison,
  alpha: number
): { readonly lower: number; readonly upper: number } => {
  if (count === 0) return { lower: -1, upper: 1 }
  const middle = 4 * (bet_y_sum / bet_sum - 0.5)
  const radius = (4 * (Math.log(2 / alpha) + penalty_sum)) / bet_sum
  const inside = (value: number) => Math.min(1, Math.max(-1, value))
  return { lower: inside(middle - radius), upper: inside(middle + radius) }
}

/** ln of the e-value: half the greater of the two one-sided test martingales. It reaches ln(1/α) when the interval leaves 0. */
export const logEvidence = ({ bet_sum, bet_y_sum, penalty_sum }: Comparison): number =>
  Math.abs(bet_y_sum - 0.5 * bet_sum) - penalty_sum - Math.LN2

/** The chance of evidence as strong as the strongest so far, ever, where there is no difference (Ville's inequality). */
export const pValue = ({ log_e_max }: Comparison): number => Math.min(1, Math.exp(-log_e_max))

// Hedge with fixed share over agents of which some may sleep: losses in, weights out. Pure; keeps one number per agent.

export interface HedgeOptions {
  /** η > 0, per unit of loss. */
  readonly learningRate: number
  /** α in [0, 1): the part of their weight that agents who voted share equally after each loss. */
  readonly share: number
}

/** An agent's weight as its natural logarithm, and its loss in [0, 1]. */
export interface Awake {
  readonly logWeight: number
  readonly loss: number
}

export interface HedgeStep {
  /** The loss of following the weights as they were before: Σ p_i·loss_i over the agents awake, p their share of weight. */
  readonly loss: number
  /** The new logarithms, in the order given. */
  readonly logWeights: ReadonlyArray<number>
}

/** The logarithm of the weight 1, with which every agent begins, whenever it is first seen. */
export const INITIAL_LOG_WEIGHT = 0

/**
 * One round: p_i ∝ w_i among those awake; then v_i = w_i·exp(−η·loss_i), scaled so that the weight of those awake
 * together is what it was; then w_i = (1 − α)·v_i + α·(that weight)/(number awake). Who sleeps keeps its weight.
 *
 * Weights stay above 0, and their mean over all agents ever seen stays 1. With N agents, every agent i and the T rounds
 * it was awake in: Σ(loss of following − loss_i) ≤ `regretBound`.
 *
 * Hedge: Y. Freund, R. Schapire, A decision-theoretic generalization of on-line learning, JCSS 55 (1997). Fixed share:
 * M. Herbster, M. Warmuth, Tracking the best expert, Machine Learning 32 (1998), in the form of N. Cesa-Bianchi,
 * G. Lugosi, Prediction, Learning, and Games (2006), section 5.2. Sleeping: Y. Freund, R. Schapire, Y. Singer,
 * M. Warmuth, Using and combining predictors that specialize, STOC 1997.
 */
export const hedgeStep = (awake: ReadonlyArray<Awake>, { learningRate, share }: HedgeOptions): HedgeStep => {
  if (awake.length === 0) return { loss: 0, logWeights: [] }
  const before = logSum(awake.map(({ logWeight }) => logWeight))
  const loss = awake.reduce((sum, each) => sum + Math.exp(each.logWeight - before) * each.loss, 0)
  const updated = awake.map((each) => each.logWeight - learningRate * each.loss)
  const shift = before - logSum(updated)
  const even = share / awake.length
  // Logarithms all along: without sharing the weight of a bad agent gets smaller than any number.
  const logWeights = updated.map((each) =>
    share === 0 ? each + shift : before + Math.log((1 - share) * Math.exp(each + shift - before) + even)
  )
  return { loss, logWeights }
}

/**
 * The most that following the weights can lose more than one agent, over the T rounds in which that agent voted:
 * ln(N)/η + η·T/8 + (T − 1)/η · ln(1/(1 − α)).
 *
 * For α = 0 the theorem on Hedge; the last term is what sharing can cost against an agent that is best all along.
 */
export const regretBound = (agents: number, rounds: number, { learningRate, share }: HedgeOptions): number =>
  rounds === 0
    ? 0
    : (Math.log(agents) + (learningRate ** 2 * rounds) / 8 - (rounds - 1) * Math.log1p(-share)) / learningRate

/**
 * The most that can be lost more than the best sequence of agents that changes k times in T rounds, all awake:
 * (k + 1)·ln(N)/η + ln(1/(α^k·(1 − α)^(T−k−1)))/η + η·T/8. Cesa-Bianchi and Lugosi (2006), theorem 5.2.
 */
export const switchingBound = (
  agents: number,
  rounds: number,
  switches: number,
  { learningRate, share }: HedgeOptions
): number => {
  const sharing = (switches === 0 ? 0 : switches * Math.log(share)) + (rounds - switches - 1) * Math.log1p(-share)
  return ((switches + 1) * Math.log(agents) - sharing) / learningRate + (learningRate * rounds) / 8
}

/** Each agent's part of all weight: above 0, together 1. */
export const weightShares = (logWeights: ReadonlyArray<number>): ReadonlyArray<number> => {
  const total = logSum(logWeights)
  return logWeights.map((each) => Math.max(Number.MIN_VALUE, Math.exp(each - total)))
}

/** ln Σ exp(x), for any x that are finite. */
const logSum = (values: ReadonlyArray<number>): number => {
  const greatest = Math.max(...values)
  return greatest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - greatest), 0))
}

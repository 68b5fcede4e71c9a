import { Schema } from "effect"
import { errorFunction } from "simple-statistics"
import { logReturns, rootMeanSquare } from "./bars.ts"
import { defineTool, described, number, reading, wholeNumber } from "./tool.ts"

/** What a bar did, against the window's own volatility. The order of every vector and matrix of this tool. */
const State = Schema.Literals(["down", "flat", "up"])
export const MARKOV_STATES = State.literals
const COUNT = MARKOV_STATES.length

const Chances = Schema.Struct({
  down: reading("The chance of a fall", "0 to 1"),
  flat: reading("The chance of little movement", "0 to 1"),
  up: reading("The chance of a rise", "0 to 1")
})

export const markov = defineTool({
  name: "markov",
  about:
    "A Markov chain of what bars do (down, flat, up): how often each follows each, what follows the present " +
    "one, and whether the order of bars says anything at all. Without a small p-value the chances are no more " +
    "than the mix of bars.",
  source:
    "T. W. Anderson, L. A. Goodman, Statistical Inference about Markov Chains, Annals of Mathematical " +
    "Statistics 28, 1957; a Dirichlet prior of `prior` for each transition; the p-value is that of the " +
    "chi-squared distribution, which is close where each transition is expected five times or more",
  warmUp: "minimum + 2 bars",
  substitutes: [],
  parameters: Schema.Struct({
    threshold: number(0.5, 0.1, 2, "A return beyond this is up or down", "of the window's volatility per bar"),
    prior: number(
      0.5,
      0.01,
      10,
      "What each transition counts before it is seen; 0.5 is Jeffreys' prior",
      "transitions"
    ),
    minimum: wholeNumber(40, 10, 120, "The least transitions worth counting", "transitions")
  }),
  result: Schema.Struct({
    state: described(State, "What the last bar did", "state"),
    transitions: reading("How many transitions were seen", "count"),
    matrix: Schema.Struct({
      down: described(Chances, "What follows a fall", "rows add up to 1"),
      flat: described(Chances, "What follows little movement", "rows add up to 1"),
      up: described(Chances, "What follows a rise", "rows add up to 1")
    }).annotate({ description: "Estimated chance of each state after each (0 to 1)" }),
    next: described(Chances, "What follows the present state", "0 to 1"),
    stationary: described(Chances, "How often each state is in the long run", "0 to 1"),
    likelihood_ratio: reading("Twice the log-likelihood of the chain over that of independent bars", "chi-squared"),
    degrees_of_freedom: reading("Of the test, by the states that were seen", "count"),
    p_value: reading("The chance of so large a ratio where bars are independent", "0 to 1")
  }),
  needed: ({ minimum }) => minimum + 2,
  compute: ({ bars: { close } }, { threshold, prior }) => {
    const returns = logReturns(close)
    const edge = threshold * rootMeanSquare(returns)
    const states = returns.map((value) => (value < -edge ? 0 : value > edge ? 2 : 1))
    const counts = countTransitions(states)
    const matrix = counts.map((row) => {
      const total = row.reduce((sum, count) => sum + count + prior, 0)
      return row.map((count) => (count + prior) / total)
    })
    const last = states.at(-1)!
    const test = independence(counts)
    return {
      state: MARKOV_STATES[last]!,
      transitions: states.length - 1,
      matrix: { down: named(matrix[0]!), flat: named(matrix[1]!), up: named(matrix[2]!) },
      next: named(matrix[last]!),
      stationary: named(stationary(matrix)),
      likelihood_ratio: test.ratio,
      degrees_of_freedom: test.degrees,
      p_value: chiSquaredTail(test.ratio, test.degrees)
    }
  }
})

const named = ([down = 0, flat = 0, up = 0]: ReadonlyArray<number>) => ({ down, flat, up })

const countTransitions = (states: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<number>> => {
  const counts = Array.from({ length: COUNT }, () => new Array<number>(COUNT).fill(0))
  for (let at = 1; at < states.length; at++) counts[states[at - 1]!]![states[at]!]! += 1
  return counts
}

/**
 * The row vector that the matrix leaves as it is. Of three states it is, up to its sum, the cofactors of the diagonal
 * of I - P (the Markov chain tree theorem), which are sums of products of positive numbers: exact where iterating may
 * not have settled.
 */
const stationary = (p: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> => {
  const weights = [0, 1, 2].map((state) => {
    const [a, b] = [(state + 1) % COUNT, (state + 2) % COUNT]
    const toState = (from: number) => p[from]![state]!
    return toState(a) * toState(b) + p[a]![b]! * toState(b) + p[b]![a]! * toState(a)
  })
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

/** The likelihood-ratio statistic of the seen counts (without the prior), against independence of the state before. */
const independence = (counts: ReadonlyArray<ReadonlyArray<number>>) => {
  const rows = counts.map((row) => row.reduce((sum, count) => sum + count, 0))
  const columns = rows.map((_, column) => counts.reduce((sum, row) => sum + row[column]!, 0))
  const total = rows.reduce((sum, count) => sum + count, 0)
  let ratio = 0
  for (const [from, row] of counts.entries()) {
    for (const [to, count] of row.entries()) {
      if (count > 0) ratio += 2 * count * Math.log((count * total) / (rows[from]! * columns[to]!))
    }
  }
  const seen = (sums: ReadonlyArray<number>) => sums.filter((sum) => sum > 0).length
  // Rounding can leave a hair below 0 where the fit is perfect.
  return { ratio: Math.max(0, ratio), degrees: Math.max(0, (seen(rows) - 1) * (seen(columns) - 1)) }
}

/**
 * The chi-squared distribution's upper tail, in closed form for the degrees of freedom that three states can have: 0,
 * 1, 2, 4.
 */
const chiSquaredTail = (value: number, degrees: number): number => {
  if (degrees === 0) return 1
  if (degrees === 1) return Math.max(0, Math.min(1, 1 - errorFunction(Math.sqrt(value / 2))))
  return degrees === 2 ? Math.exp(-value / 2) : Math.exp(-value / 2) * (1 + value / 2)
}

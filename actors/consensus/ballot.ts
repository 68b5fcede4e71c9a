import { type Decision, ROUND_DEFAULTS, type RoundRequest, type Vote } from "../../protocols/index.ts"

/** Sums and strengths that differ by no more than this count as equal: what rounding does decides nothing. */
export const TOLERANCE = 1e-9

/** HOLD before SELL before BUY: the careful one first. */
export const CAUTION: ReadonlyArray<Decision> = ["HOLD", "SELL", "BUY"]

/** What a round is decided by: the part of its request that is not about time. */
export type Rules = Pick<
  RoundRequest,
  | "invited"
  | "method"
  | "conflict_resolution"
  | "quorum"
  | "required"
  | "min_confidence"
  | "expert_agent_type"
  | "pool_exponent"
  | "weights"
>

/**
 * The votes in one order, whatever order they came in: adding them up then gives the same to the last bit.
 */
export const inOneOrder = (votes: ReadonlyArray<Vote>): ReadonlyArray<Vote> =>
  votes.toSorted((a, b) => compare(a.agent_id, b.agent_id) || a.confidence - b.confidence)

/** A vote and what it weighs. */
export interface Weighed {
  readonly vote: Vote
  readonly weight: number
}

/**
 * The votes in one order with their agents' weights, scaled to a mean of 1 over those who voted, so that only ratios
 * matter and a tolerance fits. All 0 stay 0.
 */
export const weigh = (votes: ReadonlyArray<Vote>, weights: Rules["weights"] = {}): ReadonlyArray<Weighed> => {
  const ordered = inOneOrder(votes)
  const given = ordered.map((vote) => weightOf(vote.agent_id, weights))
  const heaviest = Math.max(0, ...given)
  if (heaviest === 0) return ordered.map((vote) => ({ vote, weight: 0 }))
  // By the heaviest first: the sum of very large or very small weights could not be represented.
  const mean = sum(given.map((weight) => weight / heaviest)) / ordered.length
  return ordered.map((vote, index) => ({ vote, weight: given[index]! / heaviest / mean }))
}

/** 1 for an agent that is given none. */
export const weightOf = (agentId: string, weights: Rules["weights"] = {}): number =>
  Object.hasOwn(weights, agentId) ? weights[agentId]! : 1

/** What was said for a decision. */
export interface Tally {
  readonly decision: Decision
  readonly votes: ReadonlyArray<Vote>
  /** Σw. */
  readonly weight: number
  /** Σw·s. */
  readonly support: number
}

/** A tally of each decision that has a vote, the careful ones first. */
export const tally = (weighed: ReadonlyArray<Weighed>): ReadonlyArray<Tally> =>
  CAUTION.flatMap((decision) => {
    const mine = weighed.filter(({ vote }) => vote.decision === decision)
    if (mine.length === 0) return []
    return [
      {
        decision,
        votes: mine.map(({ vote }) => vote),
        weight: sum(mine.map(({ weight }) => weight)),
        support: sum(mine.map(({ vote, weight }) => weight * strengthOf(vote)))
      }
    ]
  })

/** Which one has most, and whether another one has as much. There is at least one. */
export const leading = <A>(all: ReadonlyArray<A>, scoreOf: (each: A) => number) => {
  const most = Math.max(...all.map(scoreOf))
  const [leader, ...others] = all.filter((each) => scoreOf(each) >= most - TOLERANCE)
  return { leader: leader!, tied: others.length > 0 }
}

/** What a voter believes of each decision: what it said, or else what its confidence leaves, in halves. */
export const beliefOf = ({ decision, confidence, probabilities }: Vote): { readonly [D in Decision]: number } => {
  if (probabilities !== undefined) return probabilities
  const rest = (1 - confidence) / 2
  return { BUY: rest, SELL: rest, HOLD: rest, [decision]: confidence }
}

/** How strongly a voter speaks for each decision: by its rules, or else as it believes. */
export const strengthsOf = (vote: Vote): { readonly [D in Decision]: number } => vote.strengths ?? beliefOf(vote)

/** How strongly a voter speaks for what it said; its confidence, where it says no more. */
export const strengthOf = ({ decision, confidence, strengths }: Vote): number => strengths?.[decision] ?? confidence

export const meanStrength = (votes: ReadonlyArray<Vote>): number =>
  Math.min(1, sum(inOneOrder(votes).map(strengthOf)) / votes.length)

export const sum = (values: ReadonlyArray<number>): number => values.reduce((all, value) => all + value, 0)

/** The rules with what they leave open. */
export const withDefaults = (rules: Rules) => ({
  ...rules,
  resolution: rules.conflict_resolution ?? ROUND_DEFAULTS.conflict_resolution,
  minStrength: rules.min_confidence ?? ROUND_DEFAULTS.min_confidence,
  expertType: rules.expert_agent_type ?? ROUND_DEFAULTS.expert_agent_type,
  exponent: rules.pool_exponent ?? ROUND_DEFAULTS.pool_exponent
})

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

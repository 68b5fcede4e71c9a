import { type Decision, type Method, ROUND_DEFAULTS, type Vote } from "../../protocols/index.ts"
import {
  CAUTION,
  leading,
  meanStrength,
  type Rules,
  strengthOf,
  strengthsOf,
  sum,
  TOLERANCE,
  tally,
  type Weighed,
  weigh,
  withDefaults
} from "./ballot.ts"

/** What a method makes of votes, of which there is at least one. */
export interface Winner {
  readonly decision: Decision
  /** 0 to 1. */
  readonly strength: number
  /** Another decision has as much: nobody has won. */
  readonly tied: boolean
  /** The method's own bar is met. */
  readonly enough: boolean
}

export const winnerOf = (rules: Rules, votes: ReadonlyArray<Vote>): Winner => methods[rules.method](rules, votes)

/** How much more the word of a risk advisor counts in `risk_weighted`. */
export const RISK_FACTOR = 2
const RISK_TYPE = "risk_advisor"

/** k of `risk_weighted`. */
export const riskFactorOf = (type: string): number => (type === RISK_TYPE ? RISK_FACTOR : 1)

const simpleMajority = (votes: ReadonlyArray<Vote>): Winner => {
  const { leader, tied } = leading(tally(votes.map((vote) => ({ vote, weight: 1 }))), (each) => each.votes.length)
  return {
    decision: leader.decision,
    strength: meanStrength(leader.votes),
    tied,
    enough: leader.votes.length * 2 > votes.length
  }
}

/** The greatest Σw·s, at Σw·s / Σw of its own votes. */
const weighted = (weighed: ReadonlyArray<Weighed>): Winner => {
  const { leader, tied } = leading(tally(weighed), (each) => each.support)
  const strength = leader.weight === 0 ? 0 : Math.min(1, leader.support / leader.weight)
  const all = sum(weighed.map(({ weight }) => weight))
  return { decision: leader.decision, strength, tied, enough: leader.weight > all / 2 + TOLERANCE }
}

const weightedConfidence = (rules: Rules, votes: ReadonlyArray<Vote>): Winner => weighted(weigh(votes, rules.weights))

const unanimous = (votes: ReadonlyArray<Vote>): Winner => {
  const { leader } = leading(tally(votes.map((vote) => ({ vote, weight: 1 }))), (each) => each.votes.length)
  const enough = leader.votes.length === votes.length
  return { decision: leader.decision, strength: meanStrength(leader.votes), tied: false, enough }
}

const riskWeighted = (rules: Rules, votes: ReadonlyArray<Vote>): Winner => {
  const weighed = weigh(votes, rules.weights).map(({ vote, weight }) => ({
    vote,
    weight: weight * riskFactorOf(vote.agent_type)
  }))
  return { ...weighted(weighed), enough: weighed.some(({ weight }) => weight > 0) }
}

/** The strongest of the experts' votes. Experts who are as strong for different decisions tie. */
const expertOverride = (rules: Rules, votes: ReadonlyArray<Vote>): Winner => {
  const { expertType } = withDefaults(rules)
  const experts = votes.filter((vote) => vote.agent_type === expertType)
  if (experts.length === 0) return weightedConfidence(rules, votes)
  const surest = CAUTION.flatMap((decision) => {
    const mine = experts.filter((vote) => vote.decision === decision)
    return mine.length === 0 ? [] : [{ decision, strength: Math.max(...mine.map(strengthOf)) }]
  })
  const { leader, tied } = leading(surest, ({ strength }) => strength)
  return { ...leader, tied, enough: true }
}

const logOpinionPool = (rules: Rules, votes: ReadonlyArray<Vote>): Winner => {
  const { leader, tied } = leading(logPool(rules, votes, strengthsOf), ({ share }) => share)
  return { decision: leader.decision, strength: leader.share, tied, enough: leader.share > 0.5 + TOLERANCE }
}

/**
 * The weighted geometric mean of what voters give each decision, be it strengths or probabilities, normalised: Π p^(a·w/Σw) (the logarithmic
 * opinion pool: Genest and Zidek, Statistical Science 1986). Where no decision has any left, all have the same.
 */
export const logPool = (
  rules: Pick<Rules, "pool_exponent" | "weights">,
  votes: ReadonlyArray<Vote>,
  givenBy: (vote: Vote) => { readonly [D in Decision]: number }
) => {
  const exponent = rules.pool_exponent ?? ROUND_DEFAULTS.pool_exponent
  const weighed = weigh(votes, rules.weights)
  const all = sum(weighed.map(({ weight }) => weight))
  const scores = CAUTION.map((decision) => ({
    decision,
    // What weighs nothing says nothing, also where it is certain: 0⁰ is 1.
    log: sum(
      weighed.map(({ vote, weight }) => {
        const power = all === 0 ? 0 : (exponent * weight) / all
        return power === 0 ? 0 : power * Math.log(givenBy(vote)[decision])
      })
    )
  }))
  const most = Math.max(...scores.map(({ log }) => log))
  const likely = scores.map(({ decision, log }) => ({ decision, mass: log === most ? 1 : Math.exp(log - most) }))
  const total = sum(likely.map(({ mass }) => mass))
  return likely.map(({ decision, mass }) => ({ decision, share: mass / total }))
}

const methods: { readonly [M in Method]: (rules: Rules, votes: ReadonlyArray<Vote>) => Winner } = {
  simple_majority: (_, votes) => simpleMajority(votes),
  weighted_confidence: weightedConfidence,
  unanimous: (_, votes) => unanimous(votes),
  risk_weighted: riskWeighted,
  expert_override: expertOverride,
  log_opinion_pool: logOpinionPool
}

import type { Vote, Voter } from "../../protocols/index.ts"
import {
  CAUTION,
  leading,
  type Rules,
  strengthOf,
  sum,
  type Tally,
  TOLERANCE,
  tally,
  weightOf,
  withDefaults
} from "./ballot.ts"
import { areThere, differ, judge, quorumOf } from "./judge.ts"
import { riskFactorOf } from "./methods.ts"

/**
 * Whether the outcome, which is the decision and whether consensus is achieved, is certain whatever those who are missing
 * say or do not say. Strength and confidence may still change. Says no where it cannot be shown.
 *
 * Each bound is the worst that can come: every missing vote for the strongest rival at strength 1, and, for the least
 * strength, missing votes for the winner at strength 0. Weights are relative to the heaviest of all invited, so that the
 * sums that are compared are no smaller than those the judge compares, whoever votes in the end.
 */
export const closesEarly = (rules: Rules, votes: ReadonlyArray<Vote>, missing: ReadonlyArray<Voter>): boolean => {
  if (missing.length === 0) return true
  if (votes.length === 0) return false
  const open = { rules, votes, missing }
  return isAchieved(open) || (isOutOfReach(open) && isResolved(open))
}

/** A round in which some have not spoken. */
interface Open {
  readonly rules: Rules
  readonly votes: ReadonlyArray<Vote>
  readonly missing: ReadonlyArray<Voter>
}

/** Far more than rounding does, and no less than what the judge takes as equal. */
const MARGIN = 4 * TOLERANCE
/** The judge lets pass what is below the minimum by the tolerance; rounding has the other half. */
const HALF_TOLERANCE = TOLERANCE / 2

/** Consensus is achieved, and for the same decision, whatever comes. */
const isAchieved = (open: Open): boolean => {
  const { rules, votes, missing } = open
  if (votes.length < quorumOf(rules) || !areThere(rules, votes)) return false
  switch (rules.method) {
    case "simple_majority":
      return simpleMajorityHolds(open)
    case "weighted_confidence":
      return supportHolds(open, () => 1) && majorityHolds(open)
    case "risk_weighted":
      return supportHolds(open, riskFactorOf)
    case "expert_override": {
      if (missing.some(isExpert(rules))) return false
      if (!votes.some(isExpert(rules))) return supportHolds(open, () => 1) && majorityHolds(open)
      // Others can only make the votes differ, and then the expert has to be sure enough.
      const verdict = judge(rules, votes)
      return verdict.achieved && verdict.strength >= withDefaults(rules).minStrength - TOLERANCE
    }
    // One vote undoes either: another decision, or no probability at all for this one.
    case "unanimous":
    case "log_opinion_pool":
      return false
  }
}

const simpleMajorityHolds = ({ rules, votes, missing }: Open): boolean => {
  const { leader } = leading(tally(votes.map((vote) => ({ vote, weight: 1 }))), (each) => each.votes.length)
  if (leader.votes.length * 2 <= votes.length + missing.length) return false
  // All of the missing with the winner, but one if it takes that one for the votes to differ.
  const doubters = differ(votes) ? missing.length : missing.length - 1
  const least = leader.support / (leader.votes.length + doubters)
  return least >= withDefaults(rules).minStrength - HALF_TOLERANCE
}

/** Σw·s of the leader stays the greatest, and its strength enough. */
const supportHolds = (open: Open, factorOf: (type: string) => number): boolean => {
  const { votes, missing } = open
  const { weighed, weighs } = relative(open, factorOf)
  const tallies = tally(weighed)
  const { leader } = leading(tallies, (each) => each.support)
  const coming = sum(missing.map(weighs))
  const rivals = CAUTION.filter((decision) => decision !== leader.decision)
  const rival = Math.max(...rivals.map((decision) => supportOf(tallies, decision)))
  if (leader.support <= rival + coming + MARGIN) return false
  const dissent = differ(votes) ? 0 : Math.min(...missing.map(weighs))
  const least = leader.support / (leader.weight + coming - dissent)
  return least >= withDefaults(open.rules).minStrength - HALF_TOLERANCE
}

/** The leader's Σw stays more than half. */
const majorityHolds = (open: Open): boolean => {
  const { weighed, weighs } = relative(open, () => 1)
  const { leader } = leading(tally(weighed), (each) => each.support)
  const all = sum(weighed.map(({ weight }) => weight)) + sum(open.missing.map(weighs))
  return leader.weight > all / 2 + MARGIN * open.rules.invited.length
}

/** Consensus is not achieved, whatever comes. */
const isOutOfReach = (open: Open): boolean => {
  const { rules, votes, missing } = open
  if (votes.length + missing.length < quorumOf(rules)) return true
  // Who is required and has abstained.
  if (!areThere(rules, [...votes, ...missing])) return true
  switch (rules.method) {
    case "unanimous":
      return differ(votes)
    case "simple_majority": {
      const most = Math.max(...tally(votes.map((vote) => ({ vote, weight: 1 }))).map((each) => each.votes.length))
      return (most + missing.length) * 2 <= votes.length + missing.length
    }
    case "weighted_confidence": {
      const { weighed, weighs } = relative(open, () => 1)
      const coming = sum(missing.map(weighs))
      const most = Math.max(...tally(weighed).map(({ weight }) => weight))
      return most + coming < (sum(weighed.map(({ weight }) => weight)) + coming) / 2 - MARGIN
    }
    case "expert_override": {
      if (missing.some(isExpert(rules)) || !votes.some(isExpert(rules))) return false
      return differ(votes) && votes.length >= quorumOf(rules) && areThere(rules, votes) && !judge(rules, votes).achieved
    }
    case "risk_weighted":
    case "log_opinion_pool":
      return false
  }
}

/** The conflict resolution decides the same, whatever comes. */
const isResolved = ({ rules, votes, missing }: Open): boolean => {
  const certain = (from: ReadonlyArray<Vote>) => from.some((vote) => vote.decision === "HOLD" && strengthOf(vote) === 1)
  switch (withDefaults(rules).resolution) {
    case "escalate_to_human":
      return true
    case "conservative_bias":
      return votes.some((vote) => vote.decision === "HOLD")
    case "highest_confidence":
      return certain(votes)
    case "risk_manager_override": {
      const advisors = votes.filter(isAdvisor)
      if (missing.some(isAdvisor)) return certain(advisors)
      return advisors.length > 0 || certain(votes)
    }
    case "weighted_average":
      return false
  }
}

const isAdvisor = ({ agent_type }: { readonly agent_type: string }): boolean => agent_type === "risk_advisor"

const isExpert =
  (rules: Rules) =>
  ({ agent_type }: { readonly agent_type: string }): boolean =>
    agent_type === withDefaults(rules).expertType

/** Weights times factors, relative to the heaviest weight of all invited; all 0 stay 0. */
const relative = ({ rules, votes }: Open, factorOf: (type: string) => number) => {
  const heaviest = Math.max(...rules.invited.map(({ agent_id }) => weightOf(agent_id, rules.weights)))
  // The division first: twice a very large weight could not be represented.
  const weighs = ({ agent_id, agent_type }: { readonly agent_id: string; readonly agent_type: string }) =>
    heaviest === 0 ? 0 : factorOf(agent_type) * (weightOf(agent_id, rules.weights) / heaviest)
  return { weighs, weighed: votes.map((vote) => ({ vote, weight: weighs(vote) })) }
}

const supportOf = (tallies: ReadonlyArray<Tally>, decision: string): number =>
  tallies.find((each) => each.decision === decision)?.support ?? 0

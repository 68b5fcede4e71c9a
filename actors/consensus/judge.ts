import { type Decision, majorityOf, type Resolution, type Vote } from "../../protocols/index.ts"
import { type Rules, TOLERANCE, withDefaults } from "./ballot.ts"
import { winnerOf } from "./methods.ts"
import { resolve } from "./resolutions.ts"

export interface Verdict {
  readonly decision: Decision
  /** 0 to 1. */
  readonly strength: number
  readonly achieved: boolean
  /** What decided where consensus was not achieved; nothing where nobody voted. */
  readonly resolution?: Resolution
}

/** How many votes a round needs. */
export const quorumOf = ({ quorum, invited }: Pick<Rules, "quorum" | "invited">): number =>
  quorum ?? majorityOf(invited.length)

/**
 * Decides a round by its votes, one of each voter at most.
 *
 * The method names a winner. A tie, fewer votes than the quorum, no vote of one who is required, the method's bar missed or, where the votes differ, a
 * strength below the minimum: consensus is not achieved, and the conflict resolution decides. No vote at all: HOLD
 * with strength 0, not achieved.
 *
 * Neither the order of the votes nor the scale of the weights changes anything. `escalate_to_human` gives HOLD with
 * strength 0: what holds until a person has decided.
 */
export const judge = (rules: Rules, votes: ReadonlyArray<Vote>): Verdict => {
  if (votes.length === 0) return { decision: "HOLD", strength: 0, achieved: false }
  const { resolution, minStrength } = withDefaults(rules)
  const { decision, strength, tied, enough } = winnerOf(rules, votes)
  const sure = !differ(votes) || strength >= minStrength - TOLERANCE
  const achieved = enough && !tied && sure && votes.length >= quorumOf(rules) && areThere(rules, votes)
  return achieved ? { decision, strength, achieved } : { ...resolve(resolution, votes), achieved }
}

/** Whether all who are required are among these. */
export const areThere = (
  { required = [] }: Pick<Rules, "required">,
  voters: ReadonlyArray<{ readonly agent_id: string }>
): boolean => required.every((id) => voters.some(({ agent_id }) => agent_id === id))

/** Whether not all say the same. */
export const differ = (votes: ReadonlyArray<Vote>): boolean =>
  votes.some((vote) => vote.decision !== votes[0]!.decision)

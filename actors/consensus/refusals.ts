import { type Abstention, HUMAN, type Vote, type VoteRefusal, type Voter } from "../../protocols/index.ts"
import type { Context } from "../../runtime/index.ts"
import { dueOf, endOf } from "./closing.ts"
import type { Round, State } from "./state.ts"

/** A word as it came: with the hash of the voter's secret, where it came from outside. */
export interface SubmittedBallot {
  readonly word: Vote | Abstention
  readonly proof: string | undefined
}

/** Why a word is not taken, or the round that takes it. */
export const admit = (state: State, { word, proof }: SubmittedBallot, context: Context): Round | VoteRefusal => {
  const { round } = state
  const consensus_id = context.self.id
  const { agent_id } = word
  if (round === null) return { _tag: "UnknownRound", consensus_id }
  if (round.result !== null || context.time > endOf(round)) return { _tag: "RoundClosed", consensus_id }
  const invited = round.request.invited.find(isThe(word))
  if (round.escalated === null) {
    if (invited === undefined || !proves(invited, proof)) return { _tag: "NotInvited", consensus_id, agent_id }
    // Whose own time is over has abstained, whether or not the timer has fired that says so.
    const isOver = context.time > (dueOf(round, invited) ?? Number.POSITIVE_INFINITY)
    return isOver || hasSpoken(round, agent_id) ? { _tag: "DuplicateVote", consensus_id, agent_id } : round
  }
  if (invited !== undefined && proves(invited, proof)) {
    const refusal = hasSpoken(round, agent_id) ? "DuplicateVote" : "RoundClosed"
    return { _tag: refusal, consensus_id, agent_id }
  }
  const person = personOf(round, word)
  if (person === undefined || !proves(person, proof)) return { _tag: "NotInvited", consensus_id, agent_id }
  return hasSpoken(round, agent_id) ? { _tag: "DuplicateVote", consensus_id, agent_id } : round
}

/** The person who may decide what was escalated: one who is named, or, where nobody is, whoever is of that type. */
const personOf = ({ request }: Round, word: Vote | Abstention): Voter | undefined => {
  if (request.humans === undefined || request.humans.length === 0) return word.agent_type === HUMAN ? word : undefined
  return request.humans.find(isThe(word))
}

const isThe =
  ({ agent_id, agent_type }: Vote | Abstention) =>
  (voter: Voter): boolean =>
    voter.agent_id === agent_id && voter.agent_type === agent_type

/**
 * A voter with a secret has to prove itself, and one without cannot: so nobody outside speaks in the name of an agent inside.
 */
const proves = (voter: Voter, proof: string | undefined): boolean => voter.token_hash === proof

const hasSpoken = ({ votes, abstentions }: Round, agentId: string): boolean =>
  [...votes, ...abstentions].some(({ agent_id }) => agent_id === agentId)

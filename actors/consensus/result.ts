import {
  type Abstention,
  type ClosedBy,
  type ConsensusResult,
  type Probabilities,
  type RefusalCounts,
  toTimestamp
} from "../../protocols/index.ts"
import { omitUndefined } from "../../runtime/index.ts"
import { judge, type Verdict } from "./judge.ts"
import { jointOf } from "./opinion-pool.ts"
import { pendingVoters, type Round } from "./state.ts"
import { voteStatisticsOf } from "./vote-statistics.ts"

/** How a round came to its end. `at` is in milliseconds since 1970. */
export interface Closing {
  readonly closedBy: ClosedBy
  readonly at: number
  readonly early?: boolean
  readonly reason?: string
}

/** What was said in a round, and asked. */
export type RoundRecord = Pick<
  Round,
  "request" | "opened_at" | "votes" | "abstentions" | "human" | "chain" | "escalated"
>

/**
 * The result of a round: a function of what is recorded of it, and of nothing else.
 *
 * Votes and agents are listed in the order of invitation, so that the result does not tell who came first; only the hash of
 * the chain and the times do.
 */
export const resultOf = (
  consensusId: string,
  round: RoundRecord,
  refusals: RefusalCounts,
  closing: Closing
): ConsensusResult => {
  const { request, human } = round
  const verdict = verdictOf(round, closing)
  const inOrder = <W extends { readonly agent_id: string }>(words: ReadonlyArray<W>): ReadonlyArray<W> => {
    const byId = new Map(words.map((word) => [word.agent_id, word]))
    return request.invited.flatMap(({ agent_id }) => byId.get(agent_id) ?? [])
  }
  const votes = [...inOrder(round.votes), ...(human === null ? [] : [human])]
  const participating = votes.map((vote) => vote.agent_id)
  const probabilities = jointOf(request, closing.closedBy === "human" && human !== null ? [human] : round.votes)
  return omitUndefined({
    consensus_id: consensusId,
    symbol: request.symbol,
    correlation_id: request.correlation_id,
    final_decision: verdict.decision,
    ...sureness(verdict, probabilities, isForecast(round, closing)),
    consensus_achieved: verdict.achieved,
    method: request.method,
    resolution: verdict.resolution,
    closed_by: closing.closedBy,
    closed_early: closing.early === true ? true : undefined,
    votes,
    abstentions: [...inOrder([...round.abstentions, ...unheard(round, closing)]), ...abstainedPeople(round)],
    participating_agents: participating,
    missing_agents: request.invited.map((voter) => voter.agent_id).filter((id) => !participating.includes(id)),
    ...voteStatisticsOf(request, round.votes),
    probabilities,
    refusals,
    processing_time_ms: Math.max(0, closing.at - round.opened_at),
    chain_hash: round.chain,
    reopens: request.reopens,
    cancel_reason: closing.reason,
    opened_at: toTimestamp(round.opened_at),
    closed_at: toTimestamp(closing.at)
  })
}

/** Whether votes decided, and the round tells what they believe apart from what decides: as it was asked for, or where a vote tells both. */
const isForecast = ({ request, votes }: RoundRecord, { closedBy }: Closing): boolean =>
  !UNJUDGED.includes(closedBy) &&
  (request.forecast === true ? votes.length > 0 : votes.some(({ strengths }) => strengths !== undefined))

const UNJUDGED: ReadonlyArray<ClosedBy> = ["cancelled", "human", "escalation_timeout"]

/** Where nobody tells the two apart, and nobody asked for it, there is one number for both. */
const sureness = ({ decision, strength }: Verdict, probabilities: Probabilities, forecast: boolean) =>
  forecast ? { confidence: probabilities[decision], strength } : { confidence: strength }

const ESCALATED: Pick<Verdict, "achieved" | "resolution"> = { achieved: false, resolution: "escalate_to_human" }

const verdictOf = ({ request, votes, human }: RoundRecord, { closedBy }: Closing): Verdict => {
  if (closedBy === "cancelled") return { decision: "HOLD", strength: 0, achieved: false }
  if (closedBy === "human" && human !== null) {
    return { decision: human.decision, strength: human.confidence, ...ESCALATED }
  }
  if (closedBy === "human" || closedBy === "escalation_timeout") return { decision: "HOLD", strength: 0, ...ESCALATED }
  return judge(request, votes)
}

/** Who was not heard, in words for people: it has said nothing itself, so it is in no chain. */
const unheard = (round: RoundRecord, { closedBy, early }: Closing): ReadonlyArray<Abstention> => {
  const ended = closedBy === "cancelled" ? closedBy : (round.escalated?.ended_by ?? closedBy)
  const reason = UNHEARD[ended] ?? "the voting was over"
  const why = (early ?? round.escalated?.early) === true ? "it could not have changed the outcome any more" : reason
  return pendingVoters(round).map(({ agent_id, agent_type }) => ({
    agent_id,
    agent_type,
    reason: why
  }))
}

const UNHEARD: { readonly [by in ClosedBy]?: string } = {
  deadline: "no answer by the deadline",
  quorum: "no answer within the grace after the quorum",
  cancelled: "no answer before the round was cancelled"
}

const abstainedPeople = ({ request, abstentions }: RoundRecord): ReadonlyArray<Abstention> => {
  const invited = new Set(request.invited.map(({ agent_id }) => agent_id))
  return abstentions.filter(({ agent_id }) => !invited.has(agent_id))
}

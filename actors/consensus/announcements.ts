import {
  type Abstention,
  type ConsensusResult,
  events,
  type RoundRequest,
  subjects,
  toTimestamp,
  type Vote,
  type Voter
} from "../../protocols/index.ts"
import { type Context, omitUndefined, type Publish, publish } from "../../runtime/index.ts"
import { differ } from "./judge.ts"

/** What clients see of a round, as `agent_coordination`. */
type Kind = "consensus_request" | "vote" | "abstention" | "escalation" | "consensus_result" | "disagreement"

/** The name a round goes by towards clients: one per symbol, as with agents. */
const moderatorOf = ({ symbol }: { readonly symbol: string }): string => `consensus_${symbol}`

const coordinate = (
  kind: Kind,
  context: Context,
  { symbol }: { readonly symbol: string },
  message: {
    readonly sender: string
    readonly recipient: string | null
    readonly payload: { readonly [key: string]: unknown }
  }
): Publish =>
  publish(events.agent_coordination, subjects.coordination(kind, symbol), {
    sender_agent_id: message.sender,
    recipient_agent_id: message.recipient,
    message_type: kind,
    payload: message.payload,
    timestamp: toTimestamp(context.time)
  })

/** The invitation, to all. Whose round it is, and what voters prove themselves with, not even hashed, is nobody else's business. */
export const announceRequest = ({ owner: _, ...request }: RoundRequest, context: Context): Publish =>
  coordinate("consensus_request", context, request, {
    sender: moderatorOf(request),
    recipient: null,
    payload: omitUndefined({
      consensus_id: context.self.id,
      ...request,
      invited: request.invited.map(withoutToken),
      humans: request.humans?.map(withoutToken)
    })
  })

export const withoutToken = ({ token_hash: _, ...voter }: Voter): Voter => voter

export const announceVote = (request: RoundRequest, vote: Vote, context: Context): Publish =>
  coordinate("vote", context, request, {
    sender: vote.agent_id,
    recipient: moderatorOf(request),
    payload: { consensus_id: context.self.id, symbol: request.symbol, ...vote }
  })

export const announceAbstention = (request: RoundRequest, abstention: Abstention, context: Context): Publish =>
  coordinate("abstention", context, request, {
    sender: abstention.agent_id,
    recipient: moderatorOf(request),
    payload: { consensus_id: context.self.id, symbol: request.symbol, ...abstention }
  })

/** Asks people to decide, by a time. */
export const announceEscalation = (
  request: RoundRequest,
  votes: ReadonlyArray<Vote>,
  endsAt: number,
  context: Context
): Publish =>
  coordinate("escalation", context, request, {
    sender: moderatorOf(request),
    recipient: null,
    payload: omitUndefined({
      consensus_id: context.self.id,
      symbol: request.symbol,
      question: request.question,
      votes,
      humans: (request.humans ?? []).map(({ agent_id }) => agent_id),
      ends_at: toTimestamp(endsAt)
    })
  })

/**
 * The result to all, and, where the votes differed, to each agent that said something else than what was decided: what it
 * said, what was decided, and who said otherwise.
 */
export const announceResult = (result: ConsensusResult, context: Context): ReadonlyArray<Publish> => {
  const sender = moderatorOf(result)
  const published = coordinate("consensus_result", context, result, { sender, recipient: null, payload: result })
  if (result.closed_by === "cancelled" || !differ(result.votes)) return [published]
  const dissenting = result.votes.filter((vote) => vote.decision !== result.final_decision)
  return [
    published,
    ...dissenting.map((vote) =>
      coordinate("disagreement", context, result, {
        sender,
        recipient: vote.agent_id,
        payload: {
          consensus_id: result.consensus_id,
          symbol: result.symbol,
          decision: vote.decision,
          confidence: vote.confidence,
          final_decision: result.final_decision,
          final_confidence: result.confidence,
          consensus_achieved: result.consensus_achieved,
          otherwise: result.votes.filter((other) => other.decision !== vote.decision).map(({ agent_id }) => agent_id)
        }
      })
    )
  ]
}

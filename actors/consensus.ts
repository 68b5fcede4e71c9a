import { Schema } from "effect"
import {
  Abstention,
  type ClosedBy,
  ConsensusProtocol,
  ConsensusResult,
  CoordinatorProtocol,
  events,
  open,
  RoundRequest,
  subjects,
  toTimestamp,
  Vote,
  type VoteRefusal
} from "../protocols/index.ts"
import {
  type Actor,
  type Context,
  cancelTimer,
  define,
  persist,
  publish,
  refuse,
  reply,
  send,
  setTimer
} from "../runtime/index.ts"
import { decideRound } from "./voting.ts"

const DEADLINE = "round_deadline"

const Round = open({
  request: RoundRequest,
  /** Whom to tell the result: a coordinator's actor id. */
  coordinator: Schema.String,
  /** Milliseconds since 1970. */
  opened_at: Schema.Int,
  votes: Schema.Array(Vote),
  abstentions: Schema.Array(Abstention),
  result: Schema.NullOr(ConsensusResult)
})
type Round = typeof Round.Type

/** Null until the round is opened. */
const State = Schema.NullOr(Round)
type State = typeof State.Type

/**
 * One consensus round; its id is the round's.
 *
 * unopened → open (votes and abstentions come in) → closed, for ever.
 *
 * Guarantees: each invited agent has one word, its first, be it vote or abstention; the round closes exactly once,
 * when the last of them has spoken or at its durable deadline; the result follows from the votes and not from their
 * order. The whole history is kept, so that a closed round can be replayed.
 */
export const consensusActor: Actor = define({
  protocol: ConsensusProtocol,
  history: "complete",
  state: State,
  initial: (): State => null,
  events: {
    Opened: { request: RoundRequest, coordinator: Schema.String, opened_at: Schema.Int },
    VoteCast: { vote: Vote },
    Abstained: { abstention: Abstention },
    Closed: { result: ConsensusResult }
  },
  decide: {
    Open: (round, { request, coordinator }, context) => {
      if (round !== null) return []
      return [
        persist({ _tag: "Opened", request, coordinator, opened_at: context.time }),
        setTimer(DEADLINE, context.time + request.timeout_ms, "RoundDeadline", {}),
        coordinate(request, context, "consensus_request", moderator(request), null, {
          consensus_id: context.self.id,
          ...request
        })
      ]
    },
    CastVote: (round, { vote }, context) => {
      const refusal = whyNot(round, vote, context)
      if (refusal !== undefined || round === null) return [refuse(refusal ?? unknownRound(context))]
      const { request } = round
      return [
        persist({ _tag: "VoteCast", vote }),
        coordinate(request, context, "vote", vote.agent_id, moderator(request), {
          consensus_id: context.self.id,
          symbol: request.symbol,
          ...vote
        }),
        reply({ accepted: true }),
        ...closeIfComplete({ ...round, votes: [...round.votes, vote] }, context)
      ]
    },
    Abstain: (round, { abstention }, context) => {
      const refusal = whyNot(round, abstention, context)
      if (refusal !== undefined || round === null) return [refuse(refusal ?? unknownRound(context))]
      return [
        persist({ _tag: "Abstained", abstention }),
        reply({ accepted: true }),
        ...closeIfComplete({ ...round, abstentions: [...round.abstentions, abstention] }, context)
      ]
    },
    RoundDeadline: (round, _, context) =>
      round === null || round.result !== null ? [] : closeRound(round, "deadline", context),
    GetResult: (round, _, context) => [round === null ? refuse(unknownRound(context)) : reply(round.result)]
  },
  evolve: {
    Opened: (_, { request, coordinator, opened_at }) => ({
      request,
      coordinator,
      opened_at,
      votes: [],
      abstentions: [],
      result: null
    }),
    VoteCast: (round, { vote }) => opened(round, (known) => ({ ...known, votes: [...known.votes, vote] })),
    Abstained: (round, { abstention }) =>
      opened(round, (known) => ({ ...known, abstentions: [...known.abstentions, abstention] })),
    Closed: (round, { result }) => opened(round, (known) => ({ ...known, result }))
  }
})

const opened = (round: State, change: (round: Round) => Round): State => (round === null ? null : change(round))

const unknownRound = (context: Context) => ({ _tag: "UnknownRound", consensus_id: context.self.id }) as const

/** Why an agent's word is not taken, or nothing when it is. */
const whyNot = (round: State, word: Vote | Abstention, context: Context): VoteRefusal | undefined => {
  const consensus_id = context.self.id
  const { agent_id, agent_type } = word
  if (round === null) return unknownRound(context)
  if (round.result !== null) return { _tag: "RoundClosed", consensus_id }
  const invited = round.request.invited.some((voter) => voter.agent_id === agent_id && voter.agent_type === agent_type)
  if (!invited) return { _tag: "NotInvited", consensus_id, agent_id }
  const spoken = [...round.votes, ...round.abstentions].some((each) => each.agent_id === agent_id)
  return spoken ? { _tag: "DuplicateVote", consensus_id, agent_id } : undefined
}

const closeIfComplete = (round: Round, context: Context) =>
  round.votes.length + round.abstentions.length < round.request.invited.length
    ? []
    : [cancelTimer(DEADLINE), ...closeRound(round, "all_votes", context)]

const closeRound = (round: Round, closedBy: typeof ClosedBy.Type, context: Context) => {
  const result = toResult(round, closedBy, context)
  return [
    persist({ _tag: "Closed", result } as const),
    coordinate(round.request, context, "consensus_result", moderator(round.request), null, result),
    send(CoordinatorProtocol, round.coordinator, "RoundClosed", { result })
  ]
}

/** Votes and agents are listed in the order of invitation, so that the result does not tell who came first. */
const toResult = (round: Round, closedBy: typeof ClosedBy.Type, context: Context): ConsensusResult => {
  const { request } = round
  const verdict = decideRound({
    votes: round.votes,
    invitedCount: request.invited.length,
    minConfidence: request.min_confidence
  })
  const inOrder = <Word extends { readonly agent_id: string }>(words: ReadonlyArray<Word>) =>
    request.invited.flatMap(({ agent_id }) => words.find((word) => word.agent_id === agent_id) ?? [])
  const votes = inOrder(round.votes)
  const participating = votes.map((vote) => vote.agent_id)
  return {
    consensus_id: context.self.id,
    symbol: request.symbol,
    correlation_id: request.correlation_id,
    final_decision: verdict.decision,
    confidence: verdict.confidence,
    consensus_achieved: verdict.achieved,
    method: request.method,
    ...(verdict.resolution === undefined ? {} : { resolution: verdict.resolution }),
    closed_by: closedBy,
    votes,
    abstentions: inOrder(round.abstentions),
    participating_agents: participating,
    missing_agents: request.invited.map((voter) => voter.agent_id).filter((id) => !participating.includes(id)),
    opened_at: toTimestamp(round.opened_at),
    closed_at: toTimestamp(context.time)
  }
}

/** The name a round goes by towards clients: one per symbol, as with agents. */
const moderator = (request: RoundRequest): string => `consensus_${request.symbol}`

const coordinate = (
  request: RoundRequest,
  context: Context,
  messageType: "consensus_request" | "vote" | "consensus_result",
  sender: string,
  recipient: string | null,
  payload: { readonly [key: string]: unknown }
) =>
  publish(events.agent_coordination, subjects.coordination(messageType, request.symbol), {
    sender_agent_id: sender,
    recipient_agent_id: recipient,
    message_type: messageType,
    payload,
    timestamp: toTimestamp(context.time)
  })

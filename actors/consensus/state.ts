import { Schema } from "effect"
import {
  Abstention,
  ClosedBy,
  ConsensusId,
  type ConsensusProtocol,
  ConsensusResult,
  Hash,
  open,
  RefusalCounts,
  Refused,
  RoundRequest,
  Vote
} from "../../protocols/index.ts"
import { type ActorStepBuilder, type MessageName, omitUndefined } from "../../runtime/index.ts"
import { quorumOf } from "./judge.ts"

/** A round that was opened. Times are in milliseconds since 1970. */
export const Round = open({
  request: RoundRequest,
  /** Whom to tell the result: a coordinator's actor id. */
  coordinator: Schema.optionalKey(Schema.String),
  opened_at: Schema.Int,
  votes: Schema.Array(Vote),
  abstentions: Schema.Array(Abstention),
  /** The head of the hash chain. */
  chain: Hash,
  /** What joins the chain; votes and abstentions alone unless given. */
  chained: Schema.optionalKey(Schema.Literal("all")),
  /** When the grace after the quorum ends, in milliseconds since 1970, once it has begun. */
  grace_until: Schema.optionalKey(Schema.Int),
  /** Null as long as agents vote; then when a person was asked, and what had ended the voting. */
  escalated: Schema.NullOr(Schema.Struct({ at: Schema.Int, ended_by: ClosedBy, early: Schema.Boolean })),
  /** The person's vote. */
  human: Schema.NullOr(Vote),
  result: Schema.NullOr(ConsensusResult),
  reopened_by: Schema.Array(ConsensusId)
})
export type Round = typeof Round.Type

/** `round` is null until it is opened. */
export const State = open({
  round: Schema.NullOr(Round),
  refusals: RefusalCounts,
  last_refused: Schema.Array(Refused)
})
export type State = typeof State.Type

/** What happened in a round, as its journal keeps it. Each `chain` is the head after it. */
export const EVENTS = {
  Opened: {
    request: RoundRequest,
    coordinator: Schema.optionalKey(Schema.String),
    opened_at: Schema.Int,
    chain: Hash,
    chained: Schema.optionalKey(Schema.Literal("all"))
  },
  VoteCast: { vote: Vote, at: Schema.Int, chain: Hash },
  Abstained: { abstention: Abstention, at: Schema.Int, chain: Hash },
  Escalated: { at: Schema.Int, ended_by: ClosedBy, early: Schema.Boolean, chain: Schema.optionalKey(Hash) },
  Refused: { refused: Refused, chain: Schema.optionalKey(Hash) },
  Closed: { result: ConsensusResult },
  ReopenedBy: { consensus_id: ConsensusId }
}

export type EventTag = keyof typeof EVENTS
export type Fields<Tag extends EventTag> = Schema.Struct<(typeof EVENTS)[Tag]>["Type"]

type Protocol = typeof ConsensusProtocol

/** A step of a round; one that answers a message where it is named. */
export type RoundStep<K extends MessageName<Protocol> = never> = ActorStepBuilder<Protocol, State, typeof EVENTS, K>

/** How many refusals a round records. What is refused beyond is only answered: nobody shall fill the log with them. */
export const REFUSALS_MAX = 256
export const LAST_REFUSED_MAX = 32
export const REOPENED_MAX = 16

export const initial = (): State => ({
  round: null,
  refusals: { UnknownRound: 0, RoundClosed: 0, NotInvited: 0, DuplicateVote: 0 },
  last_refused: []
})

const inRound = (state: State, change: (round: Round) => Round): State =>
  state.round === null ? state : { ...state, round: change(state.round) }

/** The state after each event. */
export const evolve: { readonly [Tag in EventTag]: (state: State, event: Fields<Tag>) => State } = {
  Opened: (state, { request, coordinator, opened_at, chain, chained }) => ({
    ...state,
    round: omitUndefined({
      ...{ request, coordinator, opened_at, chain, chained },
      ...{ votes: [], abstentions: [], escalated: null, human: null, result: null, reopened_by: [] }
    })
  }),
  VoteCast: (state, { vote, at, chain }) =>
    inRound(state, (round) =>
      round.escalated === null
        ? { ...round, ...omitUndefined({ grace_until: graceAfter(round, at) }), chain, votes: [...round.votes, vote] }
        : { ...round, chain, human: vote }
    ),
  Abstained: (state, { abstention, chain }) =>
    inRound(state, (round) => ({ ...round, chain, abstentions: [...round.abstentions, abstention] })),
  Escalated: (state, { at, ended_by, early, chain }) =>
    inRound(state, (round) => ({ ...round, chain: chain ?? round.chain, escalated: { at, ended_by, early } })),
  Refused: (state, { refused, chain }) => ({
    ...inRound(state, (round) => ({ ...round, chain: chain ?? round.chain })),
    refusals: { ...state.refusals, [refused.refusal]: state.refusals[refused.refusal] + 1 },
    last_refused: [...state.last_refused, refused].slice(-LAST_REFUSED_MAX)
  }),
  Closed: (state, { result }) =>
    inRound(state, (round) => ({ ...round, chain: result.chain_hash ?? round.chain, result })),
  ReopenedBy: (state, { consensus_id }) =>
    inRound(state, (round) => ({ ...round, reopened_by: [...round.reopened_by, consensus_id] }))
}

/** Votes come one by one, so the quorum is there once: with the vote that makes it the grace begins. */
const graceAfter = ({ request, votes }: Round, at: number): number | undefined =>
  request.quorum_grace_ms === undefined || votes.length + 1 !== quorumOf(request)
    ? undefined
    : at + request.quorum_grace_ms

/** Who has said nothing yet. */
export const pendingVoters = ({
  request,
  votes,
  abstentions
}: Pick<Round, "request" | "votes" | "abstentions">): RoundRequest["invited"] => {
  const spoken = new Set([...votes, ...abstentions].map(({ agent_id }) => agent_id))
  return request.invited.filter(({ agent_id }) => !spoken.has(agent_id))
}

export const refusalsOf = ({ refusals }: State): number =>
  refusals.UnknownRound + refusals.RoundClosed + refusals.NotInvited + refusals.DuplicateVote

import { Schema } from "effect"
import { Confidence, Decision, DecisionConfidence, Probabilities, Strength, Strengths } from "../agents/decision.ts"
import { Owner } from "../vocabulary/client.ts"
import { AgentId, ConsensusId, CorrelationId, MarketSymbol, Timestamp } from "../vocabulary/names.ts"
import { open } from "../vocabulary/open.ts"
import { ConflictResolution, Hash, Method, RoundRequest, VoterType } from "./round.ts"

/**
 * One voter's word in a round. Without `probabilities`, what confidence leaves is shared by the two other decisions; without `strengths`
 * the probabilities are these too.
 */
export const Vote = open({
  agent_id: AgentId,
  agent_type: VoterType,
  decision: Decision,
  confidence: DecisionConfidence,
  probabilities: Schema.optionalKey(Probabilities),
  strengths: Schema.optionalKey(Strengths),
  reasoning: Schema.String,
  /** There are too few bars for a view: the vote says nothing of the market. */
  warm_up: Schema.optionalKey(Schema.Literal(true))
})
export type Vote = typeof Vote.Type

/** Whether nobody who voted had bars enough for a view: what came of it is no decision on the market. */
export const lacksViews = (votes: ReadonlyArray<Pick<Vote, "warm_up">>): boolean =>
  votes.length > 0 && votes.every(({ warm_up }) => warm_up === true)

/** A voter that has nothing to say, and why. Abstentions count for nothing. */
export const Abstention = open({ agent_id: AgentId, agent_type: VoterType, reason: Schema.String })
export type Abstention = typeof Abstention.Type

/** What decided in place of a consensus: the resolution asked for, or highest_confidence where there was no risk advisor. */
export const Resolution = Schema.Literals([...ConflictResolution.literals, "risk_manager_override_fallback"])
export type Resolution = typeof Resolution.Type

export const ClosedBy = Schema.Literals(["all_votes", "quorum", "deadline", "human", "escalation_timeout", "cancelled"])
export type ClosedBy = typeof ClosedBy.Type

const Refusals = ["UnknownRound", "RoundClosed", "NotInvited", "DuplicateVote"] as const

/** How many words were refused, by why. No more than 256 are counted in a round. */
export const RefusalCounts = Schema.Struct({
  UnknownRound: Schema.Int,
  RoundClosed: Schema.Int,
  NotInvited: Schema.Int,
  DuplicateVote: Schema.Int
})
export type RefusalCounts = typeof RefusalCounts.Type

/** How a round ended. */
export const ConsensusResult = open({
  consensus_id: ConsensusId,
  symbol: MarketSymbol,
  correlation_id: CorrelationId,
  final_decision: Decision,
  /** Where a vote has strengths, what `probabilities` give to the decision; else what the method or resolution makes of the confidences. */
  confidence: DecisionConfidence,
  /** What the method or resolution makes of the votes' strengths, where a vote has some. */
  strength: Schema.optionalKey(Strength),
  consensus_achieved: Schema.Boolean,
  method: Method,
  /** The conflict resolution that decided, where consensus was not achieved. */
  resolution: Schema.optionalKey(Resolution),
  closed_by: ClosedBy,
  /** It was closed before all had spoken, because nothing that they could say would have changed the outcome. */
  closed_early: Schema.optionalKey(Schema.Boolean),
  /** In the order of invitation; a person's vote on what was escalated is the last. */
  votes: Schema.Array(Vote),
  /** Who abstained, or was not heard, and why. */
  abstentions: Schema.Array(Abstention),
  participating_agents: Schema.Array(AgentId),
  missing_agents: Schema.Array(AgentId),
  /** Each decision's share of the weight of the votes; all 0 where nobody voted. */
  distribution: Schema.optionalKey(Schema.Struct({ BUY: Confidence, SELL: Confidence, HOLD: Confidence })),
  /**
   * What the votes together say of each decision: the logarithmic pool where that is the method, else the mean of their
   * probabilities by weight; a third each where nobody voted, and a person's own where a person decided.
   */
  probabilities: Schema.optionalKey(Probabilities),
  /** Shannon's entropy of the distribution, in bits: 0 where all agree, 1.58 where the three are equal. */
  entropy: Schema.optionalKey(Schema.Finite),
  /** Kish's effective sample size of the votes' weights: their number where all weigh the same. */
  effective_voters: Schema.optionalKey(Schema.Finite),
  refusals: Schema.optionalKey(RefusalCounts),
  /** From the opening to the close. */
  processing_time_ms: Schema.optionalKey(Schema.Int),
  /** The head of the hash chain of everything that was said. */
  chain_hash: Schema.optionalKey(Hash),
  reopens: Schema.optionalKey(ConsensusId),
  /** Why it was cancelled. */
  cancel_reason: Schema.optionalKey(Schema.String),
  opened_at: Timestamp,
  closed_at: Timestamp
})
export type ConsensusResult = typeof ConsensusResult.Type

const refusal = <const Tag extends string, const F extends Schema.Struct.Fields>(tag: Tag, fields: F) =>
  open({ _tag: Schema.tag(tag), consensus_id: Schema.String, ...fields })

export const UnknownRound = refusal("UnknownRound", {})
export const RoundClosed = refusal("RoundClosed", {})

/** Why a vote was not taken. `RoundClosed` is also said where a person is being asked already. */
export const VoteRefusal = Schema.Union([
  UnknownRound,
  RoundClosed,
  refusal("NotInvited", { agent_id: AgentId }),
  refusal("DuplicateVote", { agent_id: AgentId })
])
export type VoteRefusal = typeof VoteRefusal.Type

/** A word that was not taken, as it is recorded. */
export const Refused = open({
  refusal: Schema.Literals(Refusals),
  agent_id: AgentId,
  /** When, in milliseconds since 1970. */
  at: Schema.Int
})
export type Refused = typeof Refused.Type

/** The round is another's: only who opened it may do that. */
export const NotOwner = refusal("NotOwner", {})

/** Another round has this id. */
export const RoundExists = refusal("RoundExists", {})
/** No round can have this id: it could not be told how it ended. */
export const InvalidConsensusId = refusal("InvalidConsensusId", { rule: Schema.String })

/** A round as it is now. */
export const RoundStatus = open({
  consensus_id: ConsensusId,
  symbol: MarketSymbol,
  /** `voting`, `escalated` where a person is being asked, or `closed`. */
  phase: Schema.Literals(["voting", "escalated", "closed"]),
  method: Method,
  opened_at: Timestamp,
  /** When it will be closed at the latest; of a closed round when that was. */
  ends_at: Timestamp,
  votes: Schema.Array(Vote),
  abstentions: Schema.Array(Abstention),
  waiting_for: Schema.Array(AgentId),
  refusals: RefusalCounts,
  /** The last of them, at most 32. */
  last_refused: Schema.Array(Refused),
  chain_hash: Hash,
  result: Schema.NullOr(ConsensusResult),
  reopens: Schema.optionalKey(ConsensusId),
  /** The rounds that asked again what was asked here, at most 16. */
  reopened_by: Schema.Array(ConsensusId),
  /** A client opened it, or asked for the analysis that it is of. */
  owned: Schema.optionalKey(Schema.Literal(true))
})
export type RoundStatus = typeof RoundStatus.Type

const accepted = open({ accepted: Schema.Literal(true) })
/** The SHA-256 of a voter's secret, which says that the word came from who has it. The gateway sends it always. */
const proof = Schema.optionalKey(Hash)

const by = Schema.optionalKey(Owner)

/** What the consensus actor understands. Its id is the round's. */
export const ConsensusProtocol = {
  type: "consensus",
  messages: {
    /** Opens the round; `coordinator` is the actor id of whom to tell the result. The same again is accepted again. */
    Open: {
      payload: open({ request: RoundRequest, coordinator: Schema.optionalKey(Schema.String) }),
      reply: accepted,
      error: Schema.Union([RoundExists, InvalidConsensusId])
    },
    CastVote: { payload: open({ vote: Vote, proof }), reply: accepted, error: VoteRefusal },
    Abstain: { payload: open({ abstention: Abstention, proof }), reply: accepted, error: VoteRefusal },
    /** Closes it without a decision. `by`: the client that wants it, whose the round has to be. */
    Cancel: {
      payload: open({ reason: Schema.String, by }),
      reply: accepted,
      error: Schema.Union([UnknownRound, RoundClosed, NotOwner])
    },
    /** From a round that names this one as what it asks again, with whose it is. */
    ReopenedBy: { payload: open({ consensus_id: ConsensusId, by }) },
    /** Its own timer: who is due by this time (milliseconds since 1970) and has said nothing abstains. */
    AgentTimeout: { payload: open({ due: Schema.Int }) },
    /** Its own timer: the grace after the quorum is over. */
    QuorumTimeout: { payload: open({}) },
    /** Its own timer: close with the votes that are there. */
    RoundDeadline: { payload: open({}) },
    /** Its own timer: the person did not answer. */
    EscalationTimeout: { payload: open({}) },
    /** The result, or null while the round is open. */
    GetResult: { payload: open({}), reply: Schema.NullOr(ConsensusResult), error: UnknownRound },
    /** `by`: the client that wants to know, which sees its own rounds and those of the house. */
    GetStatus: { payload: open({ by }), reply: RoundStatus, error: Schema.Union([UnknownRound, NotOwner]) }
  }
} as const

/** What kinds of things agents say to one another. */
export const CoordinationKind = Schema.Literals([
  "consensus_request",
  "vote",
  "abstention",
  "escalation",
  "consensus_result",
  "disagreement",
  "final_decision",
  "performance_feedback",
  "outcome",
  "allocation",
  "message"
])
export type CoordinationKind = typeof CoordinationKind.Type

/** `agent_coordination`: what agents say to one another, as clients see it. */
export const AgentCoordination = open({
  sender_agent_id: Schema.NonEmptyString,
  recipient_agent_id: Schema.NullOr(Schema.String),
  message_type: CoordinationKind,
  payload: Schema.Record(Schema.String, Schema.Unknown),
  timestamp: Timestamp
})

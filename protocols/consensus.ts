import { Schema } from "effect"
import { Confidence, Decision, Probabilities } from "./decision.ts"
import { AgentId, AgentType, ConsensusId, CorrelationId, MarketSymbol, Timestamp } from "./names.ts"
import { open } from "./open.ts"

/** Someone who may vote in a round. */
export const Voter = open({ agent_id: AgentId, agent_type: AgentType })
export type Voter = typeof Voter.Type

/** One voter's word in a round. Without `probabilities`, what confidence leaves is shared by the two other decisions. */
export const Vote = open({
  agent_id: AgentId,
  agent_type: AgentType,
  decision: Decision,
  confidence: Confidence,
  probabilities: Schema.optionalKey(Probabilities),
  reasoning: Schema.String
})
export type Vote = typeof Vote.Type

/** A voter that has nothing to say, and why. Abstentions count for nothing. */
export const Abstention = open({ agent_id: AgentId, agent_type: AgentType, reason: Schema.String })
export type Abstention = typeof Abstention.Type

export const Method = Schema.Literals(["weighted_confidence"])
export const Resolution = Schema.Literals(["conservative_bias"])
export const ClosedBy = Schema.Literals(["all_votes", "deadline"])

const TimeoutMillis = Schema.Int.check(
  Schema.makeFilter(
    (millis: number) => (millis > 0 && millis <= 3_600_000) || "timeout must be above 0 and at most an hour"
  )
)

/** What a round is opened with. */
export const RoundRequest = open({
  symbol: MarketSymbol,
  correlation_id: CorrelationId,
  invited: Schema.NonEmptyArray(Voter).check(
    Schema.makeFilter(
      (voters: ReadonlyArray<Voter>) =>
        new Set(voters.map((voter) => voter.agent_id)).size === voters.length || "an agent is invited twice"
    )
  ),
  method: Method,
  /** How long votes are taken, in milliseconds. */
  timeout_ms: TimeoutMillis,
  /** Where votes differ, a confidence below this is not enough. */
  min_confidence: Confidence
})
export type RoundRequest = typeof RoundRequest.Type

/** How a round ended. */
export const ConsensusResult = open({
  consensus_id: ConsensusId,
  symbol: MarketSymbol,
  correlation_id: CorrelationId,
  final_decision: Decision,
  confidence: Confidence,
  consensus_achieved: Schema.Boolean,
  method: Method,
  /** The conflict resolution that decided, where consensus was not achieved. */
  resolution: Schema.optionalKey(Resolution),
  closed_by: ClosedBy,
  votes: Schema.Array(Vote),
  abstentions: Schema.Array(Abstention),
  participating_agents: Schema.Array(AgentId),
  missing_agents: Schema.Array(AgentId),
  opened_at: Timestamp,
  closed_at: Timestamp
})
export type ConsensusResult = typeof ConsensusResult.Type

const refusal = <const Tag extends string, const F extends Schema.Struct.Fields>(tag: Tag, fields: F) =>
  open({ _tag: Schema.tag(tag), consensus_id: Schema.String, ...fields })

/** Why a vote was not taken. */
export const VoteRefusal = Schema.Union([
  refusal("UnknownRound", {}),
  refusal("RoundClosed", {}),
  refusal("NotInvited", { agent_id: AgentId }),
  refusal("DuplicateVote", { agent_id: AgentId })
])
export type VoteRefusal = typeof VoteRefusal.Type

/** What the consensus actor understands. Its id is the round's. */
export const ConsensusProtocol = {
  type: "consensus",
  messages: {
    /** Opens the round; `coordinator` is the actor id of whom to tell the result. */
    Open: { payload: open({ request: RoundRequest, coordinator: Schema.String }) },
    CastVote: { payload: open({ vote: Vote }), reply: open({ accepted: Schema.Literal(true) }), error: VoteRefusal },
    Abstain: {
      payload: open({ abstention: Abstention }),
      reply: open({ accepted: Schema.Literal(true) }),
      error: VoteRefusal
    },
    /** Its own timer: close with the votes that are there. */
    RoundDeadline: { payload: open({}) },
    /** The result, or null while the round is open. */
    GetResult: {
      payload: open({}),
      reply: Schema.NullOr(ConsensusResult),
      error: refusal("UnknownRound", {})
    }
  }
} as const

/** `agent_coordination`: what agents say to one another, as clients see it. */
export const AgentCoordination = open({
  sender_agent_id: Schema.NonEmptyString,
  recipient_agent_id: Schema.NullOr(Schema.String),
  message_type: Schema.Literals(["consensus_request", "vote", "consensus_result", "final_decision"]),
  payload: Schema.Record(Schema.String, Schema.Unknown),
  timestamp: Timestamp
})

import { Schema } from "effect"
import { Decision, DecisionConfidence, Probabilities } from "../agents/decision.ts"
import { AgentType, agentId, ConsensusId, CorrelationId, GivenAgentId, MarketSymbol } from "../vocabulary/names.ts"
import {
  GivenTimeoutMillis,
  givenRules,
  INVITED_MAX,
  roundQuestion,
  TimeoutMillis,
  type Voter,
  VoterType
} from "./round.ts"

/** A voter as a client invites it. One that is `external` is given a secret, and votes through the gateway. */
const InvitedVoter = Schema.Struct({
  agent_id: GivenAgentId,
  agent_type: VoterType,
  external: Schema.optionalKey(Schema.Boolean),
  agent_timeout_ms: Schema.optionalKey(TimeoutMillis)
})

const AgentNames = Schema.Array(GivenAgentId).check(Schema.isMinLength(1), Schema.isMaxLength(INVITED_MAX))
const HOUSE_RULE = "must be an agent type, such as market_analyst, or such an agent's name with the symbol"

const isAgentType = Schema.is(AgentType)

/** An agent inside as a voter on a symbol, by its type or name; nothing where none can be called so. Whether there is such a type the coordinator knows. */
export const houseAgent = (name: string, symbol: MarketSymbol): Voter | undefined => {
  const type = name.endsWith(`_${symbol}`) ? name.slice(0, -symbol.length - 1) : name
  return isAgentType(type) ? { agent_id: agentId(type, symbol), agent_type: type } : undefined
}

/**
 * The body of `POST /api/v1/agents/consensus`, and of the operation `request_consensus`.
 *
 * Without `invited`, `agents` and `required_agents` the panel of the symbol is invited, without `method` it is `weighted_confidence`. People get a secret too; with
 * `escalate_to_human` and nobody named it is `human_<symbol>` who is asked.
 */
export const ConsensusBody = Schema.Struct({
  ...givenRules,
  ...roundQuestion,
  symbol: MarketSymbol,
  correlation_id: Schema.optionalKey(CorrelationId),
  invited: Schema.optionalKey(Schema.Array(InvitedVoter)),
  humans: Schema.optionalKey(Schema.Array(InvitedVoter)),
  /** Agents of the house to be asked, beside `invited`: by type, or by name. */
  agents: Schema.optionalKey(AgentNames),
  /** Who has to vote for consensus to be achieved. Those of the house are asked; others are among the `invited`. */
  required_agents: Schema.optionalKey(AgentNames),
  timeout_ms: Schema.optionalKey(GivenTimeoutMillis)
}).check(
  Schema.makeFilter(({ symbol, agents = [], required_agents = [], invited = [] }) => {
    const unknown = (name: string) => houseAgent(name, symbol) === undefined
    const agent = agents.findIndex(unknown)
    if (agent >= 0) return { path: ["agents", agent], issue: HOUSE_RULE }
    const required = required_agents.findIndex(
      (name) => unknown(name) && !invited.some(({ agent_id }) => agent_id === name)
    )
    return required < 0 ? undefined : { path: ["required_agents", required], issue: `${HOUSE_RULE}, or invited` }
  })
)
export type ConsensusBody = typeof ConsensusBody.Type

/** What a client that opened a round is told. The secrets, by agent id, are said this once and stored nowhere. */
export const ConsensusOpened = Schema.Struct({
  consensus_id: ConsensusId,
  correlation_id: CorrelationId,
  tokens: Schema.Record(Schema.String, Schema.String)
})
export type ConsensusOpened = typeof ConsensusOpened.Type

const REASONING_CHARACTERS_MAX = 10_000

/** The body of `POST /api/v1/agents/consensus/{id}/votes`: a vote, or ABSTAIN, which needs no confidence. */
export const VoteBody = Schema.Struct({
  agent_id: GivenAgentId,
  agent_type: VoterType,
  token: Schema.NonEmptyString.check(Schema.isMaxLength(256)),
  decision: Schema.Literals([...Decision.literals, "ABSTAIN"]),
  confidence: Schema.optionalKey(DecisionConfidence),
  probabilities: Schema.optionalKey(Probabilities),
  reasoning: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(REASONING_CHARACTERS_MAX)))
}).check(
  Schema.makeFilter(({ decision, confidence }) =>
    decision !== "ABSTAIN" && confidence === undefined
      ? { path: ["confidence"], issue: "this field is required" }
      : undefined
  )
)
export type VoteBody = typeof VoteBody.Type

/** The body of `POST /api/v1/agents/message`: something said to an agent, or to all who watch the symbol where none is named. */
export const MessageBody = Schema.Struct({
  symbol: MarketSymbol,
  recipient_agent_id: Schema.optionalKey(Schema.NullOr(GivenAgentId)),
  text: Schema.NonEmptyString.check(Schema.isMaxLength(4_000))
})
export type MessageBody = typeof MessageBody.Type

/** The body of `POST /api/v1/agents/consensus/{id}/cancel`. */
export const CancelBody = Schema.Struct({
  reason: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(1_000)))
})
export type CancelBody = typeof CancelBody.Type

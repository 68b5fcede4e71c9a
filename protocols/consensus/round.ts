import { Schema } from "effect"
import { confidenceOf } from "../agents/decision.ts"
import { Owner } from "../vocabulary/client.ts"
import { AgentId, ConsensusId, CorrelationId, isGivenAgentId, MarketSymbol } from "../vocabulary/names.ts"
import { isShallow, LEVELS_MAX, open } from "../vocabulary/open.ts"

/** What kind of voter: an agent type of the house, `human`, or any other name of an agent outside. */
export const VoterType = Schema.String.check(
  Schema.makeFilter(
    (text: string) => /^[a-z][a-z0-9_]{0,63}$/.test(text) || "a voter type is 1 to 64 of a-z 0-9 _, a letter first"
  )
)
export type VoterType = typeof VoterType.Type

/** The voter type of people: who may decide what was escalated. */
export const HUMAN = "human"

/** SHA-256 as 64 hexadecimal digits. */
export const Hash = Schema.String.check(
  Schema.makeFilter((text: string) => /^[0-9a-f]{64}$/.test(text) || "a hash is 64 hexadecimal digits")
)

/** A time to wait: above 0 and at most an hour. */
export const TimeoutMillis = Schema.Int.check(
  Schema.makeFilter(
    (millis: number) => (millis > 0 && millis <= 3_600_000) || "timeout must be above 0 and at most an hour"
  )
)

/** How long a client's round takes votes at the least, in milliseconds. */
export const CLIENT_TIMEOUT_MIN = 100

/** A time to wait as a client may give it. */
export const GivenTimeoutMillis = Schema.Int.check(
  Schema.makeFilter(
    (millis: number) =>
      (millis >= CLIENT_TIMEOUT_MIN && millis <= 3_600_000) ||
      `timeout must be above 0: at least ${CLIENT_TIMEOUT_MIN} ms, and at most an hour`
  )
)

/**
 * Someone who may vote in a round.
 *
 * `token_hash` is the SHA-256 of the secret with which a voter outside proves to be it, through the gateway; a voter
 * without one cannot vote through the gateway. `agent_timeout_ms` goes before that of the round.
 */
export const Voter = open({
  agent_id: AgentId,
  agent_type: VoterType,
  external: Schema.optionalKey(Schema.Boolean),
  token_hash: Schema.optionalKey(Hash),
  agent_timeout_ms: Schema.optionalKey(TimeoutMillis)
})
export type Voter = typeof Voter.Type

/** How the winner is found; docs/CONSENSUS.md has the table. */
export const Method = Schema.Literals([
  "simple_majority",
  "weighted_confidence",
  "unanimous",
  "risk_weighted",
  "expert_override",
  "log_opinion_pool"
])
export type Method = typeof Method.Type

/** What decides where consensus is not achieved. */
export const ConflictResolution = Schema.Literals([
  "highest_confidence",
  "conservative_bias",
  "risk_manager_override",
  "weighted_average",
  "escalate_to_human"
])
export type ConflictResolution = typeof ConflictResolution.Type

/** How many may be invited to one round. */
export const INVITED_MAX = 100
const HUMANS_MAX = 16
const QUESTION_CHARACTERS_MAX = 4_000
const CONTEXT_CHARACTERS_MAX = 16_384
const WEIGHTS_MAX = 256
const isAgentId = Schema.is(AgentId)

/** Finite and not negative; only the ratios of weights matter. */
export const Weight = Schema.Finite.check(
  Schema.makeFilter((value: number) => value >= 0 || "a weight must not be negative")
)

/** By agent id; only their ratios matter. */
export const Weights = Schema.Record(Schema.String, Weight).check(
  Schema.makeFilter((weights: object) => {
    const ids = Object.keys(weights)
    if (ids.length > WEIGHTS_MAX) return `at most ${WEIGHTS_MAX} agents are given a weight`
    return ids.every(isAgentId) || "a weight is given to an agent by its id, of 1 to 128 characters"
  })
)

/** The heaviest of the weights above 0 may be so many times the lightest: a double still tells what the lightest says. */
const WEIGHT_RATIO_MAX = 1e12

/** Weights as somebody may give them. Those that are stored already are read whatever their ratio. */
export const GivenWeights = Weights.check(
  Schema.makeFilter(
    (weights: object) =>
      Object.keys(weights).every(isGivenAgentId) ||
      "a weight is given to an agent by its name, 1 to 128 of A-Z a-z 0-9 _ . : / = ^ @ -, the first a letter, digit or _"
  ),
  Schema.makeFilter((weights: { readonly [agentId: string]: number }) => {
    const above = Object.values(weights).filter((weight) => weight > 0)
    // Who is not named weighs 1.
    const [least, most] = [Math.min(1, ...above), Math.max(1, ...above)]
    return (
      most / least <= WEIGHT_RATIO_MAX ||
      `a weight is 0 or so that the heaviest is at most ${WEIGHT_RATIO_MAX} times the lightest; who is not named weighs 1`
    )
  })
)

const Context = Schema.Record(Schema.String, Schema.Unknown).check(
  Schema.makeFilter((context: object) => {
    // First, for what is nested without end has no JSON: writing it would overflow the stack.
    if (!isShallow(context, LEVELS_MAX)) return `context has at most ${LEVELS_MAX} levels`
    const { length } = JSON.stringify(context)
    return length <= CONTEXT_CHARACTERS_MAX || `context has at most ${CONTEXT_CHARACTERS_MAX} characters of JSON`
  })
)

interface Rules {
  readonly invited: ReadonlyArray<Voter>
  readonly required?: ReadonlyArray<string>
  readonly humans?: ReadonlyArray<Voter>
  readonly quorum?: number
}

/** The rules between fields, and within lists: each fault names its field. */
export const roundFaults = ({ invited, humans = [], quorum, required = [] }: Rules) => {
  const ids = [...invited, ...humans].map((voter) => voter.agent_id)
  const seen = new Set<string>()
  const twice = ids.findIndex((id) => seen.size === seen.add(id).size)
  const field = twice < invited.length ? ["invited", twice] : ["humans", twice - invited.length]
  const voters = new Set(invited.map((voter) => voter.agent_id))
  const absent = required.findIndex((id) => !voters.has(id))
  const stranger = humans.findIndex((voter) => voter.agent_type !== HUMAN)
  return [
    ...(invited.length === 0 ? [{ path: ["invited"], issue: "no agent is invited: a round needs at least one" }] : []),
    ...(invited.length > INVITED_MAX
      ? [{ path: ["invited"], issue: `at most ${INVITED_MAX} agents are invited` }]
      : []),
    ...(humans.length > HUMANS_MAX ? [{ path: ["humans"], issue: `at most ${HUMANS_MAX} people are asked` }] : []),
    ...(twice < 0 ? [] : [{ path: [...field, "agent_id"], issue: "an agent is invited twice" }]),
    ...(absent < 0 ? [] : [{ path: ["required", absent], issue: "is required and not invited" }]),
    ...(stranger < 0 ? [] : [{ path: ["humans", stranger, "agent_type"], issue: `must be ${HUMAN}` }]),
    ...(quorum !== undefined && quorum > invited.length
      ? [{ path: ["quorum"], issue: `the quorum is more than the ${invited.length} who are invited` }]
      : [])
  ]
}

/** Where votes differ, a strength below this is not enough; 0 to 1, 0.6 unless given. */
export const MinConfidence = confidenceOf(
  "Where votes differ and the strength of what won is below this, consensus is not achieved. The strength of a vote without strengths is its confidence. 0 to 1; 0.6 unless given."
)

/** How a round is to be held: everything but whom it is about and who is invited. */
export const roundRules = {
  /** What decides where consensus is not achieved; `conservative_bias` unless given. */
  conflict_resolution: Schema.optionalKey(ConflictResolution),
  /** How many votes there must be; more than half of the invited unless given. */
  quorum: Schema.optionalKey(
    Schema.Int.check(Schema.makeFilter((count: number) => count >= 1 || "the quorum must be at least 1"))
  ),
  /** Without a vote of each of these, by agent id, consensus is not achieved; of nobody in particular unless given. */
  required: Schema.optionalKey(Schema.Array(AgentId)),
  min_confidence: Schema.optionalKey(MinConfidence),
  /** Whose vote `expert_override` takes; `risk_advisor` unless given. */
  expert_agent_type: Schema.optionalKey(VoterType),
  /** The exponent `a` of `log_opinion_pool`, above 0 and at most 100; 1 unless given. */
  pool_exponent: Schema.optionalKey(
    Schema.Finite.check(
      Schema.makeFilter((a: number) => (a > 0 && a <= 100) || "the exponent must be above 0 and at most 100")
    )
  ),
  /** By agent id; 1 for who is not named. */
  weights: Schema.optionalKey(Weights),
  /** Who has said nothing this long after the opening abstains; never unless given, or the voter says otherwise. */
  agent_timeout_ms: Schema.optionalKey(TimeoutMillis),
  /** How long others may still vote once the quorum is there; until the deadline unless given. */
  quorum_grace_ms: Schema.optionalKey(TimeoutMillis),
  /** How long a person has for what was escalated; five minutes unless given. */
  escalation_timeout_ms: Schema.optionalKey(TimeoutMillis),
  /** Whether to close as soon as the missing votes can change neither the decision nor whether it is achieved. */
  early_close: Schema.optionalKey(Schema.Boolean),
  /** The people who may decide what is escalated. Anybody of type `human` may, where nobody is named. */
  humans: Schema.optionalKey(Schema.Array(Voter))
} as const

/** The same as somebody may ask for it. */
export const givenRules = { ...roundRules, weights: Schema.optionalKey(GivenWeights) } as const

/** What a round is about. */
export const roundQuestion = {
  method: Schema.optionalKey(Method),
  /** What is to be decided, for people. */
  question: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(QUESTION_CHARACTERS_MAX))),
  context: Schema.optionalKey(Context),
  /** The round that this one asks again. */
  reopens: Schema.optionalKey(ConsensusId)
} as const

/** What a round is opened with. Times are in milliseconds. */
export const RoundRequest = open({
  ...roundRules,
  ...roundQuestion,
  symbol: MarketSymbol,
  correlation_id: CorrelationId,
  invited: Schema.Array(Voter),
  method: Method,
  /** How long votes are taken. */
  timeout_ms: TimeoutMillis,
  /** The result's confidence is how likely its decision is to turn out right, by what all voters believe, whoever they are. */
  forecast: Schema.optionalKey(Schema.Literal(true)),
  /** The client whose round it is; none: it is of the house. It is not told to others. */
  owner: Schema.optionalKey(Owner),
  /** By what the owner's gateway finds the round's events. */
  follow_id: Schema.optionalKey(Schema.String)
}).check(Schema.makeFilter(roundFaults))
export type RoundRequest = typeof RoundRequest.Type

/** What a request leaves open. */
export const ROUND_DEFAULTS = {
  conflict_resolution: "conservative_bias",
  min_confidence: 0.6,
  expert_agent_type: "risk_advisor",
  pool_exponent: 1,
  escalation_timeout_ms: 300_000
} as const

/** More than half of the invited. */
export const majorityOf = (invitedCount: number): number => Math.floor(invitedCount / 2) + 1

import { createHash } from "node:crypto"
import { Effect, type Schema } from "effect"
import {
  type CancelBody,
  type ConsensusBody,
  type ConsensusOpened,
  ConsensusProtocol,
  CoordinatorProtocol,
  HUMAN,
  houseAgent,
  type InvalidRound,
  type NoMarketData,
  type NotOwner,
  ROUND_DEFAULTS,
  type RoundStatus,
  subjects,
  type VoteBody,
  type VoteRefusal,
  type Voter
} from "../../protocols/index.ts"
import { Actors, type AskError } from "../../runtime/index.ts"
import { correlationOf } from "./analysis.ts"
import type { OverBudget } from "./budget.ts"
import { byOf, type Caller, clientOf, mustSee, type NotSeen, once, seedFor, stored } from "./caller.ts"
import type { TooManyRounds, TooManySymbols } from "./quota.ts"
import { openSeed, sealSeed, secretOf } from "./secrets.ts"

/** What a client may hear when it asks something of rounds. */
export type ConsensusFailure =
  | AskError
  | TooManySymbols
  | TooManyRounds
  | VoteRefusal
  | NotSeen
  | OverBudget
  | Schema.Schema.Type<typeof NotOwner>
  | Schema.Schema.Type<typeof InvalidRound>
  | Schema.Schema.Type<typeof NoMarketData>

/**
 * Opens a round at the symbol's coordinator.
 *
 * Each voter outside, and each person, gets a secret, which comes of random bits. Only its SHA-256 goes to the round: nobody who
 * reads the log or the events can vote with what stands there, because the gateway hashes what it is given. Asked again with the same
 * key, here or at another gateway, the coordinator answers as before, with the bits sealed, and the secrets are the same.
 */
export const openConsensus = (
  wanted: ConsensusBody,
  caller: Caller,
  givenId?: string
): Effect.Effect<ConsensusOpened, ConsensusFailure, Actors> =>
  Effect.gen(function* () {
    const { symbol, correlation_id, invited: _, humans, agents: __, required_agents, ...body } = wanted
    const invited = invitedBy(wanted)
    const correlationId = correlationOf(caller, correlation_id, givenId)
    const seed = seedFor(caller)
    const voters: Array<string> = []
    const withToken = (voter: Voter): Voter => {
      voters.push(voter.agent_id)
      return { ...voter, external: true, token_hash: hashOf(secretOf(seed, voter.agent_id)) }
    }
    const asked = humans ?? []
    const nobody = body.conflict_resolution === "escalate_to_human" && asked.length === 0
    const people = nobody ? [{ agent_id: `${HUMAN}_${symbol}`, agent_type: HUMAN }] : asked
    const request = {
      ...body,
      correlation_id: correlationId,
      ...(invited === undefined
        ? {}
        : { invited: invited.map((voter) => (voter.external === true ? withToken(voter) : voter)) }),
      ...(required_agents === undefined ? {} : { required: required_agents.map((name) => namedBy(name, wanted)) }),
      ...(people.length === 0 ? {} : { humans: people.map(withToken) })
    }
    const counted = {
      first: Effect.gen(function* () {
        yield* caller.quota.name([symbol])
        yield* caller.budget.begin(wanted)
        yield* caller.quota.open(longest(body))
      }),
      again: caller.budget.store(wanted)
    }
    const { ask } = yield* Actors
    const own = sealSeed(seed, caller)
    const payload = { request, ...clientOf(caller), ...(own === undefined ? {} : { sealed: own }) }
    const what = { operation: "request_consensus", target: symbol, body: wanted }
    const opened = yield* once(caller, what, counted, (sent) =>
      ask(CoordinatorProtocol, symbol, "RequestConsensus", payload, { correlationId, ...sent })
    )
    const { consensus_id, correlation_id: first = correlationId, sealed } = opened
    const known = sealed === undefined ? seed : openSeed(sealed, caller)
    const tokens = Object.fromEntries(voters.map((voter) => [voter, secretOf(known, voter)]))
    return { consensus_id, correlation_id: first, tokens }
  })

/** A name as the round knows it: that of an agent inside may have been given by its type, where nobody is invited by that name. */
const namedBy = (name: string, { symbol, invited = [] }: ConsensusBody): string =>
  invited.some(({ agent_id }) => agent_id === name) ? name : (houseAgent(name, symbol)?.agent_id ?? name)

/** All who are to be invited, each once; nobody in particular where none are named. */
const invitedBy = ({ symbol, invited, agents = [], required_agents = [] }: ConsensusBody) => {
  const required = required_agents.filter((name) => !invited?.some(({ agent_id }) => agent_id === name))
  const house = [...agents, ...required].flatMap((name) => houseAgent(name, symbol) ?? [])
  if (invited === undefined && house.length === 0) return undefined
  const others = house.filter(
    ({ agent_id }, index) =>
      house.findIndex((each) => each.agent_id === agent_id) === index &&
      !(invited ?? []).some((voter) => voter.agent_id === agent_id)
  )
  return [...(invited ?? []), ...others]
}

const TIMEOUT_MILLIS = 60_000

/** How long a round may take, in milliseconds; one that leaves its timeout to the coordinator counts for a minute. */
const longest = ({
  timeout_ms = TIMEOUT_MILLIS,
  conflict_resolution,
  escalation_timeout_ms
}: Pick<ConsensusBody, "timeout_ms" | "conflict_resolution" | "escalation_timeout_ms">) =>
  timeout_ms +
  (conflict_resolution === "escalate_to_human" ? (escalation_timeout_ms ?? ROUND_DEFAULTS.escalation_timeout_ms) : 0)

/** Casts the vote of a voter outside. */
export const castVote = (
  consensusId: string,
  body: VoteBody,
  caller: Caller
): Effect.Effect<void, ConsensusFailure, Actors> =>
  Effect.gen(function* () {
    const { token, agent_id, agent_type, decision, confidence = 0, probabilities, reasoning = "" } = body
    const proof = hashOf(token)
    const { ask } = yield* Actors
    const abstention = { agent_id, agent_type, reason: reasoning }
    const vote = {
      ...{ agent_id, agent_type, confidence, reasoning },
      ...(probabilities === undefined ? {} : { probabilities })
    }
    yield* once(caller, { operation: "vote", target: consensusId, body }, stored(caller, body), (sent) =>
      decision === "ABSTAIN"
        ? ask(ConsensusProtocol, consensusId, "Abstain", { abstention, proof }, sent)
        : ask(ConsensusProtocol, consensusId, "CastVote", { vote: { ...vote, decision }, proof }, sent)
    )
  })

/** A round as it is now: one's own, or one of the house whose events one may see. */
export const consensusStatus = (
  consensusId: string,
  caller: Caller
): Effect.Effect<typeof RoundStatus.Type, ConsensusFailure, Actors> =>
  Effect.gen(function* () {
    const { ask } = yield* Actors
    const status = yield* ask(ConsensusProtocol, consensusId, "GetStatus", byOf(caller))
    if (status.owned !== true) yield* mustSee(caller, subjects.coordination("*", status.symbol))
    return status
  })

export const cancelConsensus = (
  consensusId: string,
  { reason = "cancelled by a client" }: CancelBody,
  caller: Caller
): Effect.Effect<void, ConsensusFailure, Actors> =>
  Actors.use(({ ask }) =>
    once(caller, { operation: "cancel", target: consensusId, body: { reason } }, stored(caller, reason), (sent) =>
      ask(ConsensusProtocol, consensusId, "Cancel", { reason, ...byOf(caller) }, sent)
    )
  ).pipe(Effect.asVoid)

const hashOf = (token: string): string => createHash("sha256").update(token, "utf8").digest("hex")

import { Schema } from "effect"
import {
  type Abstention,
  ConsensusId,
  ConsensusProtocol,
  type Refused,
  type RoundRequest,
  type RoundStatus,
  toTimestamp,
  type Vote,
  type VoteRefusal
} from "../../protocols/index.ts"
import {
  type Actor,
  type Context,
  canonical,
  define,
  persist,
  refuse,
  reply,
  send,
  setTimer
} from "../../runtime/index.ts"
import { announceAbstention, announceRequest, announceVote } from "./announcements.ts"
import { chainNext, chainStart } from "./chain.ts"
import {
  afterBallot,
  awaitAgents,
  close,
  deadlineOf,
  dueOf,
  endOf,
  endVoting,
  escalationEndOf,
  TIMERS
} from "./closing.ts"
import { linkOf } from "./links.ts"
import { admit, type SubmittedBallot } from "./refusals.ts"
import {
  EVENTS,
  evolve,
  initial,
  pendingVoters,
  REFUSALS_MAX,
  REOPENED_MAX,
  type Round,
  refusalsOf,
  State
} from "./state.ts"
import { truncated } from "./truncate.ts"
import { upcast } from "./upcast.ts"

/**
 * One consensus round; its id is the round's.
 *
 *     unopened ── Open ──▶ voting ── all votes, quorum, deadline ──▶ closed, for ever
 *                            │  └─ not achieved, to be escalated ─▶ escalated ── person, timeout ──▶ closed
 *                            └──────────── Cancel, also of what is escalated ──────────────────────▶ closed
 *
 * Guarantees: each invited agent has one word, its first, be it vote or abstention; the round closes exactly once, at its
 * durable deadline at the latest, or when the person's time is over where it is escalated; the result follows from the votes and
 * not from their order; every word joins a hash chain. The whole history is kept, so that a closed round can be verified.
 */
export const consensusActor: Actor = define({
  protocol: ConsensusProtocol,
  history: "complete",
  version: 4,
  upcast,
  state: State,
  initial,
  events: EVENTS,
  decide: {
    Open: (state, { request, coordinator }, context) => {
      if (state.round !== null) return again(state.round, request, coordinator, context)
      return openRound(state, request, coordinator, context)
    },
    CastVote: (state, { vote, proof }, context) => take(state, { word: vote, ...present({ proof }) }, context),
    Abstain: (state, { abstention, proof }, context) =>
      take(state, { word: abstention, ...present({ proof }) }, context),
    Cancel: (state, { reason, by }, context) => {
      const { round } = state
      const consensus_id = context.self.id
      if (round === null) return [refuse({ _tag: "UnknownRound", consensus_id })]
      if (by !== undefined && by !== round.request.owner) return [refuse({ _tag: "NotOwner", consensus_id })]
      if (round.result !== null || context.time > endOf(round)) return [refuse({ _tag: "RoundClosed", consensus_id })]
      const closing = { closedBy: "cancelled", at: context.time, reason: reason.slice(0, REASON_MAX) } as const
      return [...close(state, round, closing, context), reply({ accepted: true })]
    },
    ReopenedBy: (state, { consensus_id, by }) => {
      const known = state.round?.reopened_by ?? []
      if (state.round === null || known.includes(consensus_id) || known.length >= REOPENED_MAX) return []
      if (isOthers(state.round, by)) return []
      return [persist({ _tag: "ReopenedBy", consensus_id })]
    },
    AgentTimeout: (state, { due }, context) => {
      const { round } = state
      // Where the voting is over, too, its own timer says who was not heard.
      if (round === null || !isVoting(round) || context.time > endOf(round)) return []
      return timeOut(state, round, due, context)
    },
    QuorumTimeout: (state, _, context) => end(state, "quorum", context),
    RoundDeadline: (state, _, context) => end(state, "deadline", context),
    EscalationTimeout: (state, _, context) => {
      const { round } = state
      if (round === null || round.escalated === null || round.result !== null) return []
      return close(state, round, { closedBy: "escalation_timeout", at: context.time }, context)
    },
    GetResult: ({ round }, _, context) => [round === null ? refuse(unknown(context)) : reply(round.result)],
    GetStatus: (state, { by }, context) => {
      const { round } = state
      if (round === null) return [refuse(unknown(context))]
      if (isOthers(round, by)) return [refuse({ _tag: "NotOwner", consensus_id: context.self.id } as const)]
      return [reply(statusOf(state, round, context))]
    }
  },
  evolve
})

/** Whether a round is another client's. */
const isOthers = ({ request: { owner } }: Round, by: string | undefined): boolean =>
  by !== undefined && owner !== undefined && by !== owner

const REASON_MAX = 1_000
const isConsensusId = Schema.is(ConsensusId)

const openRound = (state: State, request: RoundRequest, coordinator: string | undefined, context: Context) => {
  const consensus_id = context.self.id
  if (!isConsensusId(consensus_id)) {
    return [refuse({ _tag: "InvalidConsensusId", consensus_id, rule: "26 of 0-9 A-Z, as a ULID" } as const)]
  }
  const chain = chainStart(context.self.id, request)
  const opened = { request, ...present({ coordinator }), opened_at: context.time, chain, chained: "all" } as const
  const { round } = evolve.Opened(state, opened)
  return [
    persist({ _tag: "Opened", ...opened } as const),
    setTimer(TIMERS.deadline, deadlineOf(opened), "RoundDeadline", {}),
    ...(round === null ? [] : awaitAgents(round, context.time)),
    announceRequest(request, context),
    ...(request.reopens === undefined
      ? []
      : [
          send(ConsensusProtocol, request.reopens, "ReopenedBy", {
            consensus_id: context.self.id,
            ...present({ by: request.owner })
          })
        ]),
    reply({ accepted: true } as const)
  ]
}

/** The same opening again, perhaps by a sender that heard no answer, is no other round. */
const again = (round: Round, request: RoundRequest, coordinator: string | undefined, context: Context) =>
  canonical({ request, coordinator }) === canonical({ request: round.request, coordinator: round.coordinator })
    ? [reply({ accepted: true } as const)]
    : [refuse({ _tag: "RoundExists", consensus_id: context.self.id } as const)]

const take = (state: State, given: SubmittedBallot, context: Context) => {
  const round = admit(state, given, context)
  if ("_tag" in round) return refuseWord(state, given.word.agent_id, round, context)
  const word = truncated(round.request, given.word)
  if (round.escalated !== null) return takePerson(state, round, word, context)
  const taken = record(state, round, word, context)
  const voted = isVote(word) ? word : undefined
  return [
    ...taken.steps,
    reply({ accepted: true } as const),
    ...(taken.round === null ? [] : afterBallot(taken.state, taken.round, voted, context))
  ]
}

/** What a person says of what was escalated decides it; when all who were named abstain, nobody does. */
const takePerson = (state: State, round: Round, word: Vote | Abstention, context: Context) => {
  const taken = record(state, round, word, context)
  const heard = taken.round
  if (heard === null) return []
  const left = (heard.request.humans ?? []).filter(
    ({ agent_id }) => !heard.abstentions.some((each) => each.agent_id === agent_id)
  )
  const over = isVote(word) || left.length === 0
  return [
    ...taken.steps,
    reply({ accepted: true } as const),
    ...(over ? close(taken.state, heard, { closedBy: "human", at: context.time }, context) : [])
  ]
}

/** A word joins the chain. Gives the steps for it, and the state that they lead to. */
const record = (state: State, round: Round, word: Vote | Abstention, context: Context) => {
  const at = context.time
  if (isVote(word)) {
    const cast = { vote: word, at, chain: chainNext(round.chain, { kind: "vote", at, word }) }
    const next = evolve.VoteCast(state, cast)
    const steps = [persist({ _tag: "VoteCast", ...cast } as const), announceVote(round.request, word, context)]
    return { state: next, round: next.round, steps }
  }
  const said = { abstention: word, at, chain: chainNext(round.chain, { kind: "abstention", at, word }) }
  const next = evolve.Abstained(state, said)
  const steps = [persist({ _tag: "Abstained", ...said } as const), announceAbstention(round.request, word, context)]
  return { state: next, round: next.round, steps }
}

const isVote = (word: Vote | Abstention): word is Vote => "decision" in word

const refuseWord = (state: State, agentId: string, refusal: VoteRefusal, context: Context) => [
  // Of a round that was never opened nothing is recorded: anybody can invent as many ids as the disk holds.
  ...(state.round === null || refusalsOf(state) >= REFUSALS_MAX
    ? []
    : [refused(state.round, { refusal: refusal._tag, agent_id: agentId, at: context.time })]),
  refuse(refusal)
]

const refused = (round: Round, { refusal, agent_id, at }: Refused) =>
  persist({
    _tag: "Refused",
    refused: { refusal, agent_id, at },
    ...linkOf(round, { kind: "refusal", at, word: { refusal, agent_id } })
  } as const)

/** Those who are due and silent abstain, in the order of invitation. */
const timeOut = (state: State, round: Round, due: number, context: Context) => {
  const late = pendingVoters(round).filter((voter) => (dueOf(round, voter) ?? Number.POSITIVE_INFINITY) <= due)
  let current = { state, round }
  const steps = []
  for (const { agent_id, agent_type } of late) {
    const taken = record(current.state, current.round, { agent_id, agent_type, reason: "timeout" }, context)
    steps.push(...taken.steps)
    if (taken.round !== null) current = { state: taken.state, round: taken.round }
  }
  const after = late.length === 0 ? [] : afterBallot(current.state, current.round, undefined, context)
  return [...steps, ...(after.length > 0 ? after : awaitAgents(current.round, due))]
}

const end = (state: State, closedBy: "quorum" | "deadline", context: Context) => {
  const { round } = state
  return round === null || !isVoting(round) ? [] : endVoting(state, round, { closedBy, at: context.time }, context)
}

const isVoting = ({ result, escalated }: Round): boolean => result === null && escalated === null

const unknown = (context: Context) => ({ _tag: "UnknownRound", consensus_id: context.self.id }) as const

const statusOf = (state: State, round: Round, context: Context): RoundStatus => {
  const { request, votes, abstentions, escalated, human, result } = round
  const endsAt = toTimestamp(escalated === null ? deadlineOf(round) : escalationEndOf(round))
  const people = (request.humans ?? []).map(({ agent_id }) => agent_id)
  const phase = result !== null ? "closed" : escalated !== null ? "escalated" : "voting"
  const waiting = { closed: [], escalated: people, voting: pendingVoters(round).map(({ agent_id }) => agent_id) }
  return {
    consensus_id: context.self.id,
    symbol: request.symbol,
    phase,
    method: request.method,
    opened_at: toTimestamp(round.opened_at),
    ends_at: result?.closed_at ?? endsAt,
    votes: human === null ? votes : [...votes, human],
    abstentions,
    waiting_for: waiting[phase],
    refusals: state.refusals,
    last_refused: state.last_refused,
    chain_hash: result?.chain_hash ?? round.chain,
    result,
    ...present({ reopens: request.reopens }),
    reopened_by: round.reopened_by,
    ...(request.owner === undefined ? {} : { owned: true as const })
  }
}

/** Only what is there. */
const present = <K extends string, V>(given: { readonly [N in K]: V | undefined }): { readonly [N in K]?: V } => {
  const found: { [N in K]?: V } = {}
  for (const name in given) if (given[name] !== undefined) found[name] = given[name]
  return found
}

import { Schema } from "effect"
import {
  type Abstention,
  ConsensusId,
  ConsensusProtocol,
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
  omitUndefined,
  type Payload,
  type Refusal,
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
  type RoundStep,
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
    Open: ({ round }, opening, step) => (round === null ? openRound(step, opening) : again(step, round, opening)),
    CastVote: (_, { vote, proof }, step) => take(step, { word: vote, proof }),
    Abstain: (_, { abstention, proof }, step) => take(step, { word: abstention, proof }),
    Cancel: (_, { reason, by }, step) => cancel(step, reason, by),
    ReopenedBy: ({ round }, { consensus_id, by }, step) => {
      if (round === null || isOthers(round, by)) return
      const known = round.reopened_by
      if (!known.includes(consensus_id) && known.length < REOPENED_MAX) step.persist("ReopenedBy", { consensus_id })
    },
    AgentTimeout: ({ round }, { due }, step) => {
      // Where the voting is over, too, its own timer says who was not heard.
      if (round !== null && isVoting(round) && step.time <= endOf(round)) timeOut(step, round, due)
    },
    QuorumTimeout: (_, __, step) => end(step, "quorum"),
    RoundDeadline: (_, __, step) => end(step, "deadline"),
    EscalationTimeout: ({ round }, _, step) => {
      if (round === null || round.escalated === null || round.result !== null) return
      close(step, round, { closedBy: "escalation_timeout", at: step.time })
    },
    GetResult: ({ round }, _, step) => (round === null ? step.refuse(unknown(step)) : step.reply(round.result)),
    GetStatus: (state, { by }, step) => {
      const { round } = state
      if (round === null) return step.refuse(unknown(step))
      if (isOthers(round, by)) return step.refuse({ _tag: "NotOwner", consensus_id: step.self.id })
      step.reply(statusOf(state, round, step))
    }
  },
  evolve
})

/** Whether a round is another client's. */
const isOthers = ({ request: { owner } }: Round, by: string | undefined): boolean =>
  by !== undefined && owner !== undefined && by !== owner

const REASON_MAX = 1_000
const isConsensusId = Schema.is(ConsensusId)

type Opening = Payload<typeof ConsensusProtocol, "Open">

const openRound = (step: RoundStep<"Open">, { request, coordinator }: Opening) => {
  const consensus_id = step.self.id
  if (!isConsensusId(consensus_id)) {
    return step.refuse({ _tag: "InvalidConsensusId", consensus_id, rule: "26 of 0-9 A-Z, as a ULID" })
  }
  const chain = chainStart(consensus_id, request)
  const opened = omitUndefined({ request, coordinator, opened_at: step.time, chain, chained: "all" })
  const { round } = step.persist("Opened", opened)
  step.add(setTimer(TIMERS.deadline, deadlineOf(opened), "RoundDeadline", {}))
  if (round !== null) awaitAgents(step, round, step.time)
  step.add(announceRequest(request, step))
  if (request.reopens !== undefined) {
    const reopened = omitUndefined({ consensus_id, by: request.owner })
    step.add(send(ConsensusProtocol, request.reopens, "ReopenedBy", reopened))
  }
  step.reply({ accepted: true })
}

/** The same opening again, perhaps by a sender that heard no answer, is no other round. */
const again = (step: RoundStep<"Open">, round: Round, { request, coordinator }: Opening) =>
  canonical({ request, coordinator }) === canonical({ request: round.request, coordinator: round.coordinator })
    ? step.reply({ accepted: true })
    : step.refuse({ _tag: "RoundExists", consensus_id: step.self.id })

const cancel = (step: RoundStep<"Cancel">, reason: string, by: string | undefined) => {
  const { round } = step.state
  const consensus_id = step.self.id
  if (round === null) return step.refuse({ _tag: "UnknownRound", consensus_id })
  if (by !== undefined && by !== round.request.owner) return step.refuse({ _tag: "NotOwner", consensus_id })
  if (round.result !== null || step.time > endOf(round)) return step.refuse({ _tag: "RoundClosed", consensus_id })
  close(step, round, { closedBy: "cancelled", at: step.time, reason: reason.slice(0, REASON_MAX) })
  step.reply({ accepted: true })
}

const take = (step: RoundStep<"CastVote" | "Abstain">, given: SubmittedBallot) => {
  const round = admit(step.state, given, step)
  if ("_tag" in round) return refuseWord(step, given.word.agent_id, round)
  const word = truncated(round.request, given.word)
  const after = record(step, round, word)
  step.reply({ accepted: true })
  if (round.escalated === null) afterBallot(step, after, isVote(word) ? word : undefined)
  else afterPerson(step, after, word)
}

/** What a person says of what was escalated decides it; when all who were named abstain, nobody does. */
const afterPerson = (step: RoundStep, round: Round, word: Vote | Abstention) => {
  const left = (round.request.humans ?? []).filter(
    ({ agent_id }) => !round.abstentions.some((each) => each.agent_id === agent_id)
  )
  if (isVote(word) || left.length === 0) close(step, round, { closedBy: "human", at: step.time })
}

/** A word joins the chain. Gives the round after it. */
const record = (step: RoundStep, round: Round, word: Vote | Abstention): Round => {
  const at = step.time
  if (isVote(word)) {
    const cast = { vote: word, at, chain: chainNext(round.chain, { kind: "vote", at, word }) }
    const next = step.persist("VoteCast", cast)
    step.add(announceVote(round.request, word, step))
    return next.round ?? round
  }
  const said = { abstention: word, at, chain: chainNext(round.chain, { kind: "abstention", at, word }) }
  const next = step.persist("Abstained", said)
  step.add(announceAbstention(round.request, word, step))
  return next.round ?? round
}

const isVote = (word: Vote | Abstention): word is Vote => "decision" in word

const refuseWord = (step: RoundStep<"CastVote" | "Abstain">, agent_id: string, refusal: VoteRefusal) => {
  const { round } = step.state
  // Of a round that was never opened nothing is recorded: anybody can invent as many ids as the disk holds.
  if (round !== null && refusalsOf(step.state) < REFUSALS_MAX) {
    const refused = { refusal: refusal._tag, agent_id, at: step.time }
    const { at, ...word } = refused
    step.persist("Refused", omitUndefined({ refused, chain: linkOf(round, { kind: "refusal", at, word }) }))
  }
  step.refuse(refusal)
}

/** Those who are due and silent abstain, in the order of invitation. */
const timeOut = (step: RoundStep, round: Round, due: number) => {
  const late = pendingVoters(round).filter((voter) => (dueOf(round, voter) ?? Number.POSITIVE_INFINITY) <= due)
  let after = round
  for (const { agent_id, agent_type } of late) after = record(step, after, { agent_id, agent_type, reason: "timeout" })
  const followed = late.length > 0 && afterBallot(step, after, undefined)
  if (!followed) awaitAgents(step, after, due)
}

const end = (step: RoundStep, closedBy: "quorum" | "deadline") => {
  const { round } = step.state
  if (round !== null && isVoting(round)) endVoting(step, round, { closedBy, at: step.time })
}

const isVoting = ({ result, escalated }: Round): boolean => result === null && escalated === null

const unknown = ({ self }: Context): Refusal<typeof ConsensusProtocol, "GetResult"> => ({
  _tag: "UnknownRound",
  consensus_id: self.id
})

const statusOf = (state: State, round: Round, context: Context): RoundStatus => {
  const { request, votes, abstentions, escalated, human, result } = round
  const endsAt = toTimestamp(escalated === null ? deadlineOf(round) : escalationEndOf(round))
  const people = (request.humans ?? []).map(({ agent_id }) => agent_id)
  const phase = result !== null ? "closed" : escalated !== null ? "escalated" : "voting"
  const waiting = { closed: [], escalated: people, voting: pendingVoters(round).map(({ agent_id }) => agent_id) }
  return omitUndefined({
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
    reopens: request.reopens,
    reopened_by: round.reopened_by,
    owned: request.owner === undefined ? undefined : true
  })
}

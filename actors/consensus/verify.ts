import { Result, Schema } from "effect"
import { type ClosedBy, type ConsensusResult, HUMAN, open } from "../../protocols/index.ts"
import { canonical, omitUndefined } from "../../runtime/index.ts"
import { type ChainedBallot, chainNext, chainStart, type Incident } from "./chain.ts"
import { deadlineOf, dueOf, endOf, escalationEndOf } from "./closing.ts"
import { closesEarly } from "./early-close.ts"
import { judge, quorumOf } from "./judge.ts"
import { closingHead, escalationOf, linkOf } from "./links.ts"
import { resultOf } from "./result.ts"
import { EVENTS, type EventTag, evolve, type Fields, initial, pendingVoters, type Round, type State } from "./state.ts"

/** An event of a round's journal, with the time of the message that led to it, in milliseconds since 1970. */
export interface RecordedEvent {
  readonly _tag: string
  readonly data: unknown
  readonly time: number
}

/** Where the journal says something else than what follows from the rest of it. */
export interface RoundDifference {
  /** Which record or field: `word 2 (agent)`, `result.confidence`. */
  readonly what: string
  readonly recorded: unknown
  readonly computed: unknown
}

/** What verifying a round found. */
export interface Verification {
  readonly consensus_id: string
  /** `unopened` and `open` where there is no result yet to compare. */
  readonly phase: "unopened" | "open" | "closed"
  readonly equal: boolean
  /** Votes and abstentions in the chain. */
  readonly words: number
  readonly chain_hash: string | undefined
  readonly result: ConsensusResult | undefined
  readonly differences: ReadonlyArray<RoundDifference>
}

/**
 * Recomputes a round from the events of its journal: every link of the hash chain, who was entitled to speak, what closed the
 * round, and the whole result. Pure; equal means that the journal is what these rules make of the votes in it.
 */
export const verifyRound = (consensusId: string, events: ReadonlyArray<RecordedEvent>): Verification => {
  const found: Verifying = { consensusId, state: initial(), words: 0, refusals: 0, closed: 0, differences: [] }
  for (const event of events) verifyEvent(found, event)
  const round = found.state.round
  const result = round?.result ?? undefined
  return {
    consensus_id: consensusId,
    phase: round === null ? "unopened" : result === undefined ? "open" : "closed",
    equal: found.differences.length === 0,
    words: found.words,
    chain_hash: round?.chain,
    result,
    differences: found.differences
  }
}

interface Verifying {
  readonly consensusId: string
  state: State
  words: number
  refusals: number
  closed: number
  readonly differences: Array<RoundDifference>
}

type Decode = {
  readonly [Tag in EventTag]: (data: unknown) => Result.Result<Fields<Tag>, Schema.SchemaError>
}

const decode: Decode = {
  Opened: Schema.decodeUnknownResult(open(EVENTS.Opened)),
  VoteCast: Schema.decodeUnknownResult(open(EVENTS.VoteCast)),
  Abstained: Schema.decodeUnknownResult(open(EVENTS.Abstained)),
  Escalated: Schema.decodeUnknownResult(open(EVENTS.Escalated)),
  Refused: Schema.decodeUnknownResult(open(EVENTS.Refused)),
  Closed: Schema.decodeUnknownResult(open(EVENTS.Closed)),
  ReopenedBy: Schema.decodeUnknownResult(open(EVENTS.ReopenedBy))
}

const compare = (found: Verifying, what: string, recorded: unknown, computed: unknown): void => {
  if (recorded === undefined && computed === undefined) return
  if (recorded !== undefined && computed !== undefined && canonical(recorded) === canonical(computed)) return
  found.differences.push({ what, recorded, computed })
}

const isTag = (tag: string): tag is EventTag => Object.hasOwn(EVENTS, tag)

const verifyEvent = (found: Verifying, { _tag, data, time }: RecordedEvent): void => {
  if (isTag(_tag)) verifyAs(found, _tag, data, time)
  else compare(found, "event", _tag, undefined)
}

const verifyAs = <Tag extends EventTag>(found: Verifying, tag: Tag, data: unknown, time: number): void => {
  const event = decode[tag](data)
  if (Result.isFailure(event)) {
    found.differences.push({ what: tag, recorded: "cannot be read", computed: event.failure.message })
    return
  }
  verifications[tag](found, event.success, time)
  found.state = evolve[tag](found.state, event.success)
}

/** What is compared of an event, with the state before it. */
const verifications: {
  readonly [Tag in EventTag]: (found: Verifying, event: Fields<Tag>, time: number) => void
} = {
  Opened: (found, event, time) => {
    compare(found, "opening", found.state.round === null ? "first" : "again", "first")
    compare(found, "opening's time", event.opened_at, time)
    compare(found, "chain's start", event.chain, chainStart(found.consensusId, event.request))
  },
  VoteCast: (found, { vote, at, chain }, time) => verifyWord(found, { kind: "vote", at, word: vote }, chain, time),
  Abstained: (found, { abstention, at, chain }, time) =>
    verifyWord(found, { kind: "abstention", at, word: abstention }, chain, time),
  Escalated: (found, event, time) => verifyEscalation(found, event, time),
  Closed: (found, { result }, time) => verifyClose(found, result, time),
  Refused: (found, { refused: { refusal, agent_id, at }, chain }, time) => {
    const what = `refusal ${++found.refusals} (${agent_id})`
    compare(found, `${what}, its time`, at, time)
    verifyLink(found, what, chain, { kind: "refusal", at, word: { refusal, agent_id } })
  },
  ReopenedBy: () => {}
}

const verifyWord = (found: Verifying, said: ChainedBallot, chain: string, time: number): void => {
  const { round } = found.state
  const { agent_id } = said.word
  const what = `word ${++found.words} (${agent_id})`
  if (round === null) return compare(found, what, "said", "the round is not open")
  compare(found, `${what}, who may speak`, "taken", mayTake(round, said) ? "taken" : "refused")
  compare(found, `${what}, its time`, said.at, time)
  // Each link from the one that is recorded before it: what was changed is named, and not all that follows.
  compare(found, `${what}, its link`, chain, chainNext(round.chain, said))
}

/** The link of something that is no vote or abstention; none in a round whose chain holds these alone. */
const verifyLink = (found: Verifying, what: string, chain: string | undefined, incident: Incident): void => {
  const { round } = found.state
  if (round !== null) compare(found, `${what}, its link`, chain, linkOf(round, incident))
}

const verifyEscalation = (
  found: Verifying,
  event: { readonly at: number; readonly ended_by: ClosedBy; readonly early: boolean; readonly chain?: string },
  time: number
): void => {
  const { round } = found.state
  compare(found, "escalation's time", event.at, time)
  if (round === null) return compare(found, "escalation", "escalated", "the round is not open")
  const isDue =
    round.escalated === null &&
    round.result === null &&
    escalates(round) &&
    mayEnd(round, event.ended_by, event.early, time)
  compare(found, "escalation", "escalated", isDue ? "escalated" : "not to be escalated, or not again")
  verifyLink(found, "escalation", event.chain, escalationOf(event))
}

const mayTake = (round: Round, { kind, at, word }: ChainedBallot): boolean => {
  const { agent_id, agent_type } = word
  const isThe = (voter: { readonly agent_id: string; readonly agent_type: string }) =>
    voter.agent_id === agent_id && voter.agent_type === agent_type
  const spoken = [...round.votes, ...round.abstentions].some((each) => each.agent_id === agent_id)
  const { invited, humans = [] } = round.request
  if (round.result !== null || spoken || round.human !== null) return false
  if (at > endOf(round)) return false
  if (round.escalated === null) {
    const voter = invited.find(isThe)
    const due = (voter && dueOf(round, voter)) ?? Number.POSITIVE_INFINITY
    const timedOut = kind === "abstention" && "reason" in word && word.reason === "timeout"
    return voter !== undefined && (at <= due || timedOut)
  }
  return humans.length === 0 ? agent_type === HUMAN : humans.some(isThe)
}

const verifyClose = (found: Verifying, recorded: ConsensusResult, time: number): void => {
  const { round, refusals } = found.state
  compare(found, "close", ++found.closed, 1)
  if (round === null) return compare(found, "close", "closed", "the round is not open")
  compare(
    found,
    "result.closed_by",
    recorded.closed_by,
    mayClose(round, recorded, time) ? recorded.closed_by : "something else"
  )
  const closing = omitUndefined({
    closedBy: recorded.closed_by,
    at: time,
    early: recorded.closed_early === true ? true : undefined,
    reason: recorded.cancel_reason
  })
  const computed = resultOf(found.consensusId, { ...round, chain: closingHead(round, closing) }, refusals, closing)
  const [left, right] = [fieldsOf(recorded), fieldsOf(computed)]
  for (const field of new Set([...left.keys(), ...right.keys()])) {
    compare(found, `result.${field}`, left.get(field), right.get(field))
  }
}

const fieldsOf = (result: ConsensusResult): ReadonlyMap<string, unknown> => new Map(Object.entries(result))

/** How far the clocks of the servers may be apart that set a timer and fired it. */
const CLOCKS_MILLIS = 2_000

/** Whether the round could be closed in this way at this time. */
const mayClose = (round: Round, { closed_by, closed_early, cancel_reason }: ConsensusResult, time: number): boolean => {
  const { escalated, human } = round
  switch (closed_by) {
    case "cancelled":
      return cancel_reason !== undefined && time <= endOf(round)
    case "human":
      return escalated !== null && (human !== null || round.abstentions.length > 0)
    case "escalation_timeout":
      return escalated !== null && time + CLOCKS_MILLIS >= escalationEndOf(round)
    default:
      return escalated === null && !escalates(round) && mayEnd(round, closed_by, closed_early === true, time)
  }
}

const escalates = ({ request, votes }: Round): boolean => judge(request, votes).resolution === "escalate_to_human"

/** Whether the voting could end in this way at this time. */
const mayEnd = (round: Round, ended_by: ClosedBy, early: boolean, time: number): boolean => {
  const { request, votes } = round
  const silent = pendingVoters(round)
  if (early) return ended_by === "quorum" && request.early_close === true && closesEarly(request, votes, silent)
  if (ended_by === "all_votes") return silent.length === 0
  const now = time + CLOCKS_MILLIS
  if (ended_by === "deadline") return now >= deadlineOf(round)
  return (
    ended_by === "quorum" && votes.length >= quorumOf(request) && now >= (round.grace_until ?? Number.POSITIVE_INFINITY)
  )
}

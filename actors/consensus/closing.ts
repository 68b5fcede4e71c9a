import { type ClosedBy, CoordinatorProtocol, ROUND_DEFAULTS, type Vote } from "../../protocols/index.ts"
import { cancelTimer, omitUndefined, send, setTimer } from "../../runtime/index.ts"
import { announceEscalation, announceResult } from "./announcements.ts"
import { closesEarly } from "./early-close.ts"
import { judge, quorumOf } from "./judge.ts"
import { closingHead, escalationOf, linkOf } from "./links.ts"
import { type Closing, resultOf } from "./result.ts"
import { pendingVoters, type Round, type RoundStep } from "./state.ts"

/** The four timers of a round. */
export const TIMERS = {
  agent: "agent_timeout",
  quorum: "quorum_timeout",
  deadline: "round_deadline",
  escalation: "escalation_timeout"
}

/** When the voting ends at the latest, and what is escalated, in milliseconds since 1970. */
export const deadlineOf = ({ request, opened_at }: Pick<Round, "request" | "opened_at">): number =>
  opened_at + request.timeout_ms

export const escalationEndOf = ({ request, escalated }: Round): number =>
  (escalated?.at ?? 0) + (request.escalation_timeout_ms ?? ROUND_DEFAULTS.escalation_timeout_ms)

/** What is said later than this comes too late, whether or not the timer has fired that ends the round then. */
export const endOf = (round: Round): number =>
  round.escalated === null
    ? Math.min(deadlineOf(round), round.grace_until ?? Number.POSITIVE_INFINITY)
    : escalationEndOf(round)

/** When an agent that says nothing abstains; nothing where the deadline comes first. */
export const dueOf = (round: Pick<Round, "request" | "opened_at">, voter: { readonly agent_timeout_ms?: number }) => {
  const millis = voter.agent_timeout_ms ?? round.request.agent_timeout_ms
  if (millis === undefined || millis >= round.request.timeout_ms) return undefined
  return round.opened_at + millis
}

/** The timer for the next of the silent agents that is due after a time, if one is. */
export const awaitAgents = (step: RoundStep, round: Round, after: number) => {
  const dues = pendingVoters(round).flatMap((voter) => dueOf(round, voter) ?? [])
  const due = Math.min(...dues.filter((each) => each > after))
  if (Number.isFinite(due)) step.add(setTimer(TIMERS.agent, due, "AgentTimeout", { due }))
}

/** What follows from a word that was just taken, if anything does: the end of the voting, or the grace after the quorum. */
export const afterBallot = (step: RoundStep, round: Round, voted: Vote | undefined): boolean => {
  const { request, votes } = round
  const silent = pendingVoters(round)
  if (silent.length === 0) {
    endVoting(step, round, { closedBy: "all_votes", at: step.time })
    return true
  }
  if (request.early_close === true && closesEarly(request, votes, silent)) {
    endVoting(step, round, { closedBy: "quorum", at: step.time, early: true })
    return true
  }
  const begins = voted !== undefined && votes.length === quorumOf(request)
  const until = begins ? round.grace_until : undefined
  if (until === undefined || until >= deadlineOf(round)) return false
  step.add(setTimer(TIMERS.quorum, until, "QuorumTimeout", {}))
  return true
}

/** No more votes of agents: the round is closed, or a person is asked. */
export const endVoting = (step: RoundStep, round: Round, closing: Closing) => {
  const { request, votes } = round
  const verdict = judge(request, votes)
  if (verdict.resolution !== "escalate_to_human") return close(step, round, closing)
  const escalated = { at: closing.at, ended_by: closing.closedBy, early: closing.early === true }
  step.persist("Escalated", omitUndefined({ ...escalated, chain: linkOf(round, escalationOf(escalated)) }))
  cancelTimers(step, round, closing.closedBy)
  const end = escalationEndOf({ ...round, escalated })
  step.add(setTimer(TIMERS.escalation, end, "EscalationTimeout", {}), announceEscalation(request, votes, end, step))
}

/** Closes the round, for ever, and says so. */
export const close = (step: RoundStep, round: Round, closing: Closing) => {
  const closed = { ...round, chain: closingHead(round, closing) }
  const result = resultOf(step.self.id, closed, step.state.refusals, closing)
  step.persist("Closed", { result })
  cancelTimers(step, round, closing.closedBy)
  step.add(...announceResult(result, step))
  if (round.coordinator !== undefined) {
    step.add(send(CoordinatorProtocol, round.coordinator, "RoundClosed", { result }))
  }
}

/** The timers that may be open, but for the one that has just fired: each costs a message. */
const cancelTimers = (step: RoundStep, round: Round, closedBy: ClosedBy) => {
  const { request, votes, escalated } = round
  if (escalated !== null) {
    if (closedBy !== "escalation_timeout") step.add(cancelTimer(TIMERS.escalation))
    return
  }
  const hasDue = request.invited.some((voter) => dueOf(round, voter) !== undefined)
  const inGrace = request.quorum_grace_ms !== undefined && votes.length >= quorumOf(request)
  if (closedBy !== "deadline") step.add(cancelTimer(TIMERS.deadline))
  if (hasDue) step.add(cancelTimer(TIMERS.agent))
  if (inGrace) step.add(cancelTimer(TIMERS.quorum))
}

import { type ClosedBy, CoordinatorProtocol, ROUND_DEFAULTS, type Vote } from "../../protocols/index.ts"
import { type Context, cancelTimer, persist, send, setTimer } from "../../runtime/index.ts"
import { announceEscalation, announceResult } from "./announcements.ts"
import { closesEarly } from "./early-close.ts"
import { judge, quorumOf } from "./judge.ts"
import { closingLink, escalationOf, linkOf } from "./links.ts"
import { type Closing, resultOf } from "./result.ts"
import { pendingVoters, type Round, type State } from "./state.ts"

/** The four timers of a round. */
export const TIMERS = {
  agent: "agent_timeout",
  quorum: "quorum_timeout",
  deadline: "round_deadline",
  escalation: "escalation_timeout"
} as const

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
export const awaitAgents = (round: Round, after: number) => {
  const dues = pendingVoters(round).flatMap((voter) => dueOf(round, voter) ?? [])
  const due = Math.min(...dues.filter((each) => each > after))
  return Number.isFinite(due) ? [setTimer(TIMERS.agent, due, "AgentTimeout", { due })] : []
}

/** What follows from a word that was just taken: the end of the voting, the grace after the quorum, or nothing. */
export const afterBallot = (state: State, round: Round, voted: Vote | undefined, context: Context) => {
  const { request, votes } = round
  const silent = pendingVoters(round)
  if (silent.length === 0) return endVoting(state, round, { closedBy: "all_votes", at: context.time }, context)
  if (request.early_close === true && closesEarly(request, votes, silent)) {
    return endVoting(state, round, { closedBy: "quorum", at: context.time, early: true }, context)
  }
  const begins = voted !== undefined && votes.length === quorumOf(request)
  const until = begins ? round.grace_until : undefined
  return until !== undefined && until < deadlineOf(round) ? [setTimer(TIMERS.quorum, until, "QuorumTimeout", {})] : []
}

/** No more votes of agents: the round is closed, or a person is asked. */
export const endVoting = (state: State, round: Round, closing: Closing, context: Context) => {
  const { request, votes } = round
  const verdict = judge(request, votes)
  if (verdict.resolution !== "escalate_to_human") return close(state, round, closing, context)
  const escalated = { at: closing.at, ended_by: closing.closedBy, early: closing.early === true }
  const asking = { ...round, escalated }
  return [
    persist({ _tag: "Escalated", ...escalated, ...linkOf(round, escalationOf(escalated)) } as const),
    ...cancelTimers(round, closing.closedBy),
    setTimer(TIMERS.escalation, escalationEndOf(asking), "EscalationTimeout", {}),
    announceEscalation(request, votes, escalationEndOf(asking), context)
  ]
}

/** Closes the round, for ever, and says so. */
export const close = (state: State, round: Round, closing: Closing, context: Context) => {
  const result = resultOf(context.self.id, { ...round, ...closingLink(round, closing) }, state.refusals, closing)
  return [
    persist({ _tag: "Closed", result } as const),
    ...cancelTimers(round, closing.closedBy),
    ...announceResult(result, context),
    ...(round.coordinator === undefined
      ? []
      : [send(CoordinatorProtocol, round.coordinator, "RoundClosed", { result })])
  ]
}

/** The timers that may be open, but for the one that has just fired: each costs a message. */
const cancelTimers = (round: Round, closedBy: ClosedBy) => {
  const { request, votes, escalated } = round
  if (escalated !== null) return closedBy === "escalation_timeout" ? [] : [cancelTimer(TIMERS.escalation)]
  const hasDue = request.invited.some((voter) => dueOf(round, voter) !== undefined)
  const inGrace = request.quorum_grace_ms !== undefined && votes.length >= quorumOf(request)
  return [
    ...(closedBy === "deadline" ? [] : [cancelTimer(TIMERS.deadline)]),
    ...(hasDue ? [cancelTimer(TIMERS.agent)] : []),
    ...(inGrace ? [cancelTimer(TIMERS.quorum)] : [])
  ]
}

import { formatAddress } from "../../address.ts"
import { type Envelope, formatReply, nameOf, parseEnvelope } from "../../envelope.ts"
import type { StepRecord } from "../../journal.ts"
import type { Entry, LogLimits, Mail } from "../../log.ts"
import type { FailureReport } from "../../supervision.ts"
import { alertEntry } from "../signals/alert.ts"
import { type ActorState, failureOf } from "./actor-state.ts"
import type { Compiled } from "./compiled.ts"
import type { Commit } from "./decision.ts"
import type { StepFailure } from "./failure.ts"
import { endedBy, mailOf } from "./step-parts.ts"
import { closeAll } from "./stopping.ts"
import { consequencesOf } from "./supervise.ts"

const NAME_CHARACTERS_MAX = 100
/** What is kept of a message that is no envelope, or larger than a client can send. */
const CLIPPED_CHARACTERS = 10_000

/**
 * The step for a message that cannot be processed: it goes among the dead letters with the cause, an alert says so, an
 * asker is told, and what the type's supervision says happens to the actor, all in one.
 */
export const park = (
  compiled: Compiled,
  core: ActorState,
  mail: Mail,
  failure: StepFailure,
  attempts: number,
  limits: LogLimits
): Commit => {
  const envelope = readable(mail)
  const report: FailureReport = {
    actor: formatAddress(mail.to),
    message: (envelope === undefined ? "?" : nameOf(envelope)).slice(0, NAME_CHARACTERS_MAX),
    failure: failure.failure,
    cause: failure.message,
    attempts,
    sequence: mail.sequence,
    ...(envelope?.kind === "outcome" && { key: envelope.key })
  }
  const { stops, escalates } = consequencesOf(compiled, core, failure.failure, mail.time)
  const correlation = envelope?.correlation ?? ""
  const closing = stops ? closeAll(mail.to, core, correlation) : undefined
  const escalation = escalates && envelope !== undefined ? escalate(compiled, mail, report, envelope) : []
  const step: StepRecord = {
    sequence: mail.sequence,
    message: report.message,
    time: mail.time,
    correlation,
    ...idsOf(envelope),
    parked: report.cause,
    failure: report.failure,
    ...(compiled.complete && isSmall(mail, limits) && { mail: writable(envelope) ?? mail.payload }),
    ...closedBy(core, envelope, closing),
    ...(stops && { stopped: true as const })
  }
  const entries: ReadonlyArray<Entry> = [
    letterOf(mail, report, envelope, limits),
    alertOf(mail, report),
    ...escalation,
    ...(closing?.entries ?? [])
  ]
  return {
    kind: "commit",
    step,
    text: JSON.stringify(step),
    state: core.state,
    entries,
    answers: told(envelope, report, step)
  }
}

/** Sent again, the message gets the same answer, and is not parked again; given back by an operator, it is tried again. */
const idsOf = (envelope: Envelope | undefined): Pick<StepRecord, "id" | "retry" | "once"> => {
  if (envelope?.kind !== "message" || envelope.id === undefined) return {}
  const { id, retry, once } = envelope
  return { id, ...(retry !== undefined && { retry }), ...(once !== undefined && { once }) }
}

/** A message may be parked for its size: the record of that must fit whatever comes. The dead letter holds it in any case. */
const isSmall = (mail: Mail, limits: LogLimits): boolean => Buffer.byteLength(mail.payload) * 4 < limits.payloadBytesMax

const closedBy = (
  core: ActorState,
  envelope: Envelope | undefined,
  closing: { readonly cancelled: ReadonlyArray<string>; readonly ended: ReadonlyArray<string> } | undefined
) => {
  const cancelled = [...(envelope?.kind === "timer" ? [envelope.name] : []), ...(closing?.cancelled ?? [])]
  const ended = [...(envelope === undefined ? [] : endedBy(core, envelope)), ...(closing?.ended ?? [])]
  return { ...(cancelled.length > 0 && { cancelled }), ...(ended.length > 0 && { ended }) }
}

/** The supervisor's own code, which must not be the next thing that fails. */
const escalate = (compiled: Compiled, mail: Mail, report: FailureReport, envelope: Envelope): ReadonlyArray<Entry> => {
  const supervisor = compiled.definition.supervision?.supervisor
  try {
    return supervisor === undefined ? [] : [mailOf(mail.to, supervisor(mail.to, report), envelope)]
  } catch {
    return []
  }
}

const letterOf = (mail: Mail, report: FailureReport, envelope: Envelope | undefined, limits: LogLimits): Entry => {
  const { message, failure, cause, attempts } = report
  const { sequence, time, shard } = mail
  const letter = JSON.stringify({ sequence, time, shard, message, failure, cause, attempts })
  // An envelope is JSON and goes in as it is: quoting it again could make it larger than the server takes.
  const whole = envelope !== undefined && Buffer.byteLength(mail.payload) <= limits.payloadBytesMax
  const original = whole ? mail.payload : JSON.stringify(mail.payload.slice(0, CLIPPED_CHARACTERS))
  return { kind: "dead", owner: mail.to, payload: `${letter.slice(0, -1)},"original":${original}}` }
}

const alertOf = ({ sequence, time }: Mail, { actor, message, failure, cause }: FailureReport): Entry =>
  alertEntry(
    {
      severity: "warning",
      code: "message_parked",
      message: `${actor} could not process ${message}: ${cause}`,
      at: time
    },
    { failure, actor, sequence }
  )

const told = (envelope: Envelope | undefined, { actor }: FailureReport, step: StepRecord) => {
  const answer = failureOf(step)
  if (answer === null || envelope?.kind !== "message" || envelope.reply === undefined || envelope.id === undefined)
    return []
  return [{ inbox: envelope.reply, payload: formatReply({ id: envelope.id, from: actor, ...answer }) }]
}

/** What is nested very deep can be read, and not be written. */
const writable = (envelope: Envelope | undefined): Envelope | undefined => {
  try {
    return JSON.stringify(envelope) === undefined ? undefined : envelope
  } catch {
    return undefined
  }
}

const readable = (mail: Mail): Envelope | undefined => {
  try {
    return parseEnvelope(mail.payload)
  } catch {
    return undefined
  }
}

import { formatAddress } from "../address.ts"
import { type Envelope, formatReply, parseEnvelope } from "../envelope.ts"
import type { StepRecord } from "../journal.ts"
import type { Entry, LogLimits, Mail } from "../log.ts"
import type { Core } from "./core.ts"
import type { Commit } from "./verdict.ts"

/** The subject and type of the event that says a message was parked. */
const ALERT_SUBJECT = "alert.warning"
const ALERT_TYPE = "alert"
const DETAIL_CHARACTERS_MAX = 1_000
const NAME_CHARACTERS_MAX = 100
/** What is kept of a message that is no envelope, or larger than a client can send. */
const CLIPPED_CHARACTERS = 10_000

/**
 * The step for a message that cannot be processed: it goes among the dead letters with the cause, an alert says so, an
 * asker is told, and the actor goes on with the next message.
 */
export const park = (core: Core, mail: Mail, cause: unknown, limits: LogLimits): Commit => {
  const envelope = readable(mail)
  const detail = describe(cause)
  const actor = formatAddress(mail.to)
  const name = envelope === undefined ? "?" : envelope.kind === "outcome" ? envelope.activity : envelope.message
  const message = name.slice(0, NAME_CHARACTERS_MAX)
  const sent = envelope?.kind === "message" ? envelope : undefined
  const step: StepRecord = {
    sequence: mail.sequence,
    message,
    time: mail.time,
    correlation: envelope?.correlation ?? "",
    parked: detail,
    ...(envelope?.kind === "timer" && { cancelled: [envelope.name] }),
    ...(envelope?.kind === "outcome" && { ended: [envelope.key] })
  }
  const letter = JSON.stringify({ sequence: mail.sequence, time: mail.time, message, cause: detail })
  // An envelope is JSON and goes in as it is: quoting it again could make it larger than the server takes.
  const whole = envelope !== undefined && Buffer.byteLength(mail.payload) <= limits.payloadBytesMax
  const original = whole ? mail.payload : JSON.stringify(mail.payload.slice(0, CLIPPED_CHARACTERS))
  const alert = {
    severity: "warning",
    code: "message_parked",
    message: `${actor} could not process ${message}: ${detail}`,
    timestamp: new Date(mail.time).toISOString()
  }
  const entries: ReadonlyArray<Entry> = [
    { kind: "dead", owner: mail.to, payload: `${letter.slice(0, -1)},"original":${original}}` },
    { kind: "event", subject: ALERT_SUBJECT, payload: JSON.stringify({ type: ALERT_TYPE, data: alert }) }
  ]
  const answers =
    sent?.reply !== undefined && sent.id !== undefined
      ? [
          {
            inbox: sent.reply,
            payload: formatReply({ id: sent.id, from: actor, outcome: "failed", body: { message, detail } })
          }
        ]
      : []
  return { kind: "commit", step, text: JSON.stringify(step), state: core.state, entries, answers }
}

const readable = (mail: Mail): Envelope | undefined => {
  try {
    return parseEnvelope(mail.payload)
  } catch {
    return undefined
  }
}

const describe = (cause: unknown): string => {
  try {
    return String(cause instanceof Error ? cause.message : cause).slice(0, DETAIL_CHARACTERS_MAX)
  } catch {
    return "the cause cannot be put into words"
  }
}

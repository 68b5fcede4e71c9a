import { formatAddress } from "../../address.ts"
import { type Envelope, formatReply, parseEnvelope } from "../../envelope.ts"
import { NewerVersion, TooLarge } from "../../errors.ts"
import type { StepRecord } from "../../journal.ts"
import type { Entry, LogLimits, Mail } from "../../log.ts"
import type { ActorState } from "./actor-state.ts"
import { buildStep, isStale } from "./build.ts"
import type { Compiled } from "./compiled.ts"
import type { Commit, Decision, Nothing, OutgoingAnswer } from "./decision.ts"
import { asStepFailure, inPart, StepFailure } from "./failure.ts"
import type { Decidable } from "./step-context.ts"
import { toAnswers, toEntries, toRecord } from "./step-record.ts"
import { noticeOf, WATCHERS_MAX } from "./stopping.ts"

const NOTHING: Nothing = { kind: "nothing", answers: [] }

/** Decides one message against an actor's present state. It changes nothing and never throws. */
export const decideMail = (compiled: Compiled, core: ActorState, mail: Mail, limits: LogLimits): Decision => {
  try {
    const envelope = inPart("decode", () => parseEnvelope(mail.payload))
    if (isStale(core, envelope)) return NOTHING
    const repeated = repetition(core, mail, envelope)
    if (repeated !== undefined) return repeated
    if (envelope.kind === "watch") return watchedBy(compiled, core, mail, envelope)
    if (envelope.kind === "message" && envelope.again === true) {
      const { again: _, ...first } = envelope
      return answerOf(compiled, core, mail, first, limits)
    }
    if (core.stopped) return afterStop(mail, envelope)
    if (core.unborn !== undefined) throw new StepFailure("start", core.unborn.cause)
    return decided(compiled, core, mail, envelope, limits)
  } catch (cause) {
    if (cause instanceof NewerVersion) return { kind: "newer", error: cause }
    return { kind: "failed", failure: asStepFailure(cause) }
  }
}

const decided = (
  compiled: Compiled,
  core: ActorState,
  mail: Mail,
  envelope: Decidable,
  limits: LogLimits
): Decision => {
  const parts = buildStep(compiled, core, mail, envelope)
  const answers = inPart("decide", () => toAnswers(parts))
  inPart("size", () => checkAnswers(answers, limits))
  const kept = isKept(envelope) && answers.length > 0
  if (!parts.effective && !kept) return { kind: "nothing", answers }
  const step = toRecord(parts)
  const text = JSON.stringify(step)
  const entries = inPart("decide", () => toEntries(parts))
  inPart("size", () => checkSize(text, entries, limits))
  return { kind: "commit", step, text, state: parts.state, entries, answers }
}

/** Its answer is remembered also where it has no other effect. */
const isKept = (envelope: Decidable): boolean =>
  envelope.kind === "message" && (envelope.keep === true || envelope.retry !== undefined)

/** The answers that a redelivered message gets: it was processed before, but its asker may not have heard. */
export const answerAgain = (compiled: Compiled, core: ActorState, mail: Mail, limits: LogLimits) => {
  try {
    const envelope = parseEnvelope(mail.payload)
    const repeated = repetition(core, mail, envelope)
    if (repeated !== undefined) return repeated.answers
    const asked = envelope.kind === "message" && envelope.reply !== undefined && mail.time > core.forgotten
    return asked ? answerOf(compiled, core, mail, envelope, limits).answers : []
  } catch {
    return []
  }
}

/** The answer to a message that was processed and had no effect: it has none now either, whatever it would do. */
const answerOf = (
  compiled: Compiled,
  core: ActorState,
  mail: Mail,
  envelope: Decidable,
  limits: LogLimits
): Nothing => {
  try {
    const decision = core.stopped ? afterStop(mail, envelope) : decided(compiled, core, mail, envelope, limits)
    return decision.kind === "nothing" ? decision : NOTHING
  } catch {
    return NOTHING
  }
}

/** What a message gets whose id the actor remembers: the same answer, if it has been given, and no second effect. */
const repetition = (core: ActorState, mail: Mail, envelope: Envelope): Nothing | undefined => {
  if (envelope.kind === "outcome" && envelope.id !== undefined)
    return core.recent.has(envelope.id) ? NOTHING : undefined
  if (envelope.kind !== "message" || envelope.id === undefined) return undefined
  if (envelope.once !== undefined && isReused(core, envelope.id, envelope.once)) {
    const reused = { id: envelope.id, from: formatAddress(mail.to), outcome: "reused", body: null } as const
    return envelope.reply === undefined ? NOTHING : answering(envelope.reply, formatReply(reused))
  }
  const answer = core.recent.get(envelope.id)?.answer
  if (envelope.retry !== undefined) {
    return core.recent.has(envelope.retry) || (answer !== undefined && answer?.outcome !== "failed")
      ? NOTHING
      : undefined
  }
  // The first one lay before it in this mailbox, so it was processed, even where its answer is forgotten. Or it may have.
  const later = envelope.again === true || envelope.age !== undefined
  if (answer === undefined) return later && mayBeForgotten(core, mail, envelope) ? NOTHING : undefined
  if (answer === null || envelope.reply === undefined) return NOTHING
  return answering(envelope.reply, formatReply({ id: envelope.id, from: formatAddress(mail.to), ...answer }))
}

/** Whether the key of a message stands for another one that the actor remembers. */
const isReused = ({ recent }: ActorState, id: string, once: string): boolean => {
  const known = recent.get(id)
  if (known !== undefined) return known.once !== undefined && known.once !== once
  const key = once.slice(0, once.indexOf(":") + 1)
  for (const other of recent.values()) if (other.once?.startsWith(key) === true && other.once !== once) return true
  return false
}

/** How much later a message may be stored than it is sent, in milliseconds. */
const STORED_AFTER_MILLIS = 30_000

const mayBeForgotten = (core: ActorState, mail: Mail, { age = Number.POSITIVE_INFINITY }: { readonly age?: number }) =>
  core.forgotten > 0 && mail.time - age - STORED_AFTER_MILLIS <= core.forgotten

const answering = (inbox: string, payload: string): Nothing => ({ kind: "nothing", answers: [{ inbox, payload }] })

/** Somebody watches from now on, or no longer; who watches an actor that has stopped is told at once. */
const watchedBy = (
  compiled: Compiled,
  core: ActorState,
  mail: Mail,
  envelope: Extract<Envelope, { kind: "watch" }>
): Commit => {
  const { from, role, message, body, v, correlation } = envelope
  if (core.watchers.size >= WATCHERS_MAX && message !== undefined && !core.watchers.has(from)) {
    throw new StepFailure("size", `${WATCHERS_MAX} actors watch it already, and no more can`)
  }
  const told = message !== undefined && {
    message,
    body,
    ...(role !== undefined && { role }),
    ...(v !== undefined && { v })
  }
  const change: Partial<StepRecord> = told === false ? { unwatched: [from] } : { watched: { [from]: told } }
  const step: StepRecord = {
    sequence: mail.sequence,
    message: "watch",
    time: mail.time,
    from,
    correlation,
    ...(compiled.complete && { mail: envelope }),
    ...(core.stopped ? {} : change)
  }
  const entries = core.stopped && told !== false ? [noticeOf(mail.to, from, told, correlation)] : []
  return { kind: "commit", step, text: JSON.stringify(step), state: core.state, entries, answers: [] }
}

const afterStop = (mail: Mail, envelope: Decidable): Nothing => {
  if (envelope.kind !== "message" || envelope.reply === undefined || envelope.id === undefined) {
    throw new StepFailure("stopped", "the actor has stopped")
  }
  const { reply, id } = envelope
  return answering(reply, formatReply({ id, from: formatAddress(mail.to), outcome: "stopped", body: null }))
}

const checkSize = (text: string, entries: ReadonlyArray<Entry>, limits: LogLimits): void => {
  const largest = Math.max(sizeOf(text), ...entries.map((entry) => ("payload" in entry ? sizeOf(entry.payload) : 0)))
  // The record needs room for what wraps the step, and a snapshot may come with it.
  if (largest > limits.payloadBytesMax - RECORD_BYTES) {
    throw new TooLarge({ what: "the step", size: largest, limit: limits.payloadBytesMax - RECORD_BYTES })
  }
  if (entries.length >= limits.groupEntriesMax) {
    throw new TooLarge({ what: "the step in messages", size: entries.length, limit: limits.groupEntriesMax - 1 })
  }
}

const checkAnswers = (answers: ReadonlyArray<OutgoingAnswer>, limits: LogLimits): void => {
  for (const { payload } of answers) {
    const size = sizeOf(payload)
    if (size > limits.payloadBytesMax) throw new TooLarge({ what: "the answer", size, limit: limits.payloadBytesMax })
  }
}

const RECORD_BYTES = 160

const sizeOf = (text: string): number => Buffer.byteLength(text)

import type { Context } from "../actor.ts"
import { formatAddress } from "../address.ts"
import { type Envelope, formatReply, parseEnvelope } from "../envelope.ts"
import { TooLarge } from "../errors.ts"
import type { Entry, LogLimits, Mail } from "../log.ts"
import type { Compiled } from "./compiled.ts"
import type { Core } from "./core.ts"
import { addAll, makeDraft, type Operations, toRecord } from "./draft.ts"
import { park } from "./park.ts"
import { seededRandom } from "./random.ts"
import type { Nothing, OutgoingAnswer, Verdict } from "./verdict.ts"

const NOTHING: Nothing = { kind: "nothing", answers: [] }

/**
 * Decides one message against an actor's present state. It changes nothing and never throws: what cannot be processed
 * becomes a commit that parks the message among the dead letters.
 */
export const decideMail = (compiled: Compiled, core: Core, mail: Mail, limits: LogLimits): Verdict => {
  try {
    const envelope = parseEnvelope(mail.payload)
    if (isStale(core, envelope)) return NOTHING
    const repeated = repetition(core, mail, envelope)
    if (repeated !== undefined) return repeated
    if (core.unborn !== undefined) return park(core, mail, core.unborn.cause, limits)
    const context = makeContext(mail, envelope)
    const draft = makeDraft(compiled, mail.to, envelope, context, core.state)
    addAll(draft, handle(compiled, core, envelope, context))
    checkAnswers(draft.answers, limits)
    if (!draft.effective) return { kind: "nothing", answers: draft.answers }
    const step = toRecord(draft, mail.time)
    const text = JSON.stringify(step)
    checkSize(text, draft.entries, limits)
    return { kind: "commit", step, text, state: draft.state, entries: draft.entries, answers: draft.answers }
  } catch (cause) {
    return park(core, mail, cause, limits)
  }
}

/** The answers that a redelivered message gets: it was processed before, but its asker may not have heard. */
export const answerAgain = (core: Core, mail: Mail): ReadonlyArray<OutgoingAnswer> => {
  try {
    return repetition(core, mail, parseEnvelope(mail.payload))?.answers ?? []
  } catch {
    return []
  }
}

/** A firing of a timer that was cancelled or set anew, or the outcome of an activity that is not open. */
const isStale = (core: Core, envelope: Envelope): boolean => {
  if (envelope.kind === "timer") return core.timers.get(envelope.name) !== envelope.generation
  if (envelope.kind === "outcome") return core.activities.get(envelope.key)?.generation !== envelope.generation
  return false
}

/** What a message gets whose id the actor remembers: the same answer, if it has been given, and no second effect. */
const repetition = (core: Core, mail: Mail, envelope: Envelope): Nothing | undefined => {
  if (envelope.kind !== "message" || envelope.id === undefined) return undefined
  const remembered = core.recent.get(envelope.id)
  // The first one lay before it in this mailbox, so it was processed, even where its answer is forgotten.
  if (remembered === undefined) return envelope.again === true ? NOTHING : undefined
  if (remembered === null || envelope.reply === undefined) return NOTHING
  return {
    kind: "nothing",
    answers: [
      { inbox: envelope.reply, payload: formatReply({ id: envelope.id, from: formatAddress(mail.to), ...remembered }) }
    ]
  }
}

const makeContext = (mail: Mail, envelope: Envelope): Context => {
  const sent = envelope.kind === "message" ? envelope : undefined
  return {
    self: mail.to,
    time: mail.time,
    sequence: mail.sequence,
    messageId: sent?.id ?? `s${mail.sequence}`,
    correlationId: envelope.correlation,
    from: sent?.from ?? "",
    replyTo: sent?.reply !== undefined && sent.id !== undefined ? { inbox: sent.reply, id: sent.id } : undefined,
    random: seededRandom(mail.sequence)
  }
}

const handle = (compiled: Compiled, core: Core, envelope: Envelope, context: Context): Operations => {
  const { definition } = compiled
  if (envelope.kind === "outcome") {
    const { activity, key, result } = envelope
    const handler = definition.completed?.[activity]
    if (handler === undefined) throw new Error(`${compiled.type} takes no outcome of ${JSON.stringify(activity)}`)
    const outcome =
      result._tag === "Succeeded"
        ? { _tag: result._tag, activity, key, value: compiled.decodeOutput(activity, result.value) }
        : { ...result, activity, key }
    return handler(core.state, outcome, context)
  }
  const handler = definition.decide[envelope.message]
  const codec = compiled.messages.get(envelope.message)
  if (handler === undefined || codec === undefined) {
    throw new Error(`${compiled.type} has no message ${JSON.stringify(envelope.message)}`)
  }
  return handler(core.state, codec.decode(envelope.body), context)
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

const RECORD_BYTES = 64

const sizeOf = (text: string): number => Buffer.byteLength(text)

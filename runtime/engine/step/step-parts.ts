import type { Context, Operations } from "../../actor.ts"
import { type Address, addressFault, formatAddress, subjectFault } from "../../address.ts"
import type { Envelope } from "../../envelope.ts"
import type { RecordedAnswer } from "../../journal.ts"
import type { Entry } from "../../log.ts"
import type { Send } from "../../step.ts"
import { type ActorState, evolveOne } from "./actor-state.ts"
import type { Compiled } from "./compiled.ts"
import { inPart } from "./failure.ts"
import { closeAll } from "./stopping.ts"

type Kinds = Operations[number]
type Own = Extract<Kinds, { op: "timer" }>["message"]
type Start = Extract<Kinds, { op: "activity" }>["activity"]

/** What a step stores besides its record: whole, or with the value that becomes its payload as JSON. */
export type StepEntry =
  | { readonly kind: "mail"; readonly to: Address; readonly value: Envelope }
  | {
      readonly kind: "event"
      readonly subject: string
      readonly value: { readonly type: string; readonly data: unknown }
    }
  | {
      readonly kind: "timer"
      readonly owner: Address
      readonly name: string
      readonly at: number
      readonly value: Envelope
    }
  | Entry

/** An answer to an ask. */
export interface Answered extends RecordedAnswer {
  readonly inbox: string
  readonly id: string
}

/** What a step is put together from. */
export interface StepParts {
  readonly compiled: Compiled
  readonly self: Address
  readonly envelope: Envelope
  readonly context: Context
  readonly core: ActorState
  state: unknown
  readonly outgoing: Array<StepEntry>
  readonly events: Array<{ readonly _tag: string; readonly data: unknown }>
  readonly timers: Record<string, number>
  readonly cancelled: Array<string>
  readonly started: Record<string, { activity: string; input: unknown }>
  readonly ended: Array<string>
  readonly recorded: Record<string, RecordedAnswer>
  readonly answers: Array<Answered>
  /** Whether there is anything to record: a step that only answers has no effect. */
  effective: boolean
  stopped: boolean
}

export const makeStepParts = (
  compiled: Compiled,
  self: Address,
  envelope: Envelope,
  context: Context,
  core: ActorState
): StepParts => ({
  compiled,
  self,
  envelope,
  context,
  core,
  state: core.state,
  outgoing: unscheduling(envelope, self),
  events: [],
  timers: {},
  // A timer that fires and an activity that ends are closed by the step they cause.
  cancelled: envelope.kind === "timer" ? [envelope.name] : [],
  started: {},
  ended: endedBy(core, envelope),
  recorded: {},
  answers: [],
  effective: envelope.kind !== "message",
  stopped: false
})

/** The activity that an outcome closes: none where it is given again, and another one has begun under its key. */
export const endedBy = (core: ActorState, envelope: Envelope): Array<string> =>
  envelope.kind === "outcome" && core.activities.get(envelope.key)?.generation === envelope.generation
    ? [envelope.key]
    : []

/** First of all: a timer of the same name that the step sets comes after it, and takes its place. */
const unscheduling = (envelope: Envelope, owner: Address): Array<StepEntry> =>
  envelope.kind === "timer" && envelope.scheduled === true
    ? [{ kind: "untimer", owner, name: envelope.name, fired: true }]
    : []

/** Adds one operation. Throws where it does not fit its schema. */
export const addOperation = (parts: StepParts, operation: Kinds): void => {
  if (operation.op !== "reply" && operation.op !== "refuse") parts.effective = true
  switch (operation.op) {
    case "persist": {
      const { _tag, ...fields } = operation.event as { readonly _tag: string }
      return addEvent(parts, _tag, fields)
    }
    case "reply":
      return addReply(parts, "ok", operation.value)
    case "refuse":
      return addReply(parts, "error", operation.error)
    case "answer":
      return addAnswer(parts, operation.to, operation.outcome, operation.body)
    case "send":
      return addSend(parts, operation)
    case "publish": {
      checkSubject(operation.subject)
      const { subject, type, data } = operation
      parts.outgoing.push({ kind: "event", subject, value: { type, data } })
      return
    }
    case "timer":
      return addTimer(parts, operation)
    case "cancel":
      return addCancel(parts, operation.name)
    case "activity":
      return addStart(parts, operation.key, operation.activity)
    case "cancelActivity":
      delete parts.started[operation.key]
      parts.ended.push(operation.key)
      return
    case "watch":
      return addWatch(parts, operation.target, operation.message)
    case "unwatch":
      return addWatch(parts, operation.target, undefined)
    case "stop":
      parts.stopped = true
  }
}

export const addEvent = (parts: StepParts, _tag: string, fields: object): void => {
  parts.effective = true
  const { compiled, state } = parts
  const data = compiled.encodeEvent(_tag, fields)
  parts.events.push({ _tag, data })
  // From what will be stored, and not from what was said: the state is then the fold of the journal also where a schema
  // does not give back quite what it took.
  const event = compiled.decodeEvent(_tag, data, compiled.version)
  parts.state = inPart("evolve", () => evolveOne(compiled, state, _tag, event))
}

export const addReply = (parts: StepParts, outcome: "ok" | "error", value: unknown): void => {
  const { replyTo } = parts.context
  if (replyTo === undefined || parts.envelope.kind !== "message") return
  const codec = parts.compiled.messages.get(parts.envelope.message)
  const body = outcome === "ok" ? codec?.encodeReply(value) : codec?.encodeError(value)
  addAnswer(parts, replyTo, outcome, body)
}

const addAnswer = (
  parts: StepParts,
  to: { readonly inbox: string; readonly id: string },
  outcome: "ok" | "error",
  body: unknown
): void => {
  parts.recorded[to.id] = { outcome, body }
  parts.answers.push({ inbox: to.inbox, id: to.id, outcome, body })
}

const addSend = (parts: StepParts, send: Send): void =>
  void parts.outgoing.push({ kind: "mail", to: send.to, value: messageOf(parts.self, send, parts.envelope) })

/** A message from an actor as it is stored; it belongs to the trace and correlation of what the actor is doing. */
export const mailOf = (
  self: Address,
  send: Send,
  cause: Pick<Envelope, "correlation" | "trace">
): Extract<Entry, { kind: "mail" }> => ({
  kind: "mail",
  to: send.to,
  payload: JSON.stringify(messageOf(self, send, cause))
})

const messageOf = (self: Address, { to, message, body, v }: Send, cause: Pick<Envelope, "correlation" | "trace">) => {
  const fault = addressFault(to)
  if (fault !== undefined) throw fault
  const { correlation, trace } = cause
  const from = formatAddress(self)
  return {
    kind: "message" as const,
    message,
    body,
    from,
    correlation,
    ...(v !== undefined && { v }),
    ...(trace !== undefined && { trace })
  }
}

const addWatch = (parts: StepParts, target: Address, message: Own | undefined): void => {
  const fault = addressFault(target)
  if (fault !== undefined) throw fault
  const { type, id, role } = parts.self
  const told = message && { message: message.name, body: parts.compiled.encodeMessage(message.name, message.payload) }
  const mail = {
    kind: "watch" as const,
    from: formatAddress({ type, id }),
    ...(role !== undefined && { role }),
    ...told
  }
  const value = { ...mail, correlation: correlationOf(parts), v: parts.compiled.protocolVersion }
  parts.outgoing.push({ kind: "mail", to: target, value })
}

/** What the same step opened is closed with the rest, when all is said. */
export const addStop = (parts: StepParts): void => {
  for (const name of Object.keys(parts.timers)) addCancel(parts, name)
  for (const key of Object.keys(parts.started)) delete parts.started[key]
  const closing = closeAll(parts.self, parts.core, correlationOf(parts))
  parts.cancelled.push(...closing.cancelled)
  parts.ended.push(...closing.ended)
  parts.outgoing.push(...closing.entries)
}

const addTimer = (parts: StepParts, { name, at: when, message }: Extract<Kinds, { op: "timer" }>): void => {
  checkSubject(name)
  checkName(name)
  const at = Math.max(0, Math.ceil(when))
  if (!(at <= TIME_MAX)) throw new RangeError(`timer ${name}: ${when} is no time in milliseconds since 1970`)
  const body = parts.compiled.encodeMessage(message.name, message.payload)
  const generation = parts.context.sequence
  const { protocolVersion: v } = parts.compiled
  const firing = {
    kind: "timer" as const,
    name,
    generation,
    message: message.name,
    body,
    correlation: correlationOf(parts),
    v
  }
  parts.timers[name] = at
  parts.outgoing.push({ kind: "timer", owner: parts.self, name, at, value: firing })
}

const addCancel = (parts: StepParts, name: string): void => {
  checkSubject(name)
  delete parts.timers[name]
  parts.cancelled.push(name)
  parts.outgoing.push({ kind: "untimer", owner: parts.self, name })
}

const checkSubject = (subject: string): void => {
  const fault = subjectFault(subject)
  if (fault !== undefined) throw new Error(fault)
}

/** As the name of a member it would be lost. */
const checkName = (name: string): void => {
  if (name === "__proto__") throw new Error(`${name} cannot be the name of a timer or activity`)
}

/** The end of the year 9999: what comes later has no form that the server reads. */
const TIME_MAX = 253_402_300_799_999

const addStart = (parts: StepParts, key: string, { name, input }: Start): void => {
  checkName(key)
  const { compiled } = parts
  if (compiled.definition.activities?.[name] === undefined) {
    throw new Error(`${compiled.type} has no activity ${JSON.stringify(name)}`)
  }
  parts.started[key] = { activity: name, input: compiled.encodeInput(name, input) }
}

const correlationOf = (parts: StepParts): string => parts.envelope.correlation

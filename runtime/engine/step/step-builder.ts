import type { Context } from "../../actor.ts"
import { type Address, addressFault, formatAddress, subjectFault } from "../../address.ts"
import { encoder } from "../../codec.ts"
import { type Envelope, formatReply, nameOf } from "../../envelope.ts"
import type { RecordedAnswer, StepRecord } from "../../journal.ts"
import type { Entry } from "../../log.ts"
import type { Operation, Send, Step } from "../../step.ts"
import { type ActorState, evolveOne } from "./actor-state.ts"
import type { Compiled } from "./compiled.ts"
import type { OutgoingAnswer } from "./decision.ts"
import { inPart } from "./failure.ts"
import { closeAll } from "./stopping.ts"

type Own = { readonly name: string; readonly payload: unknown }
type Start = { readonly name: string; readonly input: unknown }
export type Operations = Step<unknown, unknown, unknown, Own, Start>
type Kinds = Operation<unknown, unknown, unknown, Own, Start>

/** A step being put together from its operations. */
export interface StepBuilder {
  readonly compiled: Compiled
  readonly self: Address
  readonly envelope: Envelope
  readonly context: Context
  readonly core: ActorState
  state: unknown
  readonly entries: Array<Entry>
  readonly events: Array<{ readonly _tag: string; readonly data: unknown }>
  readonly timers: Record<string, number>
  readonly cancelled: Array<string>
  readonly started: Record<string, { activity: string; input: unknown }>
  readonly ended: Array<string>
  readonly recorded: Record<string, RecordedAnswer>
  readonly answers: Array<OutgoingAnswer>
  /** Whether there is anything to record: a step that only answers has no effect. */
  effective: boolean
  stopped: boolean
}

export const makeStepBuilder = (
  compiled: Compiled,
  self: Address,
  envelope: Envelope,
  context: Context,
  core: ActorState
): StepBuilder => ({
  compiled,
  self,
  envelope,
  context,
  core,
  state: core.state,
  entries: [],
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

/** Adds the operations of a decision. Throws where one does not fit its schema. */
export const addAll = (draft: StepBuilder, operations: Operations): void => {
  addUnscheduling(draft)
  for (const operation of operations) {
    if (operation.op !== "reply" && operation.op !== "refuse") draft.effective = true
    add(draft, operation)
  }
  if (draft.stopped) addStop(draft)
}

/** First of all: a timer of the same name that the step sets comes after it, and takes its place. */
const addUnscheduling = ({ envelope, entries, self: owner }: StepBuilder): void => {
  if (envelope.kind !== "timer" || envelope.scheduled !== true) return
  entries.push({ kind: "untimer", owner, name: envelope.name, fired: true })
}

const add = (draft: StepBuilder, operation: Kinds): void => {
  switch (operation.op) {
    case "persist":
      return addEvent(draft, operation.event)
    case "reply":
      return addReply(draft, "ok", operation.value)
    case "refuse":
      return addReply(draft, "error", operation.error)
    case "answer":
      return addAnswer(draft, operation.to, operation.outcome, operation.body)
    case "send":
      return addSend(draft, operation)
    case "publish": {
      checkSubject(operation.subject)
      const payload = JSON.stringify({ type: operation.type, data: operation.data })
      draft.entries.push({ kind: "event", subject: operation.subject, payload })
      return
    }
    case "timer":
      return addTimer(draft, operation)
    case "cancel":
      return addCancel(draft, operation.name)
    case "activity":
      return addStart(draft, operation.key, operation.activity)
    case "cancelActivity":
      delete draft.started[operation.key]
      draft.ended.push(operation.key)
      return
    case "watch":
      return addWatch(draft, operation.target, operation.message)
    case "unwatch":
      return addWatch(draft, operation.target, undefined)
    case "stop":
      draft.stopped = true
  }
}

const addEvent = (draft: StepBuilder, persisted: unknown): void => {
  const { _tag, ...fields } = persisted as { readonly _tag: string }
  const { compiled, state } = draft
  const data = compiled.encodeEvent(_tag, fields)
  draft.events.push({ _tag, data })
  // From what will be stored, and not from what was said: the state is then the fold of the journal also where a schema
  // does not give back quite what it took.
  const event = compiled.decodeEvent(_tag, data, compiled.version)
  draft.state = inPart("evolve", () => evolveOne(compiled, state, _tag, event))
}

const addReply = (draft: StepBuilder, outcome: "ok" | "error", value: unknown): void => {
  const { replyTo } = draft.context
  if (replyTo === undefined || draft.envelope.kind !== "message") return
  const codec = draft.compiled.messages.get(draft.envelope.message)
  const body = outcome === "ok" ? codec?.encodeReply(value) : codec?.encodeError(value)
  addAnswer(draft, replyTo, outcome, body)
}

const addAnswer = (
  draft: StepBuilder,
  to: { readonly inbox: string; readonly id: string },
  outcome: "ok" | "error",
  body: unknown
): void => {
  draft.recorded[to.id] = { outcome, body }
  draft.answers.push({
    inbox: to.inbox,
    payload: formatReply({ id: to.id, from: formatAddress(draft.self), outcome, body })
  })
}

const addSend = (draft: StepBuilder, send: Extract<Kinds, { op: "send" }>): void =>
  void draft.entries.push(mailOf(draft.self, send, draft.envelope))

/** A message from an actor as it is stored; it belongs to the trace and correlation of what the actor is doing. */
export const mailOf = (
  self: Address,
  { to, message, body, v }: Send,
  cause: Pick<Envelope, "correlation" | "trace">
): Extract<Entry, { kind: "mail" }> => {
  const fault = addressFault(to)
  if (fault !== undefined) throw fault
  const { correlation, trace } = cause
  const from = formatAddress(self)
  const mail = {
    kind: "message",
    message,
    body,
    from,
    correlation,
    ...(v !== undefined && { v }),
    ...(trace !== undefined && { trace })
  }
  return { kind: "mail", to, payload: JSON.stringify(mail) }
}

const addWatch = (draft: StepBuilder, target: Address, message: Own | undefined): void => {
  const fault = addressFault(target)
  if (fault !== undefined) throw fault
  const { type, id, role } = draft.self
  const told = message && { message: message.name, body: draft.compiled.encodeMessage(message.name, message.payload) }
  const mail = { kind: "watch", from: formatAddress({ type, id }), ...(role !== undefined && { role }), ...told }
  const payload = { ...mail, correlation: correlationOf(draft), v: draft.compiled.protocolVersion }
  draft.entries.push({ kind: "mail", to: target, payload: JSON.stringify(payload) })
}

/** What the same step opened is closed with the rest. */
const addStop = (draft: StepBuilder): void => {
  for (const name of Object.keys(draft.timers)) addCancel(draft, name)
  for (const key of Object.keys(draft.started)) delete draft.started[key]
  const closing = closeAll(draft.self, draft.core, correlationOf(draft))
  draft.cancelled.push(...closing.cancelled)
  draft.ended.push(...closing.ended)
  draft.entries.push(...closing.entries)
}

const addTimer = (draft: StepBuilder, { name, at: when, message }: Extract<Kinds, { op: "timer" }>): void => {
  checkSubject(name)
  checkName(name)
  const at = Math.max(0, Math.ceil(when))
  if (!(at <= TIME_MAX)) throw new RangeError(`timer ${name}: ${when} is no time in milliseconds since 1970`)
  const body = draft.compiled.encodeMessage(message.name, message.payload)
  const generation = draft.context.sequence
  const { protocolVersion: v } = draft.compiled
  const firing = { kind: "timer", name, generation, message: message.name, body, correlation: correlationOf(draft), v }
  draft.timers[name] = at
  draft.entries.push({ kind: "timer", owner: draft.self, name, at, payload: JSON.stringify(firing) })
}

const addCancel = (draft: StepBuilder, name: string): void => {
  checkSubject(name)
  delete draft.timers[name]
  draft.cancelled.push(name)
  draft.entries.push({ kind: "untimer", owner: draft.self, name })
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

const addStart = (draft: StepBuilder, key: string, { name, input }: Start): void => {
  checkName(key)
  const spec = draft.compiled.definition.activities?.[name]
  if (spec === undefined) throw new Error(`${draft.compiled.type} has no activity ${JSON.stringify(name)}`)
  draft.started[key] = { activity: name, input: encoder(spec.input)(input) }
}

const correlationOf = (draft: StepBuilder): string => draft.envelope.correlation

/** The step as it goes into the journal. */
export const toRecord = (draft: StepBuilder, time: number): StepRecord => {
  const { envelope, compiled, context } = draft
  const sent = envelope.kind === "message" ? envelope : undefined
  const id = envelope.kind === "outcome" ? envelope.id : sent?.id
  return {
    sequence: context.sequence,
    message: nameOf(envelope),
    time,
    correlation: envelope.correlation,
    ...(id !== undefined && { id }),
    ...(sent?.retry !== undefined && { retry: sent.retry }),
    ...(sent?.once !== undefined && { once: sent.once }),
    ...(sent?.from !== undefined && { from: sent.from }),
    ...(envelope.trace !== undefined && { trace: envelope.trace }),
    ...(compiled.complete && { mail: envelope }),
    ...(draft.events.length > 0 && { events: draft.events }),
    ...(notEmpty(draft.timers) && { timers: draft.timers }),
    ...(draft.cancelled.length > 0 && { cancelled: draft.cancelled }),
    ...(notEmpty(draft.started) && { started: draft.started }),
    ...(draft.ended.length > 0 && { ended: draft.ended }),
    ...(notEmpty(draft.recorded) && { answers: draft.recorded }),
    ...(draft.stopped && { stopped: true as const })
  }
}

const notEmpty = (record: object): boolean => {
  for (const _ in record) return true
  return false
}

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
export const addAll = (builder: StepBuilder, operations: Operations): void => {
  addUnscheduling(builder)
  for (const operation of operations) {
    if (operation.op !== "reply" && operation.op !== "refuse") builder.effective = true
    add(builder, operation)
  }
  if (builder.stopped) addStop(builder)
}

/** First of all: a timer of the same name that the step sets comes after it, and takes its place. */
const addUnscheduling = ({ envelope, entries, self: owner }: StepBuilder): void => {
  if (envelope.kind !== "timer" || envelope.scheduled !== true) return
  entries.push({ kind: "untimer", owner, name: envelope.name, fired: true })
}

const add = (builder: StepBuilder, operation: Kinds): void => {
  switch (operation.op) {
    case "persist":
      return addEvent(builder, operation.event)
    case "reply":
      return addReply(builder, "ok", operation.value)
    case "refuse":
      return addReply(builder, "error", operation.error)
    case "answer":
      return addAnswer(builder, operation.to, operation.outcome, operation.body)
    case "send":
      return addSend(builder, operation)
    case "publish": {
      checkSubject(operation.subject)
      const payload = JSON.stringify({ type: operation.type, data: operation.data })
      builder.entries.push({ kind: "event", subject: operation.subject, payload })
      return
    }
    case "timer":
      return addTimer(builder, operation)
    case "cancel":
      return addCancel(builder, operation.name)
    case "activity":
      return addStart(builder, operation.key, operation.activity)
    case "cancelActivity":
      delete builder.started[operation.key]
      builder.ended.push(operation.key)
      return
    case "watch":
      return addWatch(builder, operation.target, operation.message)
    case "unwatch":
      return addWatch(builder, operation.target, undefined)
    case "stop":
      builder.stopped = true
  }
}

const addEvent = (builder: StepBuilder, persisted: unknown): void => {
  const { _tag, ...fields } = persisted as { readonly _tag: string }
  const { compiled, state } = builder
  const data = compiled.encodeEvent(_tag, fields)
  builder.events.push({ _tag, data })
  // From what will be stored, and not from what was said: the state is then the fold of the journal also where a schema
  // does not give back quite what it took.
  const event = compiled.decodeEvent(_tag, data, compiled.version)
  builder.state = inPart("evolve", () => evolveOne(compiled, state, _tag, event))
}

const addReply = (builder: StepBuilder, outcome: "ok" | "error", value: unknown): void => {
  const { replyTo } = builder.context
  if (replyTo === undefined || builder.envelope.kind !== "message") return
  const codec = builder.compiled.messages.get(builder.envelope.message)
  const body = outcome === "ok" ? codec?.encodeReply(value) : codec?.encodeError(value)
  addAnswer(builder, replyTo, outcome, body)
}

const addAnswer = (
  builder: StepBuilder,
  to: { readonly inbox: string; readonly id: string },
  outcome: "ok" | "error",
  body: unknown
): void => {
  builder.recorded[to.id] = { outcome, body }
  builder.answers.push({
    inbox: to.inbox,
    payload: formatReply({ id: to.id, from: formatAddress(builder.self), outcome, body })
  })
}

const addSend = (builder: StepBuilder, send: Extract<Kinds, { op: "send" }>): void =>
  void builder.entries.push(mailOf(builder.self, send, builder.envelope))

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

const addWatch = (builder: StepBuilder, target: Address, message: Own | undefined): void => {
  const fault = addressFault(target)
  if (fault !== undefined) throw fault
  const { type, id, role } = builder.self
  const told = message && { message: message.name, body: builder.compiled.encodeMessage(message.name, message.payload) }
  const mail = { kind: "watch", from: formatAddress({ type, id }), ...(role !== undefined && { role }), ...told }
  const payload = { ...mail, correlation: correlationOf(builder), v: builder.compiled.protocolVersion }
  builder.entries.push({ kind: "mail", to: target, payload: JSON.stringify(payload) })
}

/** What the same step opened is closed with the rest. */
const addStop = (builder: StepBuilder): void => {
  for (const name of Object.keys(builder.timers)) addCancel(builder, name)
  for (const key of Object.keys(builder.started)) delete builder.started[key]
  const closing = closeAll(builder.self, builder.core, correlationOf(builder))
  builder.cancelled.push(...closing.cancelled)
  builder.ended.push(...closing.ended)
  builder.entries.push(...closing.entries)
}

const addTimer = (builder: StepBuilder, { name, at: when, message }: Extract<Kinds, { op: "timer" }>): void => {
  checkSubject(name)
  checkName(name)
  const at = Math.max(0, Math.ceil(when))
  if (!(at <= TIME_MAX)) throw new RangeError(`timer ${name}: ${when} is no time in milliseconds since 1970`)
  const body = builder.compiled.encodeMessage(message.name, message.payload)
  const generation = builder.context.sequence
  const { protocolVersion: v } = builder.compiled
  const firing = {
    kind: "timer",
    name,
    generation,
    message: message.name,
    body,
    correlation: correlationOf(builder),
    v
  }
  builder.timers[name] = at
  builder.entries.push({ kind: "timer", owner: builder.self, name, at, payload: JSON.stringify(firing) })
}

const addCancel = (builder: StepBuilder, name: string): void => {
  checkSubject(name)
  delete builder.timers[name]
  builder.cancelled.push(name)
  builder.entries.push({ kind: "untimer", owner: builder.self, name })
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

const addStart = (builder: StepBuilder, key: string, { name, input }: Start): void => {
  checkName(key)
  const spec = builder.compiled.definition.activities?.[name]
  if (spec === undefined) throw new Error(`${builder.compiled.type} has no activity ${JSON.stringify(name)}`)
  builder.started[key] = { activity: name, input: encoder(spec.input)(input) }
}

const correlationOf = (builder: StepBuilder): string => builder.envelope.correlation

/** The step as it goes into the journal. */
export const toRecord = (builder: StepBuilder, time: number): StepRecord => {
  const { envelope, compiled, context } = builder
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
    ...(builder.events.length > 0 && { events: builder.events }),
    ...(notEmpty(builder.timers) && { timers: builder.timers }),
    ...(builder.cancelled.length > 0 && { cancelled: builder.cancelled }),
    ...(notEmpty(builder.started) && { started: builder.started }),
    ...(builder.ended.length > 0 && { ended: builder.ended }),
    ...(notEmpty(builder.recorded) && { answers: builder.recorded }),
    ...(builder.stopped && { stopped: true as const })
  }
}

const notEmpty = (record: object): boolean => {
  for (const _ in record) return true
  return false
}

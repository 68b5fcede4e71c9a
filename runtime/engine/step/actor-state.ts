import type { Address } from "../../address.ts"
import { NewerVersion } from "../../errors.ts"
import type {
  CommitRecord,
  FailedAnswer,
  OpenActivity,
  RecordedAnswer,
  Snapshot,
  StepRecord,
  Watcher
} from "../../journal.ts"
import type { Compiled } from "./compiled.ts"

type Answer = RecordedAnswer | FailedAnswer

/** The answer that a message id got, if any, and when its message was stored. */
export interface Remembered {
  readonly answer: Answer | null
  readonly time: number
  /** What the key of its message stands for, `key:digest`, if it had one. */
  readonly once: string | undefined
  /** Of the answer as JSON. */
  readonly characters: number
}

/**
 * What the remembered answers of an actor may come to: a snapshot, which holds them, has to fit into a message. The latest is
 * remembered whatever its size.
 */
const REMEMBERED_CHARACTERS_MAX = 262_144

/**
 * One actor in memory: its state, and what the runtime keeps for it.
 *
 * It is only ever changed by `applyStep`, live and in recovery alike, so that it is always what folding the journal gives.
 */
export interface ActorState {
  state: unknown
  /** The sequence of the last message whose effects are in. */
  consumed: number
  /** Open timers and their generations. */
  readonly timers: Map<string, number>
  readonly activities: Map<string, OpenActivity>
  readonly recent: Map<string, Remembered>
  rememberedCharacters: number
  /** When the latest of the messages was stored whose ids are forgotten. One that came later and is not remembered had no effect. */
  forgotten: number
  /** Who wants to be told when it stops, by `type/id`. */
  readonly watchers: Map<string, Watcher>
  /** When the latest parked messages were stored, in milliseconds since 1970: as many as its type's limit counts. */
  readonly failures: Array<number>
  stopped: boolean
  /** What `initial` threw, if it did: there is no state to decide anything against. */
  unborn: { readonly cause: unknown } | undefined
}

/** An actor before its first message. Never throws: mail for an actor that cannot begin has to go somewhere too. */
export const emptyActor = (compiled: Compiled, self: Address): ActorState => {
  const nothing = {
    consumed: 0,
    timers: new Map(),
    activities: new Map(),
    recent: new Map(),
    rememberedCharacters: 0,
    forgotten: 0,
    watchers: new Map(),
    failures: [],
    stopped: false
  }
  try {
    return { ...nothing, state: compiled.definition.initial(self), unborn: undefined }
  } catch (cause) {
    return { ...nothing, state: undefined, unborn: { cause } }
  }
}

/** Takes a step in, with the state that its events lead to. */
export const applyStep = (compiled: Compiled, core: ActorState, step: StepRecord, state: unknown): void => {
  core.state = state
  core.consumed = step.sequence
  for (const name of step.cancelled ?? []) core.timers.delete(name)
  for (const name of Object.keys(step.timers ?? {})) core.timers.set(name, step.sequence)
  for (const key of step.ended ?? []) core.activities.delete(key)
  for (const [key, { activity, input }] of Object.entries(step.started ?? {})) {
    const { sequence: generation, correlation, trace } = step
    core.activities.set(key, { activity, input, generation, correlation, ...(trace !== undefined && { trace }) })
  }
  if (step.id !== undefined) remember(compiled, core, step.id, failureOf(step), step.time, step.once)
  if (step.retry !== undefined) remember(compiled, core, step.retry, null, step.time)
  for (const [id, answer] of Object.entries(step.answers ?? {})) remember(compiled, core, id, answer, step.time)
  for (const watcher of step.unwatched ?? []) core.watchers.delete(watcher)
  for (const [watcher, told] of Object.entries(step.watched ?? {})) core.watchers.set(watcher, told)
  if (step.failure !== undefined) {
    core.failures.push(step.time)
    if (core.failures.length > compiled.failuresKept) core.failures.shift()
  }
  if (step.stopped === true) {
    core.stopped = true
    core.state = null
    core.timers.clear()
    core.activities.clear()
    core.watchers.clear()
  }
}

/** What is said of a message that was parked. */
export const failureOf = ({ parked, message }: Pick<StepRecord, "parked" | "message">): FailedAnswer | null =>
  parked === undefined ? null : { outcome: "failed", body: { message, detail: parked } }

/** The state after events, which are stored as tag and data, written by a version of the actor type. */
export const evolveAll = (
  compiled: Compiled,
  state: unknown,
  events: StepRecord["events"],
  version = compiled.version
): unknown => {
  let next = state
  for (const { _tag, data } of events ?? []) {
    next = evolveOne(compiled, next, _tag, compiled.decodeEvent(_tag, data, version))
  }
  return next
}

export const evolveOne = (compiled: Compiled, state: unknown, tag: string, event: unknown): unknown => {
  const evolve = compiled.definition.evolve[tag]
  if (evolve === undefined) throw new Error(`${compiled.type} cannot evolve with ${tag}`)
  return evolve(state, event)
}

/** Takes a journal record in. Throws `NewerVersion` for one that this process is too old for. */
export const applyRecord = (compiled: Compiled, core: ActorState, record: CommitRecord): void => {
  const { version: known } = compiled
  const version = record.v ?? 1
  if (version > known) throw new NewerVersion({ what: `the journal of ${compiled.type}`, version, known })
  if (record.snapshot !== undefined) return restore(compiled, core, record.snapshot, version)
  for (const step of record.steps)
    applyStep(compiled, core, step, evolveAll(compiled, core.state, step.events, version))
}

export const takeSnapshot = (compiled: Compiled, core: ActorState): Snapshot => ({
  state: core.stopped ? null : compiled.encodeState(core.state),
  consumed: core.consumed,
  timers: Object.fromEntries(core.timers),
  activities: Object.fromEntries(core.activities),
  ...recentOf(core),
  ...onceOf(core),
  ...(core.forgotten > 0 && { forgotten: core.forgotten }),
  ...(core.watchers.size > 0 && { watchers: Object.fromEntries(core.watchers) }),
  ...(core.failures.length > 0 && { failures: core.failures }),
  ...(core.stopped && { stopped: true as const })
})

/** Older versions know no failed answers among the recent ones. */
const recentOf = (core: ActorState): Pick<Snapshot, "recent" | "failed"> => {
  const failed: Array<readonly [string, unknown]> = []
  const recent = Array.from(core.recent, ([id, { answer, time }]) => {
    if (answer?.outcome !== "failed") return [id, answer, time] as const
    failed.push([id, answer.body])
    return [id, null, time] as const
  })
  return failed.length === 0 ? { recent } : { recent, failed: Object.fromEntries(failed) }
}

const onceOf = ({ recent }: ActorState): Pick<Snapshot, "once"> => {
  const once: Record<string, string> = {}
  for (const [id, remembered] of recent) if (remembered.once !== undefined) once[id] = remembered.once
  return Object.keys(once).length > 0 ? { once } : {}
}

const restore = (compiled: Compiled, core: ActorState, snapshot: Snapshot, version: number): void => {
  core.stopped = snapshot.stopped === true
  core.state = core.stopped ? null : compiled.decodeState(snapshot.state, version)
  core.unborn = undefined
  core.consumed = snapshot.consumed
  replaceAll(core.timers, Object.entries(snapshot.timers))
  replaceAll(core.activities, Object.entries(snapshot.activities))
  core.recent.clear()
  core.rememberedCharacters = 0
  core.forgotten = snapshot.forgotten ?? 0
  const failed = new Map(Object.entries(snapshot.failed ?? {}))
  for (const [id, answer, time] of snapshot.recent) {
    const told = failed.has(id) ? ({ outcome: "failed", body: failed.get(id) } as const) : answer
    put(core, id, told, time, snapshot.once?.[id])
  }
  replaceAll(core.watchers, Object.entries(snapshot.watchers ?? {}))
  core.failures.splice(0, core.failures.length, ...(snapshot.failures ?? []))
}

const replaceAll = <K, V>(map: Map<K, V>, entries: Iterable<readonly [K, V]>): void => {
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}

/** Time is that of the messages: what is remembered then is the same wherever the journal is read. */
const remember = (
  compiled: Compiled,
  core: ActorState,
  id: string,
  answer: Answer | null,
  messageTime: number,
  once = core.recent.get(id)?.once
): void => {
  forget(core, id) // so that it counts as the latest
  put(core, id, answer, messageTime, once)
  const oldest = messageTime - compiled.rememberMillis
  for (const [each, { time }] of core.recent) {
    const fits = core.recent.size <= compiled.rememberCount && core.rememberedCharacters <= REMEMBERED_CHARACTERS_MAX
    if ((fits && time >= oldest) || core.recent.size === 1) break
    core.forgotten = Math.max(core.forgotten, time)
    forget(core, each)
  }
}

const put = (core: ActorState, id: string, answer: Answer | null, time: number, once: string | undefined): void => {
  const characters = answer === null ? 0 : JSON.stringify(answer).length
  core.recent.set(id, { answer, time, once, characters })
  core.rememberedCharacters += characters
}

const forget = (core: ActorState, id: string): void => {
  core.rememberedCharacters -= core.recent.get(id)?.characters ?? 0
  core.recent.delete(id)
}

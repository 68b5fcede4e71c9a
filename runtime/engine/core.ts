import type { Address } from "../address.ts"
import type { CommitRecord, OpenActivity, RecordedAnswer, Snapshot, StepRecord } from "../journal.ts"
import type { Compiled } from "./compiled.ts"

/** How many message ids with their answers an actor remembers. */
export const RECENT_MAX = 256

/**
 * One actor in memory: its state, and what the runtime keeps for it.
 *
 * It is only ever changed by `applyStep`, live and in recovery alike, so that it is always what folding the journal gives.
 */
export interface Core {
  state: unknown
  /** The sequence of the last message whose effects are in. */
  consumed: number
  /** Open timers and their generations. */
  readonly timers: Map<string, number>
  readonly activities: Map<string, OpenActivity>
  readonly recent: Map<string, RecordedAnswer | null>
  /** What `initial` threw, if it did: there is no state to decide anything against. */
  readonly unborn: { readonly cause: unknown } | undefined
}

/** An actor before its first message. Never throws: mail for an actor that cannot begin has to go somewhere too. */
export const emptyCore = (compiled: Compiled, self: Address): Core => {
  const nothing = { consumed: 0, timers: new Map(), activities: new Map(), recent: new Map() }
  try {
    return { ...nothing, state: compiled.definition.initial(self), unborn: undefined }
  } catch (cause) {
    return { ...nothing, state: undefined, unborn: { cause } }
  }
}

/** Takes a step in, with the state that its events lead to. */
export const applyStep = (core: Core, step: StepRecord, state: unknown): void => {
  core.state = state
  core.consumed = step.sequence
  for (const name of step.cancelled ?? []) core.timers.delete(name)
  for (const name of Object.keys(step.timers ?? {})) core.timers.set(name, step.sequence)
  for (const key of step.ended ?? []) core.activities.delete(key)
  for (const [key, { activity, input }] of Object.entries(step.started ?? {})) {
    core.activities.set(key, { activity, input, generation: step.sequence, correlation: step.correlation })
  }
  if (step.id !== undefined) remember(core, step.id, null)
  for (const [id, answer] of Object.entries(step.answers ?? {})) remember(core, id, answer)
}

/** The state after events, which are stored as tag and data. */
export const evolveAll = (compiled: Compiled, state: unknown, events: StepRecord["events"]): unknown => {
  let next = state
  for (const { _tag, data } of events ?? []) {
    next = evolveOne(compiled, next, _tag, compiled.decodeEvent(_tag, data))
  }
  return next
}

export const evolveOne = (compiled: Compiled, state: unknown, tag: string, event: unknown): unknown => {
  const evolve = compiled.definition.evolve[tag]
  if (evolve === undefined) throw new Error(`${compiled.type} cannot evolve with ${tag}`)
  return evolve(state, event)
}

/** Takes a journal record in. */
export const applyRecord = (compiled: Compiled, core: Core, record: CommitRecord): void => {
  if (record.snapshot !== undefined) return restore(compiled, core, record.snapshot)
  for (const step of record.steps) applyStep(core, step, evolveAll(compiled, core.state, step.events))
}

export const takeSnapshot = (compiled: Compiled, core: Core): Snapshot => ({
  state: compiled.encodeState(core.state),
  consumed: core.consumed,
  timers: Object.fromEntries(core.timers),
  activities: Object.fromEntries(core.activities),
  recent: [...core.recent]
})

const restore = (compiled: Compiled, core: Core, snapshot: Snapshot): void => {
  core.state = compiled.decodeState(snapshot.state)
  core.consumed = snapshot.consumed
  replaceAll(core.timers, Object.entries(snapshot.timers))
  replaceAll(core.activities, Object.entries(snapshot.activities))
  replaceAll(core.recent, snapshot.recent)
}

const replaceAll = <K, V>(map: Map<K, V>, entries: Iterable<readonly [K, V]>): void => {
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}

const remember = (core: Core, id: string, answer: RecordedAnswer | null): void => {
  core.recent.delete(id) // so that it counts as the latest
  core.recent.set(id, answer)
  if (core.recent.size > RECENT_MAX) {
    for (const oldest of core.recent.keys()) {
      core.recent.delete(oldest)
      break
    }
  }
}

import { canonical } from "../canonical-json.ts"
import type { ActorState } from "../engine/step/actor-state.ts"
import { takeSnapshot } from "../engine/step/actor-state.ts"
import type { Compiled } from "../engine/step/compiled.ts"
import { decideMail } from "../engine/step/decide.ts"
import type { Commit } from "../engine/step/decision.ts"
import { park } from "../engine/step/park.ts"
import type { Snapshot, StepRecord } from "../journal.ts"
import type { Entry, LogLimits, Mail } from "../log.ts"

/** Something that the journal has otherwise than it follows now. */
export interface Deviation {
  /** A member of the step's record, such as `events`; `effect` for the step as a whole; `snapshot` for that of its record. */
  readonly what: string
  readonly recorded: unknown
  readonly decided: unknown
}

/** What came of deciding a step's message again. */
export type ReplayVerdict =
  | { readonly verdict: "same" }
  | { readonly verdict: "differs"; readonly deviations: ReadonlyArray<Deviation> }
  | { readonly verdict: "not checked"; readonly why: string }

/** What a log's limits say of sizes was said when the step was stored, and is not said again. */
const LIMITS: LogLimits = {
  payloadBytesMax: Number.MAX_SAFE_INTEGER,
  groupEntriesMax: Number.MAX_SAFE_INTEGER,
  groupBytesMax: Number.MAX_SAFE_INTEGER
}

/** With a `same` verdict, what the step stored besides its record. */
export interface Checked {
  readonly verdict: ReplayVerdict
  readonly entries: ReadonlyArray<Entry>
}

/** Decides a step's message again, against the actor as it was before, and compares. `version` is that of its record. */
export const decideAgain = (
  compiled: Compiled,
  core: ActorState,
  mail: Mail | undefined,
  recorded: StepRecord,
  version: number
): Checked => {
  if (mail === undefined) return unchecked("the message is not in the journal and was removed from the log")
  const verdict = decideMail(compiled, core, mail, LIMITS)
  if (verdict.kind === "newer") return unchecked(verdict.error.message)
  if (verdict.kind === "nothing") {
    return differs([{ what: "effect", recorded: "a step", decided: "none" }])
  }
  const decided = verdict.kind === "commit" ? verdict : park(compiled, core, mail, verdict.failure, 1, LIMITS)
  if (recorded.failure !== undefined && verdict.kind === "commit" && wasForTheLog(recorded)) {
    return unchecked("it was parked for what the log said of its step, which is not kept")
  }
  const deviations = compare(compiled, recorded, decided, version)
  return deviations.length > 0 ? differs(deviations) : { verdict: { verdict: "same" }, entries: decided.entries }
}

/** What of a record's snapshot the steps up to it do not lead to. */
export const snapshotDeviations = (
  compiled: Compiled,
  core: ActorState,
  snapshot: Snapshot,
  version: number
): ReadonlyArray<Deviation> => {
  const folded: Snapshot = takeSnapshot(compiled, core)
  const state = snapshot.stopped === true ? null : compiled.encodeState(compiled.decodeState(snapshot.state, version))
  return SNAPSHOT_MEMBERS.flatMap((name) => {
    const recorded = name === "state" ? state : snapshot[name]
    return same(recorded, folded[name]) ? [] : [{ what: `snapshot.${name}`, recorded, decided: folded[name] }]
  })
}

/** Without the ids that are remembered: how many they are is a setting of the type. */
const SNAPSHOT_MEMBERS = ["state", "consumed", "timers", "activities", "watchers", "stopped"] as const

const STEP_MEMBERS = [
  "message",
  "id",
  "from",
  "correlation",
  "events",
  "timers",
  "cancelled",
  "started",
  "ended",
  "answers",
  "watched",
  "unwatched",
  "stopped",
  "parked",
  "failure"
] as const

const compare = (
  compiled: Compiled,
  recorded: StepRecord,
  decided: Commit,
  version: number
): ReadonlyArray<Deviation> =>
  STEP_MEMBERS.flatMap((name) => {
    // Older versions did not keep the id of a message that they parked.
    if (name === "id" && recorded.parked !== undefined && recorded.id === undefined) return []
    const one = name === "events" ? upcast(compiled, recorded.events, version) : recorded[name]
    const other = decided.step[name]
    // In which order timers and activities are closed is of no effect, and not kept by a snapshot.
    const [first, second] = name === "cancelled" || name === "ended" ? [sorted(one), sorted(other)] : [one, other]
    return same(first, second) ? [] : [{ what: name, recorded: one, decided: other }]
  })

/** Events of an older version as this one would have written them. */
const upcast = (compiled: Compiled, events: StepRecord["events"], version: number): StepRecord["events"] =>
  version === compiled.version
    ? events
    : events?.map(({ _tag, data }) => ({
        _tag,
        data: compiled.encodeEvent(_tag, compiled.decodeEvent(_tag, data, version))
      }))

const sorted = (list: unknown): unknown => (Array.isArray(list) ? list.toSorted() : list)

const same = (one: unknown, other: unknown): boolean => canonical(one) === canonical(other)

const wasForTheLog = ({ failure, parked }: StepRecord): boolean =>
  failure === "size" || parked?.startsWith("the log refused") === true

const unchecked = (why: string): Checked => ({ verdict: { verdict: "not checked", why }, entries: [] })

const differs = (deviations: ReadonlyArray<Deviation>): Checked => ({
  verdict: { verdict: "differs", deviations },
  entries: []
})

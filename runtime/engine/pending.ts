import type { Entry, Mail } from "../log.ts"
import type { Timer } from "./due.ts"
import type { Commit, OutgoingAnswer } from "./verdict.ts"

/** Consecutive steps of one actor that become one journal record and leave in one group. */
export interface Pending {
  readonly mails: Array<Mail>
  readonly steps: Array<string>
  readonly entries: Array<Entry>
  readonly answers: Array<OutgoingAnswer>
  /** Keys of activities that the steps started, each with its generation, and that they ended, in order. */
  readonly started: Map<string, number>
  readonly ended: Array<string>
  /** The last that the steps said of timers, by name: set, or not any more. */
  readonly timers: Map<string, Timer | undefined>
  /** The message that the last step decided. */
  stepSequence: number
  /** Size of the steps and of the entries, in characters. */
  stepCharacters: number
  entryCharacters: number
}

/** What the node knows of the time at which timers are due. */
export interface Timing {
  /** When a timer is due by the node's clock that is due `at` by the log's, and that a step of a message of that time sets. */
  readonly dueAt: (at: number, messageTime: number) => number
  /** How much later the log may fire it, since the node does in time; nothing where it is the log's. */
  readonly graceOf: (at: number, due: number) => number | undefined
}

/** A record takes further steps up to these sizes, so that what was decided fast leaves together and still in time. */
const ENTRIES_MAX = 250
const STEPS_MAX = 1_000
const STEP_CHARACTERS_MAX = 64 * 1024
const ENTRY_CHARACTERS_MAX = 512 * 1024

export const emptyPending = (): Pending => ({
  mails: [],
  steps: [],
  entries: [],
  answers: [],
  started: new Map(),
  ended: [],
  timers: new Map(),
  stepSequence: 0,
  stepCharacters: 0,
  entryCharacters: 0
})

/** What a record and what leaves with it come to, snapshot aside. */
export interface Size {
  readonly entries: number
  readonly characters: number
}

export const sizeOf = (pending: Pending): Size => ({
  entries: pending.entries.length + 1,
  characters: pending.stepCharacters + pending.entryCharacters
})

/** Whether a record should be sent before another step is decided. */
export const isFull = (pending: Pending): boolean =>
  pending.steps.length >= STEPS_MAX ||
  pending.entries.length >= ENTRIES_MAX ||
  pending.stepCharacters >= STEP_CHARACTERS_MAX ||
  pending.entryCharacters >= ENTRY_CHARACTERS_MAX

/** Whether a commit still fits beside what is there. */
export const fits = (pending: Pending, commit: Commit, groupEntriesMax: number): boolean =>
  pending.steps.length === 0 ||
  (pending.entries.length + commit.entries.length < groupEntriesMax &&
    pending.stepCharacters + commit.text.length < STEP_CHARACTERS_MAX * 2 &&
    pending.entryCharacters + charactersOf(commit.entries) < ENTRY_CHARACTERS_MAX * 2)

export const addCommit = (pending: Pending, mail: Mail, commit: Commit, timing: Timing): void => {
  pending.mails.push(mail)
  pending.steps.push(commit.text)
  pending.stepSequence = mail.sequence
  pending.stepCharacters += commit.text.length
  for (const entry of commit.entries) addEntry(pending, entry, mail, timing)
  pending.entryCharacters += charactersOf(commit.entries)
  for (const answer of commit.answers) pending.answers.push(answer)
  for (const key of Object.keys(commit.step.started ?? {})) pending.started.set(key, mail.sequence)
  if (commit.step.ended !== undefined) pending.ended.push(...commit.step.ended)
}

/**
 * Of one timer only the last word is kept: the server takes one message a timer in a batch, and of two that were set in
 * one step the first to fire would count.
 */
const addEntry = (pending: Pending, entry: Entry, mail: Mail, timing: Timing): void => {
  if (!isOfTimer(entry)) return void pending.entries.push(entry)
  const earlier = pending.entries.findIndex((each) => isOfTimer(each) && each.name === entry.name)
  if (earlier >= 0) pending.entries.splice(earlier, 1)
  if (entry.kind === "untimer") {
    pending.timers.set(entry.name, undefined)
    return void pending.entries.push(entry)
  }
  const due = timing.dueAt(entry.at, mail.time)
  const graceMillis = timing.graceOf(entry.at, due)
  pending.timers.set(entry.name, { due, payload: entry.payload, postponed: graceMillis !== undefined })
  pending.entries.push(graceMillis === undefined ? entry : { ...entry, graceMillis })
}

type JournalEntry = Extract<Entry, { kind: "journal" }>
type Untimer = Extract<Entry, { kind: "untimer" }>

const isFired = (entry: Entry): entry is Untimer => entry.kind === "untimer" && entry.fired === true

/** A record and what leaves with it. The schedule of one timer that was fired before the log did so needs no message of its own. */
export const groupOf = (record: JournalEntry, { entries }: Pending): ReadonlyArray<Entry> => {
  const fired = entries.find(isFired)
  if (fired === undefined) return [record, ...entries]
  return [{ ...record, unschedules: fired.name }, ...entries.filter((entry) => entry !== fired)]
}

const isOfTimer = (entry: Entry): entry is Extract<Entry, { kind: "timer" | "untimer" }> =>
  entry.kind === "timer" || entry.kind === "untimer"

const charactersOf = (entries: ReadonlyArray<Entry>): number => {
  let characters = 0
  for (const entry of entries) if ("payload" in entry) characters += entry.payload.length
  return characters
}

import type { Entry, Mail } from "../log.ts"
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
  /** Timers that the steps set and that are due soon, by name. */
  readonly soon: Map<string, SoonDue>
  /** The message that the last step decided. */
  stepSequence: number
  /** Size of the steps and of the entries, in characters. */
  stepCharacters: number
  entryCharacters: number
}

/** A timer that is due too soon for the log to fire it in time. */
export interface SoonDue {
  /** The sequence of the message whose step set it. */
  readonly generation: number
  /** How long after that message it is due. */
  readonly millis: number
  readonly payload: string
}

/** Timers that are due no later than this after they are set: a server takes up to 300 milliseconds to fire one. */
const SOON_MILLIS = 1_000

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
  soon: new Map(),
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

export const addCommit = (pending: Pending, mail: Mail, commit: Commit): void => {
  pending.mails.push(mail)
  pending.steps.push(commit.text)
  pending.stepSequence = mail.sequence
  pending.stepCharacters += commit.text.length
  for (const entry of commit.entries) addEntry(pending, entry, mail)
  pending.entryCharacters += charactersOf(commit.entries)
  for (const answer of commit.answers) pending.answers.push(answer)
  for (const key of Object.keys(commit.step.started ?? {})) pending.started.set(key, mail.sequence)
  if (commit.step.ended !== undefined) pending.ended.push(...commit.step.ended)
}

/**
 * Of one timer only the last word is kept: the server takes one message a timer in a batch, and of two that were set in
 * one step the first to fire would count.
 */
const addEntry = (pending: Pending, entry: Entry, mail: Mail): void => {
  if (isTimer(entry)) {
    const earlier = pending.entries.findIndex((each) => isTimer(each) && each.name === entry.name)
    if (earlier >= 0) pending.entries.splice(earlier, 1)
    addSoon(pending, entry, mail)
  }
  pending.entries.push(entry)
}

/** Counted from the message's own time, which is the log's: the clock of this process may be another. */
const addSoon = (pending: Pending, entry: Timer, { time, sequence: generation }: Mail): void => {
  pending.soon.delete(entry.name)
  if (entry.kind !== "timer" || entry.at - time > SOON_MILLIS) return
  pending.soon.set(entry.name, { generation, millis: Math.max(0, entry.at - time), payload: entry.payload })
}

type Timer = Extract<Entry, { kind: "timer" | "untimer" }>

const isTimer = (entry: Entry): entry is Timer => entry.kind === "timer" || entry.kind === "untimer"

const charactersOf = (entries: ReadonlyArray<Entry>): number => {
  let characters = 0
  for (const entry of entries) if ("payload" in entry) characters += entry.payload.length
  return characters
}

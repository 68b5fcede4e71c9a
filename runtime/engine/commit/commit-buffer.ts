import type { Entry, Mail } from "../../log.ts"
import type { Commit, OutgoingAnswer } from "../step/decision.ts"
import type { Timer } from "./node-timers.ts"

/** What a record and what leaves with it come to, snapshot aside. */
export interface Size {
  readonly entries: number
  readonly characters: number
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

/** Consecutive steps of one actor that become one journal record and leave in one group. */
export class CommitBuffer {
  readonly mails: Array<Mail> = []
  readonly steps: Array<string> = []
  readonly entries: Array<Entry> = []
  readonly answers: Array<OutgoingAnswer> = []
  /** Keys of activities that the steps started, each with its generation, and that they ended, in order. */
  readonly started = new Map<string, number>()
  readonly ended: Array<string> = []
  /** The last that the steps said of timers, by name: set, or not any more. */
  readonly timers = new Map<string, Timer | undefined>()
  /** The message that the last step decided. */
  stepSequence = 0
  /** Size of the steps and of the entries, in characters. */
  stepCharacters = 0
  entryCharacters = 0

  /** What its record and what leaves with it come to, snapshot aside. */
  get size(): Size {
    return { entries: this.entries.length + 1, characters: this.stepCharacters + this.entryCharacters }
  }

  /** Whether a record should be sent before another step is decided. */
  get isFull(): boolean {
    return (
      this.steps.length >= STEPS_MAX ||
      this.entries.length >= ENTRIES_MAX ||
      this.stepCharacters >= STEP_CHARACTERS_MAX ||
      this.entryCharacters >= ENTRY_CHARACTERS_MAX
    )
  }

  /** Whether a commit still fits beside what is there. */
  fits(commit: Commit, groupEntriesMax: number): boolean {
    return (
      this.steps.length === 0 ||
      (this.entries.length + commit.entries.length < groupEntriesMax &&
        this.stepCharacters + commit.text.length < STEP_CHARACTERS_MAX * 2 &&
        this.entryCharacters + charactersOf(commit.entries) < ENTRY_CHARACTERS_MAX * 2)
    )
  }

  add(mail: Mail, commit: Commit, timing: Timing): void {
    this.mails.push(mail)
    this.steps.push(commit.text)
    this.stepSequence = mail.sequence
    this.stepCharacters += commit.text.length
    for (const entry of commit.entries) this.#addEntry(entry, mail, timing)
    this.entryCharacters += charactersOf(commit.entries)
    for (const answer of commit.answers) this.answers.push(answer)
    for (const key of Object.keys(commit.step.started ?? {})) this.started.set(key, mail.sequence)
    if (commit.step.ended !== undefined) this.ended.push(...commit.step.ended)
  }

  /** A message without a step: its answers tell of what was decided before it. */
  addAnswers(mail: Mail, answers: ReadonlyArray<OutgoingAnswer>): void {
    this.mails.push(mail)
    for (const answer of answers) this.answers.push(answer)
  }

  /** A record and what leaves with it. The schedule of one timer that was fired before the log did so needs no message of its own. */
  groupOf(record: JournalEntry): ReadonlyArray<Entry> {
    const fired = this.entries.find(isFired)
    if (fired === undefined) return [record, ...this.entries]
    return [{ ...record, unschedules: fired.name }, ...this.entries.filter((entry) => entry !== fired)]
  }

  /**
   * Of one timer only the last word is kept: the server takes one message a timer in a batch, and of two that were set in
   * one step the first to fire would count.
   */
  #addEntry(entry: Entry, mail: Mail, timing: Timing): void {
    if (!isOfTimer(entry)) return void this.entries.push(entry)
    const earlier = this.entries.findIndex((each) => isOfTimer(each) && each.name === entry.name)
    if (earlier >= 0) this.entries.splice(earlier, 1)
    if (entry.kind === "untimer") {
      this.timers.set(entry.name, undefined)
      return void this.entries.push(entry)
    }
    const due = timing.dueAt(entry.at, mail.time)
    const graceMillis = timing.graceOf(entry.at, due)
    this.timers.set(entry.name, { due, payload: entry.payload, postponed: graceMillis !== undefined })
    this.entries.push(graceMillis === undefined ? entry : { ...entry, graceMillis })
  }
}

type JournalEntry = Extract<Entry, { kind: "journal" }>
type Untimer = Extract<Entry, { kind: "untimer" }>

const isFired = (entry: Entry): entry is Untimer => entry.kind === "untimer" && entry.fired === true

const isOfTimer = (entry: Entry): entry is Extract<Entry, { kind: "timer" | "untimer" }> =>
  entry.kind === "timer" || entry.kind === "untimer"

const charactersOf = (entries: ReadonlyArray<Entry>): number => {
  let characters = 0
  for (const entry of entries) if ("payload" in entry) characters += entry.payload.length
  return characters
}

import type { NewerVersion } from "../../errors.ts"
import type { StepRecord } from "../../journal.ts"
import type { Entry } from "../../log.ts"
import type { StepFailure } from "./failure.ts"

/** An answer on its way to an asker; it leaves after the commit. */
export interface OutgoingAnswer {
  readonly inbox: string
  readonly payload: string
}

/** A step to be committed: its record, the state after it, and what is stored or sent with it. */
export interface Commit {
  readonly kind: "commit"
  readonly step: StepRecord
  /** The record as JSON. */
  readonly text: string
  readonly state: unknown
  readonly entries: ReadonlyArray<Entry>
  readonly answers: ReadonlyArray<OutgoingAnswer>
}

/** Nothing to record. Answers may tell of what is not yet committed, so they wait for that. */
export interface Nothing {
  readonly kind: "nothing"
  readonly answers: ReadonlyArray<OutgoingAnswer>
}

/** The message cannot be processed: its type's supervision says what now. */
export interface Failed {
  readonly kind: "failed"
  readonly failure: StepFailure
}

/** The message is of a version that this process does not know. */
export interface Newer {
  readonly kind: "newer"
  readonly error: NewerVersion
}

export type Decision = Commit | Nothing | Failed | Newer

import type { Effect } from "effect"
import type { LogReplaced, ReadError } from "../errors.ts"

/** What is known of the log at present. */
export interface LogStatus {
  /** Names the log's present life. In another one sequences are those of other entries. */
  readonly life: string
  /** The newest sequence that this process knows to be stored. */
  readonly lastSequence: number
  /**
   * How often the log lost the newest of what it had delivered, and had confirmed to nobody: what comes next has sequences
   * that were seen before.
   */
  readonly rewinds: number
  /** The log is known to be in another life than this process started with: nothing is stored. It may pass. */
  readonly fault: LogReplaced | undefined
  /** When something that this process stored was last confirmed, in milliseconds since 1970; nothing if none was. */
  readonly confirmedAt: number | undefined
}

/** Whether the log is there, and the one that it was. */
export interface LogHealth {
  /** What is known now: it changes by itself. */
  readonly status: LogStatus

  /** Succeeds if the log answers now, is the one that it was, and stored what this process sent lately. */
  readonly check: Effect.Effect<void, ReadError>
}

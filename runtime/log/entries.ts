import type { Address } from "../address.ts"

/**
 * One thing to store. Payloads are JSON texts.
 *
 * - `mail`: a message into an actor's mailbox.
 * - `journal`: an actor's record. Stored only if the last record of that actor has the sequence `expected` (0: none).
 *   One with a `snapshot` holds the actor whole, so that reading starts there; with `truncate` the earlier ones go. `unschedules` names a
 *   timer of that actor whose schedule goes with it.
 * - `timer`: puts `payload` into the mailbox of `owner` at the time `at` (milliseconds since 1970; in the past: at once), or
 *   `graceMillis` later: a node does it in time, if it is still there. A second one of the same name replaces the first.
 * - `untimer`: removes a timer that has not fired, or the schedule of one that was `fired` before the log did so.
 * - `event`: for the world to see, kept for the time the namespace is configured to keep events.
 * - `dead`: a message that could not be processed, and why.
 */
export type Entry =
  | { readonly kind: "mail"; readonly to: Address; readonly payload: string; readonly id?: string }
  | {
      readonly kind: "journal"
      readonly owner: Address
      readonly payload: string
      readonly expected: number
      readonly snapshot: boolean
      readonly truncate: boolean
      readonly unschedules?: string
    }
  | {
      readonly kind: "timer"
      readonly owner: Address
      readonly name: string
      readonly at: number
      readonly graceMillis?: number
      readonly payload: string
    }
  | { readonly kind: "untimer"; readonly owner: Address; readonly name: string; readonly fired?: true }
  | { readonly kind: "event"; readonly subject: string; readonly payload: string }
  | { readonly kind: "dead"; readonly owner: Address; readonly payload: string }

/** What is sent from outside a step. */
export type Sendable = Extract<Entry, { kind: "mail" | "event" }>

/** A message as it lies in the mailbox. `time` is when it was stored, in milliseconds since 1970. */
export interface Mail {
  readonly to: Address
  readonly shard: string
  readonly sequence: number
  readonly time: number
  readonly payload: string
}

export interface JournalRecord {
  readonly sequence: number
  readonly payload: string
}

/** An event that is stored. `sequence` is its place in the stream. */
export interface PublishedEvent {
  readonly subject: string
  readonly sequence: number
  readonly payload: string
}

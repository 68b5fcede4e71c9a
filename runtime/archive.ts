import { Context, type Effect } from "effect"
import type { Address } from "./address.ts"
import type { ReadError } from "./errors.ts"
import type { JournalRecord } from "./log.ts"

/** An actor that has a journal. */
export interface Journal {
  readonly address: Address
  readonly records: number
}

/** An actor that has mail in the log. Some of it may be done and not removed yet. */
export interface Mailbox {
  readonly address: Address
  readonly messages: number
}

/** What waits for an actor. */
export interface Backlog {
  readonly waiting: number
  /** When the first of it was stored, in milliseconds since 1970. */
  readonly oldest: number | undefined
}

/** A message as it lies in a mailbox. `time` is when it was stored, in milliseconds since 1970. */
export interface StoredMail {
  readonly sequence: number
  readonly time: number
  readonly payload: string
}

/** A dead letter as it is stored. */
export interface StoredLetter {
  readonly owner: Address
  readonly sequence: number
  /** When it was put there, in milliseconds since 1970. */
  readonly time: number
  readonly payload: string
}

/** Where an event lies in the log. `time` is when it was stored, in milliseconds since 1970. */
export interface EventPlace {
  readonly sequence: number
  readonly time: number
}

/** Which actors: all, those of a type, of an id, or one. */
export interface Selection {
  readonly type?: string
  readonly id?: string
}

/** What operators read of the log, and the dead letters that they remove. Nothing here disturbs an actor. */
export class Archive extends Context.Service<
  Archive,
  {
    /**
     * An actor's records that are stored, from after a sequence, oldest first, at most `max`: also those from before a
     * snapshot.
     */
    readonly history: (
      owner: Address,
      after: number,
      max: number
    ) => Effect.Effect<ReadonlyArray<JournalRecord>, ReadError>

    /** An actor's mail that is stored, from after a sequence, oldest first, at most `max`: also what is done and not removed yet. */
    readonly mail: (owner: Address, after: number, max: number) => Effect.Effect<ReadonlyArray<StoredMail>, ReadError>

    /** Actors that have a journal, in order of their names, from after `after` (`type/id`), at most `max`. */
    readonly journals: (
      selection: Selection,
      after: string | undefined,
      max: number
    ) => Effect.Effect<ReadonlyArray<Journal>, ReadError>

    /** Actors that have mail, in order of their names, from after `after` (`type/id`), at most `max`. */
    readonly mailboxes: (
      selection: Selection,
      after: string | undefined,
      max: number
    ) => Effect.Effect<ReadonlyArray<Mailbox>, ReadError>

    /** How many messages of an actor are stored after a sequence. */
    readonly backlog: (owner: Address, after: number) => Effect.Effect<Backlog, ReadError>

    /** An actor's timers that have not fired, by name: when they will, in milliseconds since 1970. At most 10,000 of them. */
    readonly timers: (owner: Address) => Effect.Effect<ReadonlyMap<string, number>, ReadError>

    /** Dead letters, oldest first, from after a sequence, at most `max`. */
    readonly letters: (
      selection: Selection,
      after: number,
      max: number
    ) => Effect.Effect<ReadonlyArray<StoredLetter>, ReadError>

    /** One dead letter. Nothing, if there is none of that sequence: a sequence of anything else is none. */
    readonly letter: (sequence: number) => Effect.Effect<StoredLetter | undefined, ReadError>

    /** Removes a dead letter for good. False if there is none of that sequence. */
    readonly drop: (sequence: number) => Effect.Effect<boolean, ReadError>

    /** Removes all that is stored of an actor but its mail, timers and dead letters: it is as if it had never been. */
    readonly forget: (owner: Address) => Effect.Effect<void, ReadError>

    /** The oldest event that is kept; nothing if there is none. */
    readonly oldestEvent: Effect.Effect<EventPlace | undefined, ReadError>

    /** The first event at or after a sequence; nothing if there is none. */
    readonly eventFrom: (sequence: number) => Effect.Effect<EventPlace | undefined, ReadError>

    /** Removes all events up to and including a sequence. */
    readonly forgetEvents: (upTo: number) => Effect.Effect<void, ReadError>
    /** Removes a message of an actor from its mailbox for good. False if it has none of that sequence. */
    readonly dropMail: (owner: Address, sequence: number) => Effect.Effect<boolean, ReadError>

    /** The sequence of the newest entry in the log: everything that is stored by now is at or before it. */
    readonly newest: Effect.Effect<number, ReadError>
  }
>()("conclave/runtime/Archive") {}

/** What of the archive only reads. */
export type ArchiveReads = Omit<Archive["Service"], "drop" | "dropMail" | "forget" | "forgetEvents">

import { Context, type Effect } from "effect"
import type { Address } from "./address.ts"
import type { ReadError } from "./errors.ts"
import type { JournalRecord } from "./log.ts"

/** An actor that has a journal. */
export interface Journal {
  readonly address: Address
  readonly records: number
}

/** A dead letter as it is stored. */
export interface StoredLetter {
  readonly owner: Address
  readonly sequence: number
  /** When it was put there, in milliseconds since 1970. */
  readonly time: number
  readonly payload: string
}

/** Which dead letters or journals: of all actors, of a type, or of one actor. */
export interface Selection {
  readonly type?: string
  readonly id?: string
}

/** What operators read of the log, and the dead letters that they remove. Nothing here disturbs an actor. */
export class Archive extends Context.Service<
  Archive,
  {
    /** All of an actor's records that are stored, oldest first, also those from before a snapshot. */
    readonly history: (owner: Address) => Effect.Effect<ReadonlyArray<JournalRecord>, ReadError>

    /** Actors that have a journal, in order of their names, from after `after` (`type/id`), at most `max`. */
    readonly journals: (
      selection: Selection,
      after: string | undefined,
      max: number
    ) => Effect.Effect<ReadonlyArray<Journal>, ReadError>

    /** How many messages of an actor are stored after a sequence, and when the first of them was, in milliseconds since 1970. */
    readonly backlog: (
      owner: Address,
      after: number
    ) => Effect.Effect<{ readonly waiting: number; readonly oldest: number | undefined }, ReadError>

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
  }
>()("conclave/runtime/Archive") {}

import type { Effect, Scope } from "effect"
import type { Address } from "../address.ts"
import type { AppendError, ReadError } from "../errors.ts"
import type { Entry, JournalRecord, Mail, PublishedEvent } from "./entries.ts"

/** What the log can take. Sizes in bytes. */
export interface LogLimits {
  readonly payloadBytesMax: number
  readonly groupEntriesMax: number
  readonly groupBytesMax: number
}

/** What is stored: groups of entries in, journals, mail and events out. */
export interface LogStorage {
  readonly limits: LogLimits

  /** How many shards the mailboxes of each role are divided into; fixed for the life of the namespace. */
  readonly shards: number

  /**
   * Stores a group: all of it, in order, or nothing. At most one `journal` entry per actor.
   *
   * `id` names the group: the same id again within the server's window fails with `AlreadyStored`.
   * `LogUnavailable` means that it may or may not be stored.
   *
   * @returns the sequence of the last entry; the ones before it have the sequences before that.
   */
  readonly append: (group: ReadonlyArray<Entry>, id?: string) => Effect.Effect<number, AppendError>

  /** An actor's records, oldest first: from a snapshot on, or all of them. */
  readonly readJournal: (owner: Address) => Effect.Effect<ReadonlyArray<JournalRecord>, ReadError>

  /**
   * Delivers the mail of some shards in order of sequence, each from after the sequence given (0: from the oldest that
   * is stored), and then for ever, until the scope closes. Returns at once. Where `deliver` returns an effect, it waits for that first.
   *
   * While there is no mail of these shards, `reached` is told now and then up to which sequence there was none but what
   * was delivered.
   */
  readonly tail: (
    after: ReadonlyMap<string, number>,
    deliver: (mail: Mail) => Effect.Effect<void> | undefined,
    reached?: (sequence: number) => void
  ) => Effect.Effect<void, never, Scope.Scope>

  /**
   * An actor's mail after a sequence, oldest first, at most `max` messages of it, fewer where they are large: none only
   * if there is none. What is stored while it reads may be missing.
   */
  readonly readMail: (owner: Address, after: number, max: number) => Effect.Effect<ReadonlyArray<Mail>, ReadError>

  /**
   * Removes the mail of a role's actors up to and including a sequence. There is no purge of a single shard: the server
   * looks at every message in between either way.
   */
  readonly purge: (upTo: number, role: string) => Effect.Effect<void, ReadError>

  /** How many messages lie in the mailboxes of a role's actors, by `type/id`. */
  readonly mailboxes: (role: string) => Effect.Effect<ReadonlyMap<string, number>, ReadError>

  /** Removes the mail of a role's actors of one type up to and including a sequence, but that of some of them, by their ids. */
  readonly purgeType: (
    upTo: number,
    role: string,
    type: string,
    except: ReadonlySet<string>
  ) => Effect.Effect<void, ReadError>

  /** Calls `see` for each event under a subject pattern that is stored from now on, until the scope closes. */
  readonly watch: (pattern: string, see: (event: PublishedEvent) => void) => Effect.Effect<void, ReadError, Scope.Scope>
}

import { Context, type Effect, Layer, type Scope } from "effect"
import type { Address } from "./address.ts"
import type { AppendError, LogReplaced, ReadError } from "./errors.ts"

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

/** What the log can take. Sizes in bytes. */
export interface LogLimits {
  readonly payloadBytesMax: number
  readonly groupEntriesMax: number
  readonly groupBytesMax: number
}

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

/**
 * Where everything durable is: mailboxes, journals, timers, events. The runtime cannot tell which implementation it has.
 *
 * Sequences are those of one stream: they grow with every entry stored, and order all entries.
 */
export class ActorLog extends Context.Service<
  ActorLog,
  {
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
    readonly watch: (
      pattern: string,
      see: (event: PublishedEvent) => void
    ) => Effect.Effect<void, ReadError, Scope.Scope>

    /** What is known now: it changes by itself. */
    readonly status: LogStatus

    /** Succeeds if the log answers now, is the one that it was, and stored what this process sent lately. */
    readonly check: Effect.Effect<void, ReadError>

    /** An id that nobody has been given before, in any process. */
    readonly newId: () => string

    /** Where answers to this process's asks go. */
    readonly inbox: string

    /** Sends an answer to an inbox. At most once: it is lost if nobody is there. */
    readonly answer: (inbox: string, payload: string) => void

    /** Says something to every process of the namespace. At most once: who does not listen now does not hear it. */
    readonly broadcast: (payload: string) => void

    /** Calls `hear` for each broadcast, until the scope closes. */
    readonly broadcasts: (hear: (payload: string) => void) => Effect.Effect<void, ReadError, Scope.Scope>

    /** Calls `take` for each answer that comes to our inbox, until the scope closes. */
    readonly answers: (take: (payload: string) => void) => Effect.Effect<void, ReadError, Scope.Scope>
  }
>()("conclave/runtime/ActorLog") {}

type Seen = "limits" | "watch" | "status" | "check" | "newId" | "inbox" | "broadcasts" | "answers"

/**
 * What a process needs of the log that only talks to actors: part of `ActorLog`, or the same through nodes, for a process that may not
 * touch what is stored. Nothing in it tells which.
 */
export class ClientLog extends Context.Service<
  ClientLog,
  Pick<ActorLog["Service"], Seen> & {
    /** As that of `ActorLog`, for what is sent from outside a step. Events may be refused to who is no node. */
    readonly append: (group: ReadonlyArray<Sendable>, id?: string) => Effect.Effect<number, AppendError>
  }
>()("conclave/runtime/ClientLog") {
  /** That of who may touch what is stored. */
  static readonly inside: Layer.Layer<ClientLog, never, ActorLog> = Layer.effect(this, ActorLog)
}

import type { Address } from "../../address.ts"
import type { NewerVersion } from "../../errors.ts"
import type { LogLimits, Mail } from "../../log.ts"
import type { Effects } from "../commit/after-commit.ts"
import type { Timing } from "../commit/commit-buffer.ts"
import type { Snapshots } from "../commit/journal-writer.ts"

/** What an activation works with on its node: each by the members that it uses. */
export interface Collaborators<A> {
  readonly limits: LogLimits
  readonly clock: NodeClock
  readonly right: DecisionRight
  readonly pauses: Pauses
  readonly limiter: Limiter<A>
  readonly watchdog: Watchdog
  readonly reader: Reader<A>
  readonly committer: { readonly add: (activation: A) => void }
  readonly quarantine: Quarantine<A>
  readonly crowding: Crowding
  readonly timing: Timing
  readonly effects: Effects<A>
  readonly snapshots: Snapshots
}

export interface NodeClock {
  /** Milliseconds by a clock that only goes forward. */
  readonly now: () => number
  /** Calls back after so many milliseconds, while the node runs. */
  readonly later: (millis: number, callback: () => void) => void
}

export interface DecisionRight {
  /** Whether the node's leases surely hold. While they may not, mail waits for `resume`. */
  readonly mayDecide: () => boolean
}

export interface Pauses {
  readonly isPaused: (address: Address) => boolean
}

export interface Limiter<A> {
  /** Whether the type's limits let the actor decide a message now; it is resumed when they do. */
  readonly admit: (activation: A) => boolean
  /** The actor has decided a message that it was admitted for. */
  readonly spend: (activation: A) => void
  /** Nothing of the actor is under way any more. */
  readonly rested: (activation: A) => void
}

export interface Watchdog {
  /** Runs what an author wrote: the decision of a message, or what makes the actor's state from its journal. It may take long. */
  readonly deciding: <B>(address: Address, mail: Mail | undefined, run: () => B) => B
}

export interface Reader<A> {
  /** Asks for the journal to be read and given to `recover`. */
  readonly journal: (activation: A) => void
  /** Asks for the actor's mail from a sequence on to be read and given to `refill`. */
  readonly mail: (activation: A, from: number) => void
}

export interface Quarantine<A> {
  /** This process is too old for the actor: another should have it. */
  readonly tooOld: (activation: A, error: NewerVersion) => void
  /** The actor cannot go on: not even parking the message works. */
  readonly giveUp: (activation: A, cause: unknown) => void
}

export interface Crowding {
  /** More messages wait for an actor, `type/id`, than its type allows. */
  readonly crowded: (actor: string, waiting: number) => void
}

/** Who accounts for an activation's mail: its shard. */
export interface MailLedger<A> {
  /** The effects of a message are in the journal, or it has none: it may be removed from the mailbox. */
  readonly done: (activation: A, mail: Mail, reread: boolean) => void
  /** The message stays in the log, and not in memory. `reread`: it came there before. */
  readonly setAside: (activation: A, mail: Mail, reread: boolean) => void
  /** Messages that were set aside are in memory again. */
  readonly reopened: (mails: ReadonlyArray<Mail>) => void
  /** An activity of the actor is open: the message that began it is not done. */
  readonly began: (activation: A) => void
}

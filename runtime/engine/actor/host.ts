import type { Address } from "../../address.ts"
import type { NewerVersion } from "../../errors.ts"
import type { LogLimits, Mail } from "../../log.ts"
import type { Timing } from "../commit/commit-buffer.ts"
import type { Timer } from "../commit/node-timers.ts"
import type { OutgoingAnswer } from "../step/decision.ts"

/** What an activation needs of the node around it. */
export interface ActivationHost<Activation> {
  readonly limits: LogLimits
  /** Milliseconds by a clock that only goes forward. */
  readonly now: () => number
  /** Calls back after so many milliseconds, while the node runs. */
  readonly later: (millis: number, callback: () => void) => void
  /** Whether the node's leases surely hold. While they may not, mail waits for `resume`. */
  readonly mayDecide: () => boolean
  /** Whether the actor is paused. */
  readonly paused: (address: Address) => boolean
  /** Whether the type's limits let the actor decide a message now; it is resumed when they do. */
  readonly admit: (activation: Activation) => boolean
  /** Runs what an author wrote: the decision of a message, or what makes the actor's state from its journal. It may take long. */
  readonly deciding: <A>(activation: Activation, mail: Mail | undefined, run: () => A) => A
  /** The actor has decided a message that it was admitted for. */
  readonly decided: (activation: Activation) => void
  /** Nothing of the actor is under way any more. */
  readonly rested: (activation: Activation) => void
  /** Asks for the journal to be read and given to `recover`. */
  readonly load: (activation: Activation) => void
  /** Asks for the actor's mail from a sequence on to be read and given to `refill`. */
  readonly readMail: (activation: Activation, from: number) => void
  /** There is something to commit. */
  readonly ready: (activation: Activation) => void
  /** The message stays in the log, and not in memory. `reread`: it came there before. */
  readonly setAside: (activation: Activation, mail: Mail, reread: boolean) => void
  /** Messages that were set aside are in memory again. */
  readonly reopened: (mails: ReadonlyArray<Mail>) => void
  /** More messages wait than the type allows. */
  readonly crowded: (activation: Activation, waiting: number) => void
  /** The effects of a message are in the journal, or it has none: it may be removed from the mailbox. */
  readonly done: (activation: Activation, mail: Mail, reread: boolean) => void
  /** This process is too old for the actor: another should have it. */
  readonly tooOld: (activation: Activation, error: NewerVersion) => void
  /** The actor cannot go on: not even parking the message works. */
  readonly giveUp: (activation: Activation, cause: Error) => void
  readonly answer: (answer: OutgoingAnswer) => void
  readonly timing: Timing
  /** A timer of the actor is set, or, without one, is not any more: the log has stored it. */
  readonly timerStored: (activation: Activation, name: string, timer: Timer | undefined) => void
  readonly startActivity: (activation: Activation, key: string) => void
  readonly stopActivity: (activation: Activation, key: string) => void
}

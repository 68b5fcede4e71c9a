import type { Duration } from "effect"
import { Schema } from "effect"
import type { Address } from "./address.ts"
import type { Send } from "./step.ts"

/**
 * What went wrong with a message.
 *
 * - `decode`: it does not fit the Schema of its kind, or there is no such kind.
 * - `decide`: the decision threw, or what it asked for does not fit its Schema or cannot be done.
 * - `evolve`: the state could not follow an event of the decision.
 * - `activity`: an activity failed for good, and the actor has no `completed` for it.
 * - `size`: what the decision asked for is larger than the server takes.
 * - `start`: `initial` threw, so there is no state to decide against.
 * - `stopped`: the actor has stopped.
 */
export const Failure = Schema.Literals(["decode", "decide", "evolve", "activity", "size", "start", "stopped"])
export type Failure = typeof Failure.Type

/** A message that was parked, as a supervisor actor is told of it. */
export const FailureReport = Schema.Struct({
  actor: Schema.String,
  message: Schema.String,
  failure: Failure,
  cause: Schema.String,
  attempts: Schema.Int,
  /** Of the message in the log. */
  sequence: Schema.Int,
  /** Of the activity whose outcome it was. */
  key: Schema.optionalKey(Schema.String)
})
export type FailureReport = typeof FailureReport.Type

/** What to do about a message that failed. However it goes, a message that is given up is parked, and never lost. */
export type Directive =
  | { readonly directive: "resume" }
  | {
      readonly directive: "restart"
      /** How often the message is tried, with the first time. */
      readonly attempts: number
      /** The first wait; each further one is twice as long, up to a minute. */
      readonly backoff: Duration.Input
    }
  | { readonly directive: "stop" }
  | { readonly directive: "escalate" }

/** Parks the message; the actor keeps its state and goes on with the next one. */
export const resume: Directive = { directive: "resume" }

/** Reads the actor anew from its journal and tries the message again after a wait; parks it after so many attempts. */
export const restart = (options: { readonly attempts: number; readonly backoff: Duration.Input }): Directive => ({
  directive: "restart",
  ...options
})

/** Parks the message and stops the actor. */
export const stopActor: Directive = { directive: "stop" }

/** Parks the message and tells the supervisor; the actor goes on with the next one. */
export const escalate: Directive = { directive: "escalate" }

/** How an actor type deals with failures. What is not said is `resume`. */
export interface Supervision {
  readonly decode?: Directive
  readonly decide?: Directive
  readonly evolve?: Directive
  readonly activity?: Directive
  readonly size?: Directive
  /** The message by which the supervisor is told; needed to escalate. */
  readonly supervisor?: (self: Address, report: FailureReport) => Send
  /** More than so many messages parked within a time (of the messages, not of the clock): the actor is not well. */
  readonly limit?: {
    readonly failures: number
    readonly within: Duration.Input
    readonly directive: "stop" | "escalate"
  }
}

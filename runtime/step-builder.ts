import type { Schema } from "effect"
import type { Address } from "./address.ts"
import type { Operation, ReplyTo } from "./step.ts"

/** What a decision may know besides the state and the message. The same for every replay of the message. */
export interface Context {
  readonly self: Address
  /** When the message was stored, in milliseconds since 1970. */
  readonly time: number
  /** The message's sequence in the log. */
  readonly sequence: number
  readonly messageId: string
  readonly correlationId: string
  /** Who sent it: an actor's `type/id`, or empty for a client. */
  readonly from: string
  /** Where the answer goes, if the message was an ask. */
  readonly replyTo: ReplyTo | undefined
  /** The next random number in [0, 1), seeded by the message's sequence. */
  readonly random: () => number
}

/** The events of an actor: by tag, each with its fields. */
export type EventFields = { readonly [tag: string]: Schema.Struct.Fields }

export type EventOf<E extends EventFields> = {
  [T in keyof E]: { readonly _tag: T } & Schema.Struct<E[T]>["Type"]
}[keyof E]

/**
 * The step that is being decided: what a decision may know, and what is to happen. Nothing happens until the whole step is
 * committed, and then all of it does, in the order in which it was said. If the decision throws, nothing of it does.
 *
 * It belongs to one decision: used after that it throws.
 */
export interface StepBuilder<State, E extends EventFields, R = never, F = never, Own = never, Activity = never>
  extends Context {
  /** The state after the events of the step so far. */
  readonly state: State
  /**
   * Adds an event to the journal. Gives the state after it: the one that folding the journal will give, since the event has
   * passed through its schema's encoding and decoding. Throws a `SchemaError` where it does not fit its schema.
   */
  readonly persist: <T extends Extract<keyof E, string>>(tag: T, fields: Schema.Struct<E[T]>["Type"]) => State
  /** Answers the ask that is being decided. To a tell it does nothing. */
  readonly reply: (value: R) => void
  /** Answers the ask that is being decided with its typed error. */
  readonly refuse: (error: F) => void
  /** Adds whatever else a step can do: `send`, `publish`, `setTimer`, `start`, … */
  readonly add: (...operations: ReadonlyArray<Operation<EventOf<E>, R, F, Own, Activity>>) => void
}

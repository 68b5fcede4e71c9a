import { Schema } from "effect"
import type { Address } from "./address.ts"
import { encoder } from "./codec.ts"
import {
  addressOf,
  type EventSpec,
  type MessageName,
  type Payload,
  type Protocol,
  type Refusal,
  type Reply
} from "./protocol.ts"

/** Where the answer to an ask goes. Plain data: an actor that answers later keeps it in its state. */
export const ReplyTo = Schema.Struct({ inbox: Schema.String, id: Schema.String })
export type ReplyTo = typeof ReplyTo.Type

export type Persist<Event> = { readonly op: "persist"; readonly event: Event }
export type Answer<R> = { readonly op: "reply"; readonly value: R }
export type Refuse<E> = { readonly op: "refuse"; readonly error: E }
export type AnswerTo = {
  readonly op: "answer"
  readonly to: ReplyTo
  readonly outcome: "ok" | "error"
  readonly body: unknown
}
export type Send = {
  readonly op: "send"
  readonly to: Address
  readonly message: string
  readonly body: unknown
  /** The version of the message, where it is not the first. */
  readonly v?: number
}
export type Publish = {
  readonly op: "publish"
  readonly subject: string
  readonly type: string
  readonly data: unknown
}
export type SetTimer<Own> = {
  readonly op: "timer"
  readonly name: string
  readonly at: number
  readonly message: Own
}
export type CancelTimer = { readonly op: "cancel"; readonly name: string }
export type StartActivity<Activity> = { readonly op: "activity"; readonly key: string; readonly activity: Activity }
export type CancelActivity = { readonly op: "cancelActivity"; readonly key: string }
export type Watch<Own> = { readonly op: "watch"; readonly target: Address; readonly message: Own }
export type Unwatch = { readonly op: "unwatch"; readonly target: Address }
export type Stop = { readonly op: "stop" }

/** One thing a decision asks for. */
export type Operation<Event, R, E, Own, Activity> =
  | Persist<Event>
  | Answer<R>
  | Refuse<E>
  | AnswerTo
  | Send
  | Publish
  | SetTimer<Own>
  | CancelTimer
  | StartActivity<Activity>
  | CancelActivity
  | Watch<Own>
  | Unwatch
  | Stop

/**
 * What should happen, as data: nothing happens until the whole step is committed, and then all of it does.
 *
 * Steps join by concatenation; the empty one does nothing and is not recorded.
 */
export type Step<Event, R = never, E = never, Own = never, Activity = never> = ReadonlyArray<
  Operation<Event, R, E, Own, Activity>
>

/** Adds an event to the journal; the state becomes what `evolve` makes of it. */
export const persist = <const Event>(event: Event): Persist<Event> => ({ op: "persist", event })

/** Answers the ask that is being decided. To a tell it does nothing. */
export const reply = <const R>(value: R): Answer<R> => ({ op: "reply", value })

/** Answers the ask that is being decided with its typed error. */
export const refuse = <const E>(error: E): Refuse<E> => ({ op: "refuse", error })

/** Answers an earlier ask, whose `context.replyTo` was kept. */
export const answer = <P extends Protocol, K extends MessageName<P>>(
  protocol: P,
  message: K,
  to: ReplyTo,
  value: Reply<P, K>
): AnswerTo => ({ op: "answer", to, outcome: "ok", body: encoder(protocol.messages[message]?.reply)(value) })

/** Answers an earlier ask with its typed error. */
export const answerError = <P extends Protocol, K extends MessageName<P>>(
  protocol: P,
  message: K,
  to: ReplyTo,
  error: Refusal<P, K>
): AnswerTo => ({ op: "answer", to, outcome: "error", body: encoder(protocol.messages[message]?.error)(error) })

/** Sends a message to an actor, stored with the step: it arrives once, after what this actor sent it before. */
export const send = <P extends Protocol, K extends MessageName<P>>(
  protocol: P,
  id: string,
  message: K,
  payload: Payload<P, K>
): Send => ({
  op: "send",
  to: addressOf(protocol, id),
  message,
  body: encoder(protocol.messages[message]?.payload)(payload),
  ...(protocol.version !== undefined && { v: protocol.version })
})

/** Publishes an event to the world under a subject such as `decision.AAPL.market_analyst`. */
export const publish = <S extends EventSpec>(spec: S, subject: string, data: S["data"]["Type"]): Publish => ({
  op: "publish",
  subject,
  type: spec.type,
  data: encoder(spec.data)(data)
})

/**
 * Sets a durable timer: at `at` (milliseconds since 1970) the actor gets the message, one of its own.
 *
 * A timer has one name within its actor; setting it again replaces it.
 */
export const setTimer = <const K extends string, const M>(
  name: string,
  at: number,
  message: K,
  payload: M
): SetTimer<{ readonly name: K; readonly payload: M }> => ({
  op: "timer",
  name,
  at,
  message: { name: message, payload }
})

/** Cancels a timer. Exact: a firing that is in the mailbox already is ignored. */
export const cancelTimer = (name: string): CancelTimer => ({ op: "cancel", name })

/**
 * Starts an activity after the commit. Its outcome comes back to `completed` under the same key, once.
 *
 * `key` tells this run from others of the actor; starting a key that is open replaces it, and its outcome is ignored.
 */
export const start = <const K extends string, const I>(
  activity: K,
  key: string,
  input: I
): StartActivity<{ readonly name: K; readonly input: I }> => ({
  op: "activity",
  key,
  activity: { name: activity, input }
})

/**
 * Asks to be told, by a message of this actor's own, when another one stops or cannot go on: once, and at once if it has
 * stopped already. `context.from` then says who it was. One actor watches another one once; again replaces the message.
 * At most 500 can watch an actor: what asks for more is parked.
 */
export const watch = <P extends Protocol, const K extends string, const M>(
  protocol: P,
  id: string,
  message: K,
  payload: M
): Watch<{ readonly name: K; readonly payload: M }> => ({
  op: "watch",
  target: addressOf(protocol, id),
  message: { name: message, payload }
})

/** Asks not to be told any more. What is in the mailbox already still comes. */
export const unwatch = <P extends Protocol>(protocol: P, id: string): Unwatch => ({
  op: "unwatch",
  target: addressOf(protocol, id)
})

/**
 * Stops the actor for good, with this step: its timers and activities end, who watches it is told, and a tombstone takes
 * the place of its state. Later asks fail with `ActorStopped`; what is told to it later is parked.
 */
export const stop: Stop = { op: "stop" }

/** Interrupts an activity; its outcome is ignored. */
export const cancelActivity = (key: string): CancelActivity => ({ op: "cancelActivity", key })

import type { Duration, Effect, Schedule, Schema } from "effect"
import type { Address } from "./address.ts"
import type { AppendError, Overloaded } from "./errors.ts"
import type { EventSpec, MessageName, Payload, Protocol, Refusal, Reply } from "./protocol.ts"
import type { Step } from "./step.ts"
import type { Context, EventFields, EventOf, StepBuilder } from "./step-builder.ts"
import type { Supervision } from "./supervision.ts"

export type { Context, EventOf } from "./step-builder.ts"

/** What an activity is told of its own run. */
export interface ActivityContext {
  readonly self: Address
  readonly key: string
  /** 1 for the first run of this activity in this process. */
  readonly attempt: number
  readonly correlationId: string
  /**
   * Publishes an event while the activity runs, such as its progress, under a subject such as `tool.analyst.rsi`. Succeeds once it is
   * stored. At least once, as the activity itself: a run that is started again publishes again.
   */
  readonly publish: <S extends EventSpec>(
    spec: S,
    subject: string,
    data: S["data"]["Type"]
  ) => Effect.Effect<void, AppendError | Overloaded>
  /**
   * Stores a message for the activity's own actor while the activity runs, such as what it is about to do, and succeeds once it is
   * stored: so it is decided before the activity's outcome. At least once, as the activity itself. `protocol` is the actor's own; another
   * one, or a payload that does not fit its schema, is the activity's defect.
   */
  readonly tell: <P extends Protocol, K extends MessageName<P>>(
    protocol: P,
    message: K,
    payload: Payload<P, K>
  ) => Effect.Effect<void, AppendError | Overloaded>
}

/** I/O of an actor: named, typed, run after the commit that asked for it, at least once. */
export interface ActivitySpec<I extends Schema.Top = Schema.Top, O extends Schema.Top = Schema.Top> {
  readonly input: I
  readonly output: O
  /** How long one attempt may take. What runs longer is interrupted and fails as `timeout`. */
  readonly timeout: Duration.Input
  /** When to try again after a failure or timeout; never, unless given. */
  readonly retry?: Schedule.Schedule<unknown, unknown>
  /** How many of this name a node runs at once; the others wait their turn. As many as the node runs at all, unless given. */
  readonly concurrency?: number
  readonly run: (input: I["Type"], context: ActivityContext) => Effect.Effect<O["Type"], unknown>
}

/** Binds the types of an activity's input and output to its `run`. */
export const activity = <I extends Schema.Codec<unknown, unknown>, O extends Schema.Codec<unknown, unknown>>(
  spec: ActivitySpec<I, O>
): ActivitySpec<I, O> => spec

/** How an activity ended. Its actor takes exactly one outcome per start. */
export type Outcome<Name extends string, O> =
  | { readonly _tag: "Succeeded"; readonly activity: Name; readonly key: string; readonly value: O }
  | {
      readonly _tag: "Failed"
      readonly activity: Name
      readonly key: string
      readonly reason: "timeout" | "failure"
      readonly detail: string
    }

// The parameter of `run` is contravariant, so a record of specs is bounded by what they all share.
type Activities = {
  readonly [name: string]: Omit<ActivitySpec, "run"> & {
    readonly run: (input: never, context: ActivityContext) => Effect.Effect<unknown, unknown>
  }
}
type OwnMessage<P extends Protocol> = {
  [K in MessageName<P>]: { readonly name: K; readonly payload: Payload<P, K> }
}[MessageName<P>]

/** Of activities, what starts them. */
type Inputs = { readonly [name: string]: { readonly input: Schema.Top } }

type ActivityStart<A extends Inputs> = {
  [K in Extract<keyof A, string>]: { readonly name: K; readonly input: A[K]["input"]["Type"] }
}[Extract<keyof A, string>]

export type ActorStep<P extends Protocol, E extends EventFields, A extends Activities, R = never, F = never> = Step<
  EventOf<E>,
  R,
  F,
  OwnMessage<P>,
  ActivityStart<A>
>

/**
 * The builder that the handlers of an actor get, for the functions that they call.
 *
 * `K` names the message that is answered; none unless given, for what answers nothing. The builder of a message fits where one
 * without is taken.
 */
export type ActorStepBuilder<
  P extends Protocol,
  S,
  E extends EventFields,
  K extends MessageName<P> = never,
  // biome-ignore lint/complexity/noBannedTypes: no activities is the empty record
  A extends Inputs = {}
> = StepBuilder<
  S,
  E,
  [K] extends [never] ? never : Reply<P, K>,
  [K] extends [never] ? never : Refusal<P, K>,
  OwnMessage<P>,
  ActivityStart<A>
>

/** From the version of the key to the next one, on the JSON. Versions without an upcaster need no change. */
export type Upcaster = { readonly [version: number]: (json: unknown) => unknown }

export interface Upcasters {
  readonly state?: Upcaster
  /** By event tag; on the event's fields. */
  readonly events?: { readonly [tag: string]: Upcaster }
  /** By message name; on the payload. Their version is the protocol's. */
  readonly messages?: { readonly [name: string]: Upcaster }
}

/** What the actors of a type may use up on one node. */
export interface Limits {
  /** Messages that may wait for one actor before senders are refused with `MailboxFull`; 100,000 unless given. */
  readonly mailbox?: number
  /** How many actors of the type work at once: from a decision until it is committed and its activities have ended. */
  readonly concurrency?: number
  /** Messages decided in a time, of all actors of the type together. What is more waits. */
  readonly rate?: { readonly messages: number; readonly per: Duration.Input }
}

/** What an author writes: how an actor decides, and how its state follows from what was decided. */
export interface Definition<
  P extends Protocol,
  S extends Schema.Codec<unknown, unknown>,
  E extends EventFields,
  A extends Activities
> {
  readonly protocol: P
  readonly state: S
  readonly initial: (self: Address) => S["Type"]
  /** The events, each with its fields. They are stored as open structs: fields a version does not know survive. */
  readonly events: E
  /**
   * Says what should happen, by adding it to the step, or by returning it as a list. Pure: no I/O, no clock and no chance but
   * from the step. `state` is the state before the message.
   */
  readonly decide: {
    readonly [K in MessageName<P>]: (
      state: S["Type"],
      payload: Payload<P, K>,
      step: ActorStepBuilder<P, S["Type"], E, K, A>
      // biome-ignore lint/suspicious/noConfusingVoidType: who adds to the step returns nothing
    ) => ActorStep<P, E, A, Reply<P, K>, Refusal<P, K>> | void
  }
  /** The state after an event. Pure. */
  readonly evolve: {
    readonly [T in keyof E]: (state: S["Type"], event: Schema.Struct<E[T]>["Type"]) => S["Type"]
  }
  readonly activities?: A
  /** Decides on the outcomes of activities, by the activity's name. */
  readonly completed?: {
    readonly [K in Extract<keyof A, string>]: (
      state: S["Type"],
      outcome: Outcome<K, A[K]["output"]["Type"]>,
      step: ActorStepBuilder<P, S["Type"], E, never, A>
      // biome-ignore lint/suspicious/noConfusingVoidType: who adds to the step returns nothing
    ) => ActorStep<P, E, A> | void
  }
  /** The version of state and events; 1 unless given. A node leaves actors whose journal is newer to a newer node. */
  readonly version?: number
  /** How what older versions wrote becomes what this one reads. */
  readonly upcast?: Upcasters
  /** What happens when a message fails; parked, and the next one, unless given. */
  readonly supervision?: Supervision
  /** How long a message id is remembered, so that the message has no second effect and gets the same answer. */
  readonly remember?: {
    /** Among the latest so many ids, as long as their answers come to no more than 262,144 characters; 256 unless given. */
    readonly count?: number
    /** No longer than this; a day unless given. */
    readonly for?: Duration.Input
  }
  readonly limits?: Limits
  /**
   * `snapshots` (the default): every `snapshotEvery` records the state replaces the history.
   * `complete`: every record is kept, with the messages, so that the actor can be replayed from the start.
   */
  readonly history?: "snapshots" | "complete"
  /** Records between snapshots; 100 unless given. */
  readonly snapshotEvery?: number
  /** What the records since the last snapshot may come to, in characters, before there is another; 262,144 unless given. */
  readonly snapshotCharacters?: number
}

/** An actor type as a node runs it: the definition with its types, but for that of the state, checked and put aside. */
export interface Actor<State = unknown> {
  readonly type: string
  readonly definition: UntypedDefinition<State>
}

type Handler = (
  state: unknown,
  input: unknown,
  step: UntypedStepBuilder
  // biome-ignore lint/suspicious/noConfusingVoidType: who adds to the step returns nothing
) => Operations | void

type AnyOwn = { readonly name: string; readonly payload: unknown }
type AnyStart = { readonly name: string; readonly input: unknown }

/** What any handler may say. */
export type Operations = Step<unknown, unknown, unknown, AnyOwn, AnyStart>

/** The builder as the engine gives it to any handler. */
export interface UntypedStepBuilder extends Context {
  readonly state: unknown
  readonly persist: (tag: string, fields: object) => unknown
  readonly reply: (value: unknown) => void
  readonly refuse: (error: unknown) => void
  readonly add: (...operations: Operations) => void
}

/** The definition as the engine sees it: everything it passes in was decoded by the definition's own schemas. */
export interface UntypedDefinition<State = unknown> {
  readonly protocol: Protocol
  readonly state: Schema.Codec<unknown, unknown>
  readonly initial: (self: Address) => State
  readonly events: EventFields
  readonly decide: { readonly [name: string]: Handler }
  readonly evolve: { readonly [tag: string]: (state: unknown, event: unknown) => unknown }
  readonly activities?: {
    readonly [name: string]: {
      readonly input: Schema.Codec<unknown, unknown>
      readonly output: Schema.Codec<unknown, unknown>
      readonly timeout: Duration.Input
      readonly retry?: Schedule.Schedule<unknown, unknown>
      readonly concurrency?: number
      readonly run: (input: unknown, context: ActivityContext) => Effect.Effect<unknown, unknown>
    }
  }
  readonly completed?: { readonly [name: string]: Handler }
  readonly version?: number
  readonly upcast?: Upcasters
  readonly supervision?: Supervision
  readonly remember?: { readonly count?: number; readonly for?: Duration.Input }
  readonly limits?: Limits
  readonly history?: "snapshots" | "complete"
  readonly snapshotEvery?: number
  readonly snapshotCharacters?: number
}

/** Makes an actor of a definition. */
export const define = <
  const P extends Protocol,
  S extends Schema.Codec<unknown, unknown>,
  const E extends EventFields,
  // biome-ignore lint/complexity/noBannedTypes: no activities is the empty record
  const A extends Activities = {}
>(
  definition: Definition<P, S, E, A>
): Actor<S["Type"]> => {
  const erased: unknown = definition
  return { type: definition.protocol.type, definition: erased as UntypedDefinition<S["Type"]> }
}

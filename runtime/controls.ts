import { Context, type Effect, type Scope } from "effect"
import type { Address } from "./address.ts"
import type { ReadError } from "./errors.ts"

/** What can be paused: one actor, all actors of a type, or everything. */
export type Target =
  | { readonly kind: "actor"; readonly address: Address }
  | { readonly kind: "type"; readonly type: string }
  | { readonly kind: "everything" }

/** Something that is paused. Its mail is kept, and nothing of it is decided. */
export interface Pause {
  readonly target: Target
  /** Who did it: a person through `Operators`, or the runtime, for an actor whose journal cannot be read. */
  readonly by: "operator" | "runtime"
  readonly cause: string
  /** Its messages have ended the processes that decided them: it is not tried again before an operator says so. */
  readonly crashed?: true
  /** Since when, in milliseconds since 1970. */
  readonly since: number
}

/** What is paused now. The newest answer holds: an older one is not kept. */
export interface Pauses {
  /** Oldest first. */
  readonly all: ReadonlyArray<Pause>
  readonly isEmpty: boolean
  /** The pause that holds an actor, the widest if there are several. */
  readonly of: (address: Address) => Pause | undefined
}

/** Switches that outlive processes, and that every node follows within moments. */
export class Controls extends Context.Service<
  Controls,
  {
    /** Pauses. False, and nothing changes, if the same target is paused already. */
    readonly pause: (pause: Pause) => Effect.Effect<boolean, ReadError>

    /** Lets it go on. False if it was not paused. What is paused by a wider target stays so. */
    readonly resume: (target: Target) => Effect.Effect<boolean, ReadError>

    /** What is paused now. */
    readonly read: Effect.Effect<Pauses, ReadError>

    /** Calls `see` with what is paused now and after every change, until the scope closes. Returns after the first call. */
    readonly watch: (see: (pauses: Pauses) => void) => Effect.Effect<void, ReadError, Scope.Scope>
  }
>()("conclave/runtime/Controls") {}

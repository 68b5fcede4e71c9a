import type { Effect, Scope } from "effect"
import type { ReadError } from "../errors.ts"

/** Talk between processes, which is not stored. */
export interface Messaging {
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

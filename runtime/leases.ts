import { Context, type Effect, type Scope } from "effect"
import type { ReadError } from "./errors.ts"

/** Who is alive, and who holds which shard, as last heard. */
export interface Membership {
  readonly nodes: ReadonlySet<string>
  readonly holders: ReadonlyMap<string, string>
}

/**
 * Liveness: which nodes there are and which of them serves which shard. It never decides what is safe; the guard on the
 * journal does.
 */
export class Leases extends Context.Service<
  Leases,
  {
    /** How long a lease lives without renewal, in milliseconds. */
    readonly ttlMillis: number

    /** Announces a node, and keeps it announced until the scope closes. */
    readonly join: (node: string) => Effect.Effect<void, ReadError, Scope.Scope>

    /** Calls `see` with the membership now and after every change, until the scope closes. */
    readonly watch: (see: (membership: Membership) => void) => Effect.Effect<void, ReadError, Scope.Scope>

    /** Takes a shard's lease. False if another node has it. */
    readonly acquire: (shard: string, node: string) => Effect.Effect<boolean, ReadError>

    /** Renews a lease that we hold. False if it was lost. */
    readonly renew: (shard: string, node: string) => Effect.Effect<boolean, ReadError>

    /** Gives a lease back, so that another node can take the shard at once. */
    readonly release: (shard: string, node: string) => Effect.Effect<void, ReadError>
  }
>()("conclave/runtime/Leases") {}

import { Context, type Effect, type Scope } from "effect"
import type { ReadError } from "./errors.ts"

/** All mail of these shards (their numbers) up to and including a sequence is done. It stays true whoever owns the shards later. */
export interface Done {
  readonly upTo: number
  readonly shards: ReadonlyArray<number>
  /** Where some are far behind: up to here all of it is done but that of whom `except` names, actors (`type/id`) or types. */
  readonly reach?: number
  readonly except?: ReadonlyArray<string>
}

/** What a node says of itself with every renewal. */
export interface Announcement {
  /** The labels that its operator gave it. */
  readonly labels: ReadonlyArray<string>
  /** The roles that it serves: those of its actors that are among its labels, and `any`. None while it leaves. */
  readonly roles: ReadonlyArray<string>
  /** The actor types that it has, each with the version of its state. */
  readonly types: Readonly<Record<string, number>>
  /** The same types, each with the version of its messages. */
  readonly protocols: Readonly<Record<string, number>>
  /** Those of them that it serves, by role. All, where a runtime does not say. */
  readonly serves?: Readonly<Record<string, ReadonlyArray<string>>>
  /** Shards with an actor in them that this node is too old for: it leaves them to others, where there are any. */
  readonly declines: ReadonlyArray<string>
  /** The life of the log of which it speaks: `done` means nothing in another one. */
  readonly log: string
  /** What it has done of the mail of its shards, by role. */
  readonly done: Readonly<Record<string, Done>>
  /** The same of the lanes that it holds, by `<role>.<type>`: of that type's mail only. */
  readonly lanes?: Readonly<Record<string, Done>>
  /** For operators: when it started (milliseconds since 1970), actors in memory, messages it has read and not done. */
  readonly since: number
  readonly residents: number
  readonly open: number
}

/** Who is alive, and who holds which shard, or which type's lane in one (`any.17.billing`), as last heard. */
export interface Membership {
  readonly nodes: ReadonlyMap<string, Announcement>
  /** By shard: a node that is alive and took it in its present life. */
  readonly holders: ReadonlyMap<string, string>
}

/** What somebody left behind who ended without giving a shard back. */
export interface Inherited {
  readonly note: string | undefined
}

/**
 * Liveness: which nodes there are and which of them serves which shard. It never decides what is safe; the guard on the
 * journal does.
 *
 * A node has one lease on being alive, which it renews, and holds its shards by that: when the lease runs out, all of them
 * are free, and a node that joins anew holds nothing.
 */
export class Leases extends Context.Service<
  Leases,
  {
    /** How long a node lives without renewal, in milliseconds. */
    readonly ttlMillis: number

    /**
     * Announces a node. False if another process is alive under its name. When the scope closes it is alive no longer.
     */
    readonly join: (node: string, announcement: Announcement) => Effect.Effect<boolean, ReadError, Scope.Scope>

    /**
     * Renews the node's lease, and says what is new of it. False if the lease had run out before: the node holds nothing,
     * and has to join again. After a failure it may or may not be renewed.
     */
    readonly renew: (node: string, announcement: Announcement) => Effect.Effect<boolean, ReadError>

    /** Calls `see` with the membership now and after every change, renewals too, until the scope closes. */
    readonly watch: (see: (membership: Membership) => void) => Effect.Effect<void, ReadError, Scope.Scope>

    /** Takes a shard for a node that has joined. False if another live node has it, or ours is not alive any more. */
    readonly acquire: (shard: string, node: string) => Effect.Effect<boolean, ReadError>

    /**
     * What is noted of a shard that this process took last from somebody who ended without giving it back; nothing where it
     * had been given back, or was free.
     */
    readonly inherited: (shard: string) => Effect.Effect<Inherited | undefined, ReadError>

    /** Notes something of a shard that a node of this process holds, for whoever takes it if that node ends; `undefined` removes it. */
    readonly note: (shard: string, text: string | undefined) => Effect.Effect<void, ReadError>

    /** Gives a shard back, if the node has it, so that another node can take it at once. */
    readonly release: (shard: string, node: string) => Effect.Effect<void, ReadError>
  }
>()("conclave/runtime/Leases") {}

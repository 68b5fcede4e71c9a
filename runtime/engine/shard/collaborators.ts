import type { Address } from "../../address.ts"
import type { Mail } from "../../log.ts"
import type { Activation } from "../actor/activation.ts"
import type { Collaborators } from "../actor/collaborators.ts"
import type { Compiled } from "../step/compiled.ts"

/** What a shard works with on its node: each by the members that it uses. */
export interface ShardCollaborators<Shard> {
  /** What its activations work with. */
  readonly activations: Collaborators<Activation>
  /** The actor types that this node has. */
  readonly types: ReadonlyMap<string, Compiled>
  /** Up to where the mail of a shard or lane is said to be done by whoever holds it. */
  readonly watermarks: { readonly of: (name: string) => number }
  readonly unserved: {
    /** Mail came of a type that this node does not have. */
    readonly met: (mail: Mail) => void
  }
  readonly pausing: {
    /** Tells an asker that its message waits for a paused actor. */
    readonly tell: (mail: Mail) => void
    /** A message of the actor is done. */
    readonly went: (address: Address) => void
  }
  /** Activations of the node: they count against its memory. */
  readonly cache: {
    readonly add: (activation: Activation, passivate: () => boolean) => void
    readonly forget: (activation: Activation) => void
  }
  /** The shards that are served: they want to know what is paused, and when memory is short. */
  readonly served: { readonly add: (shard: Shard) => unknown; readonly delete: (shard: Shard) => unknown }
  readonly timers: {
    /** A message was delivered. */
    readonly met: (mail: Mail) => void
  }
  readonly meter: {
    /** A message's effects are stored, or it had none. */
    readonly processed: (mail: Mail) => void
  }
  /** Messages in memory, and their characters, on which the node's limit counts. */
  readonly flow: {
    readonly opened: (count: number, characters: number) => void
    readonly closed: (count: number, characters: number) => void
  }
}

/** How far a shard's mail is. */
export interface ShardProgress {
  readonly lastDelivered: number
  /** The oldest sequence that is delivered and not done, or began an activity that is open. */
  readonly oldestOpen: number | undefined
  /** Everything delivered at or below it is done, and may be removed from the mailbox. */
  readonly doneUpTo: number
  /** How many messages are in memory and not done. */
  readonly open: number
}

import type { Mail } from "../../log.ts"
import type { Activation } from "../actor/activation.ts"
import type { ActivationHost } from "../actor/host.ts"
import type { Compiled } from "../step/compiled.ts"

/** What a shard needs of the node around it. */
export interface ShardHost<Shard> {
  /** Nothing for a type that this node does not have. */
  readonly compiledOf: (type: string) => Compiled | undefined
  /** Up to where the holders of a type's lane in a shard have said that its mail is done. */
  readonly doneInLane: (shard: string, type: string) => number
  /** Mail came of a type that this node does not have. */
  readonly unknown: (mail: Mail) => void
  /** Mail came of an actor that is paused. */
  readonly halted: (mail: Mail) => void
  /** What its activations are given; what concerns its mail, the shard does itself. */
  readonly activationHost: Omit<ActivationHost<Activation>, "done" | "setAside" | "reopened">
  /** Activations of the node: they count against its memory. */
  readonly residents: {
    readonly add: (activation: Activation, passivate: () => boolean) => void
    readonly forget: (activation: Activation) => void
  }
  /** The shard is served from now on, and no longer: it wants to know what is paused. */
  readonly serving: (shard: Shard) => void
  readonly left: (shard: Shard) => void
  /** A message was delivered. */
  readonly met: (mail: Mail) => void
  /** A message's effects are stored, or it had none. */
  readonly processed: (mail: Mail) => void
  /** Messages were delivered or done, on which the node's limit counts. */
  readonly opened: (count: number, characters: number) => void
  readonly closed: (count: number, characters: number) => void
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

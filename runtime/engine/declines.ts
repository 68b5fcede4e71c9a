import type { Membership } from "../leases.ts"
import { declinesOf } from "./placement.ts"
import type { Profile } from "./profile.ts"

/** Shards with an actor in them that a node is too old for, and those of them that it leaves to others. */
export class Declines {
  readonly #node: string
  readonly #profile: Profile
  readonly #tooNew = new Set<string>()
  #shards: ReadonlyArray<string> = []

  constructor(node: string, profile: Profile) {
    this.#node = node
    this.#profile = profile
  }

  /** Those that are left to others. */
  get shards(): ReadonlyArray<string> {
    return this.#shards
  }

  /** The node is too old for a shard. True if that is new. */
  add(shard: string): boolean {
    const isNew = !this.#tooNew.has(shard)
    this.#tooNew.add(shard)
    return isNew
  }

  /** Whether a shard is for another node that is there now. */
  isForOthers(shard: string, nodes: Membership["nodes"]): boolean {
    return declinesOf(this.#node, this.#profile, [shard], nodes).length > 0
  }

  /** Decides which are left to others of these nodes. True if they are others than before. */
  decide(nodes: Membership["nodes"]): boolean {
    if (this.#tooNew.size === 0) return false
    const shards = declinesOf(this.#node, this.#profile, this.#tooNew, nodes)
    if (shards.join() === this.#shards.join()) return false
    this.#shards = shards
    return true
  }
}

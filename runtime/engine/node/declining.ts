import type { Membership } from "../../leases.ts"
import { declinesOf } from "./placement.ts"
import type { Profile } from "./profile.ts"

/** The shards with an actor in them that a node is too old for, and those of them that it leaves to others. */
export class Declining {
  readonly #node: string
  readonly #profile: Profile
  readonly #tooNew = new Set<string>()
  #shards: ReadonlyArray<string> = []

  constructor(node: string, profile: Profile) {
    this.#node = node
    this.#profile = profile
  }

  /** The shards that are left to others, as last decided. */
  get shards(): ReadonlyArray<string> {
    return this.#shards
  }

  /** A shard has an actor in it that the node is too old for. False if that was known. */
  met(shard: string): boolean {
    const news = !this.#tooNew.has(shard)
    this.#tooNew.add(shard)
    return news
  }

  /** Whether there is a node to leave a shard to. */
  isLeft(shard: string, nodes: Membership["nodes"]): boolean {
    return declinesOf(this.#node, this.#profile, [shard], nodes).length > 0
  }

  /** Decides anew. True if that changed anything. */
  decide(nodes: Membership["nodes"]): boolean {
    if (this.#tooNew.size === 0) return false
    const shards = declinesOf(this.#node, this.#profile, this.#tooNew, nodes)
    const changed = shards.join() !== this.#shards.join()
    this.#shards = shards
    return changed
  }
}

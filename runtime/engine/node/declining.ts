import type { MembershipView } from "./membership-view.ts"
import { declinesOf } from "./placement.ts"
import type { Profile } from "./profile.ts"

/** The shards with an actor in them that a node is too old for, and those of them that it leaves to others. */
export class Declining {
  readonly #node: string
  readonly #profile: Profile
  readonly #view: MembershipView
  readonly #tooNew = new Set<string>()
  #shards: ReadonlyArray<string> = []

  constructor(node: string, profile: Profile, view: MembershipView) {
    this.#node = node
    this.#profile = profile
    this.#view = view
  }

  /** The shards that are left to others, as last decided. */
  get shards(): ReadonlyArray<string> {
    return this.#shards
  }

  /**
   * A shard has an actor in it that the node is too old for: it is left to a newer node, if there is one or comes one. True if
   * there is one now.
   */
  decline(shard: string): boolean {
    const isNews = !this.#tooNew.has(shard)
    this.#tooNew.add(shard)
    if (isNews) this.#view.changed.openUnsafe()
    return declinesOf(this.#node, this.#profile, [shard], this.#view.now.nodes).length > 0
  }

  /** Decides anew. True if that changed anything. */
  decide(): boolean {
    if (this.#tooNew.size === 0) return false
    const shards = declinesOf(this.#node, this.#profile, this.#tooNew, this.#view.now.nodes)
    const changed = shards.join() !== this.#shards.join()
    this.#shards = shards
    return changed
  }
}

import { Effect } from "effect"
import type { Leases, Membership } from "../../leases.ts"
import { excludedIn, roleOf, shardOfName, typeOfLane, typesServed } from "../shard/serving.ts"
import type { Shards } from "../shard/shards.ts"
import type { Profile } from "./profile.ts"

/**
 * The shards and lanes whose leases a node has acquired, beside what the membership shows of them.
 *
 * A type's mail in a shard is served by the holder of its lane, if there is one, and by the shard's holder otherwise. The
 * membership shows everything that was written before what it shows of ours: so of two that took a lane and its shard at the
 * same time the second sees what the first has.
 *
 * Invariants:
 * 1. A lane is served only after we were seen to hold it, and nobody before us to serve its type by holding the shard.
 * 2. A shard's holder leaves out the types whose lanes are held.
 * 3. Nothing is said of a shard that we are not seen to hold: a lane may have been taken before it.
 */
export class Holdings {
  readonly #node: string
  readonly #profile: Profile
  readonly #leases: Leases["Service"]
  readonly #shards: Shards
  #membership: Membership = { nodes: new Map(), holders: new Map() }
  /** Lanes that were acquired and are not seen to be ours yet. */
  readonly #claimed = new Set<string>()
  /** What was not seen to be ours when the lease was last renewed. */
  #unseen: ReadonlySet<string> = new Set()

  constructor(node: string, profile: Profile, leases: Leases["Service"], shards: Shards) {
    this.#node = node
    this.#profile = profile
    this.#leases = leases
    this.#shards = shards
  }

  /** Takes anew those of our shards in which a lane was found that we did not know of. */
  see(membership: Membership): void {
    this.#membership = membership
    for (const [name, excluded] of this.#shards.excluded) {
      if (typeOfLane(name) !== undefined) continue
      const found = this.#excludedIn(name)
      if ([...found].every((type) => excluded.has(type))) continue
      this.#shards.drop(name)
      this.#shards.add(name, new Set([...excluded, ...found]))
    }
  }

  /** The lease on a shard or lane is ours. */
  acquired(name: string): void {
    if (this.#shards.names.has(name)) return
    if (typeOfLane(name) === undefined) this.#shards.add(name, this.#excludedIn(name))
    else this.#claimed.add(name)
  }

  /** Serves the lanes that are seen to be ours by now, or gives them back: invariant 1. */
  readonly begin: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach([...this.#claimed], (lane) => this.#begin(lane), { discard: true })
  )

  /** Whether something may be said of a shard or lane: invariant 3. Where nobody is seen at all, we are alone. */
  spoken(name: string): boolean {
    const { nodes, holders } = this.#membership
    return nodes.size === 0 || holders.get(name) === this.#node
  }

  /**
   * What we have and were not seen to hold for as long as from one renewal to the next: a release whose answer was lost came
   * late. What another node has is dropped, the rest is to be acquired again.
   */
  lost(): ReadonlyArray<string> {
    const unseen = [...this.#shards.names].filter((name) => !this.spoken(name))
    const lost = unseen.filter((name) => this.#unseen.has(name))
    this.#unseen = new Set(unseen)
    for (const name of lost) if (this.#membership.holders.has(name)) this.#shards.drop(name)
    return lost.filter((name) => this.#shards.names.has(name))
  }

  /** Our life has ended, and with it all leases. */
  end(): void {
    this.#claimed.clear()
    this.#shards.dropAll()
  }

  #begin(lane: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { holders, nodes } = this.#membership
      if (!this.spoken(lane)) return Effect.void
      this.#claimed.delete(lane)
      const holder = holders.get(shardOfName(lane))
      const other = holder === undefined || holder === this.#node ? undefined : nodes.get(holder)
      const served = other !== undefined && typesServed(other, roleOf(lane)).includes(typeOfLane(lane) ?? "")
      if (served) return Effect.ignore(this.#leases.release(lane, this.#node))
      this.#shards.add(lane)
      return Effect.void
    })
  }

  #excludedIn(shard: string): ReadonlySet<string> {
    return excludedIn(shard, this.#profile, this.#membership.holders)
  }
}

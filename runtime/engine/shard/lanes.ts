import type { Membership } from "../../leases.ts"
import { laneOf, serversOf, typesServed } from "./serving.ts"

/** What a node has to know to say what it should do. */
export interface LanePosition {
  readonly node: string
  /** The shards that it serves, also those that it is giving back. */
  readonly held: ReadonlySet<string>
  /** Those that it is giving back. */
  readonly leaving: ReadonlySet<string>
  readonly membership: Membership
  /** How many shards each role has. */
  readonly shards: number
  /** Types that the node has and does not serve in a shard that it holds, because a lane has them. */
  readonly excluded?: ReadonlyMap<string, ReadonlySet<string>>
}

/** Who should hold a shard, of all that serve its role, or of some nodes only. */
export type Owners = (shard: string, among?: ReadonlyArray<string>) => string | undefined

/**
 * The lanes that a node should hold: where the shard's owner lacks the type, rendezvous hashing among the nodes that have it;
 * where the owner has it and found a lane that another node held when it came, the owner itself.
 *
 * A lane is taken only while nobody serves its type by holding the shard.
 */
export const lanesWanted = (position: LanePosition, owners: Owners): ReadonlyArray<string> => {
  const { node, membership, shards, held } = position
  const own = membership.nodes.get(node)
  const wanted: Array<string> = []
  for (const role of own?.roles ?? []) {
    const servers = serversOf(role, membership.nodes)
    const served = new Map(servers.map((name) => [name, new Set(typesServed(membership.nodes.get(name)!, role))]))
    for (const type of served.get(node) ?? []) {
      const having = servers.filter((name) => served.get(name)?.has(type))
      for (let number = 0; number < shards; number++) {
        const shard = `${role}.${number}`
        const excludes = position.excluded?.get(shard)?.has(type) === true
        if (having.length === servers.length && !excludes) continue
        const lane = laneOf(shard, type)
        const owner = owners(shard)
        const ours = having.includes(owner ?? "") ? owner === node && excludes : owners(shard, having) === node
        const holder = membership.holders.get(shard)
        const free = holder === undefined || (holder === node ? excludes : !having.includes(holder))
        if (ours && (free || held.has(lane))) wanted.push(lane)
      }
    }
  }
  return wanted
}

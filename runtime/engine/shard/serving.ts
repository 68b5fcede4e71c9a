import type { Announcement, Membership } from "../../leases.ts"

/** The nodes that may hold the shards of a role. */
export const serversOf = (role: string, nodes: Membership["nodes"]): ReadonlyArray<string> =>
  [...nodes].flatMap(([name, { roles }]) => (roles.includes(role) ? [name] : []))

/** The role of a shard such as `any.0`. */
export const roleOf = (shard: string): string => shard.slice(0, shard.indexOf("."))

/** The number of a shard such as `any.0` within its role. */
export const numberOf = (shard: string): number => Number(shard.split(".")[1])

/**
 * A lane is the mail of one actor type in a shard, `any.17.billing`. It has a lease of its own where the node that holds the
 * shard does not serve the type, and is held by a node that has it. Where all nodes have all types there are none.
 */
export const laneOf = (shard: string, type: string): string => `${shard}.${type}`

/** The shard that a name such as `any.17` or `any.17.billing` belongs to. */
export const shardOfName = (name: string): string => name.split(".", 2).join(".")

/** The type whose lane a name is; nothing for a whole shard. */
export const typeOfLane = (name: string): string | undefined => name.split(".")[2]

/** The actor types of a role that a node serves. A runtime that does not say serves all that it has. */
export const typesServed = ({ serves, types }: Pick<Announcement, "serves" | "types">, role: string) =>
  serves === undefined ? Object.keys(types) : (serves[role] ?? [])

/** The types that a node has and must not serve by holding a shard: their lanes are held, by whomever. */
export const excludedIn = (shard: string, own: Pick<Announcement, "serves" | "types">, position: Holders) => {
  const types = typesServed(own, roleOf(shard))
  return new Set(types.filter((type) => position.has(laneOf(shard, type))))
}

type Holders = Pick<ReadonlyMap<string, string>, "has">

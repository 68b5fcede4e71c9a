import type { Announcement, Membership } from "../../leases.ts"
import { type LanePosition, lanesWanted, type Owners } from "../shard/lanes.ts"
import { roleOf, serversOf } from "../shard/serving.ts"

/** What a node should do about its shards now. */
export interface Moves {
  readonly acquire: ReadonlyArray<string>
  readonly release: ReadonlyArray<string>
}

/** How many shards a node gives away at once, so that only a few actors pause at any moment. */
const RELEASES_MAX = 4

/**
 * The node that should hold a shard: the one with the highest hash of both (rendezvous hashing, Thaler and
 * Ravishankar 1998). When a node comes or goes, only the shards that it wins or held move.
 */
export const ownerOf = (shard: string, nodes: Iterable<string>): string | undefined => {
  let best: string | undefined
  let bestScore = -1
  for (const node of nodes) {
    const score = scoreOf(shard, node)
    if (score > bestScore || (score === bestScore && best !== undefined && node < best)) {
      best = node
      bestScore = score
    }
  }
  return best
}

/**
 * Compares what a node holds with what it should hold. A shard that another node still holds is not taken. One that is
 * declined goes to the others that serve its role, as long as not all of them decline it.
 */
export const movesOf = (position: LanePosition): Moves => {
  const { node, held, leaving, membership } = position
  const owners = ownersOf(membership.nodes)
  const wanted = new Set([...shardsWanted(position, owners), ...lanesWanted(position, owners)])
  const acquire: Array<string> = []
  const release: Array<string> = []
  for (const name of wanted) {
    const holder = membership.holders.get(name)
    if (!held.has(name) && !leaving.has(name) && (holder === undefined || holder === node)) acquire.push(name)
  }
  // Also what the bucket says is ours and is not, as after a release whose answer was lost.
  const ours = [...membership.holders].flatMap(([name, holder]) => (holder === node ? [name] : []))
  for (const name of new Set([...held, ...ours])) {
    if (leaving.size + release.length >= RELEASES_MAX) break
    if (!leaving.has(name) && !wanted.has(name)) release.push(name)
  }
  return { acquire, release }
}

const shardsWanted = ({ node, membership, shards }: LanePosition, owners: Owners): ReadonlyArray<string> =>
  (membership.nodes.get(node)?.roles ?? []).flatMap((role) =>
    Array.from({ length: shards }, (_, number) => `${role}.${number}`).filter((shard) => owners(shard) === node)
  )

const ownersOf = (nodes: Membership["nodes"]): Owners => {
  const servers = new Map<string, ReadonlyArray<string>>()
  const declines = new Map<string, Set<string>>()
  for (const [name, { declines: declined }] of nodes) {
    for (const shard of declined) declines.set(shard, (declines.get(shard) ?? new Set()).add(name))
  }
  return (shard, among) => {
    const role = roleOf(shard)
    const all = among ?? servers.get(role) ?? serversOf(role, nodes)
    if (among === undefined) servers.set(role, all)
    const declining = declines.get(shard)
    const willing = declining === undefined ? all : all.filter((name) => !declining.has(name))
    return ownerOf(shard, willing.length > 0 ? willing : all)
  }
}

/**
 * The shards that a node leaves to others, of those with an actor in them that it is too old for: where another node serves
 * the role and has a newer version of some actor type that this node has.
 */
export const declinesOf = (
  node: string,
  own: Pick<Announcement, "types" | "protocols">,
  met: Iterable<string>,
  nodes: Membership["nodes"]
): ReadonlyArray<string> => {
  const newer = [...nodes].flatMap(([name, other]) => (name !== node && isNewer(other, own) ? [other] : []))
  return [...met].filter((shard) => newer.some(({ roles }) => roles.includes(roleOf(shard)))).sort()
}

const isNewer = (
  other: Pick<Announcement, "types" | "protocols">,
  own: Pick<Announcement, "types" | "protocols">
): boolean => isAhead(other.types, own.types) || isAhead(other.protocols, own.protocols)

const isAhead = (versions: Readonly<Record<string, number>>, own: Readonly<Record<string, number>>): boolean =>
  Object.entries(versions).some(([type, version]) => version > (own[type] ?? version))

const scoreOf = (shard: string, node: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < shard.length; index++) hash = Math.imul(hash ^ shard.charCodeAt(index), 0x01000193)
  hash = mix(hash)
  for (let index = 0; index < node.length; index++) hash = Math.imul(hash ^ node.charCodeAt(index), 0x01000193)
  return mix(hash) >>> 0
}

/** The last step of MurmurHash3 (Austin Appleby): every bit of the hash depends on every other one. */
const mix = (start: number): number => {
  let hash = start
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

import { ANY_ROLE } from "../address.ts"
import type { Membership } from "../leases.ts"

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
export const ownerOf = (shard: number, nodes: Iterable<string>): string | undefined => {
  let best: string | undefined
  let bestScore = -1
  for (const node of nodes) {
    const score = mix(shard, node)
    if (score > bestScore || (score === bestScore && best !== undefined && node < best)) {
      best = node
      bestScore = score
    }
  }
  return best
}

/** Compares what a node holds with what it should hold. A shard that another node still holds is not taken. */
export const movesOf = (node: string, held: ReadonlySet<string>, membership: Membership, shards: number): Moves => {
  const acquire: Array<string> = []
  const release: Array<string> = []
  for (let number = 0; number < shards; number++) {
    const shard = `${ANY_ROLE}.${number}`
    const mine = ownerOf(number, membership.nodes) === node
    const holder = membership.holders.get(shard)
    if (mine && !held.has(shard) && (holder === undefined || holder === node)) acquire.push(shard)
    if (!mine && held.has(shard) && release.length < RELEASES_MAX) release.push(shard)
  }
  return { acquire, release }
}

const mix = (shard: number, node: string): number => {
  let hash = Math.imul(shard + 1, 0x9e3779b1)
  for (let index = 0; index < node.length; index++) hash = Math.imul(hash ^ node.charCodeAt(index), 0x01000193)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

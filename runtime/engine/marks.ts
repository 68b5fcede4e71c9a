import type { Announcement } from "../leases.ts"

/**
 * Up to where the mail of each shard is done, as far as nodes have said so.
 *
 * What a node said with a renewal that succeeded stays true, whoever owns the shard later and whether the node lives or
 * not: so the best that was ever said of a shard holds.
 */
export class Marks {
  readonly #upTo = new Map<string, number>()
  readonly #roles = new Set<string>()

  /** The roles of which anything was said. */
  get roles(): Iterable<string> {
    return this.#roles
  }

  /** What is said of more than is known to be stored counts for nothing: it is of another log, or will be said again. */
  take(done: Announcement["done"], lastSequence = Number.POSITIVE_INFINITY): void {
    for (const [role, { upTo, shards }] of Object.entries(done)) {
      if (upTo > lastSequence) continue
      this.#roles.add(role)
      for (const number of shards) {
        const shard = `${role}.${number}`
        if (upTo > this.of(shard)) this.#upTo.set(shard, upTo)
      }
    }
  }

  /** The log ends at a sequence: what was said of later ones was of mail that is not there any more. */
  cut(lastSequence: number): void {
    for (const [shard, upTo] of this.#upTo) if (upTo > lastSequence) this.#upTo.set(shard, lastSequence)
  }

  /** The sequence up to which the mail of a shard is done; 0 if nothing was said of it. */
  of(shard: string): number {
    return this.#upTo.get(shard) ?? 0
  }

  /** The sequence up to which all mail of a role is done, which has so many shards. */
  ofRole(role: string, shards: number): number {
    let upTo = Number.POSITIVE_INFINITY
    for (let number = 0; number < shards; number++) upTo = Math.min(upTo, this.of(`${role}.${number}`))
    return upTo
  }
}

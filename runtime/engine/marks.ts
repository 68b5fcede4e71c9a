import type { Announcement } from "../leases.ts"
import { laneOf } from "./serving.ts"

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

  take({ done, lanes = {} }: Pick<Announcement, "done" | "lanes">): void {
    for (const [role, { upTo, shards }] of Object.entries(done)) {
      this.#roles.add(role)
      for (const number of shards) this.#raise(`${role}.${number}`, upTo)
    }
    for (const [key, { upTo, shards }] of Object.entries(lanes)) {
      const [role = "", type = ""] = key.split(".")
      for (const number of shards) this.#raise(laneOf(`${role}.${number}`, type), upTo)
    }
  }

  #raise(name: string, upTo: number): void {
    if (upTo > this.of(name)) this.#upTo.set(name, upTo)
  }

  /** The sequence up to which the mail of a shard or lane is done; 0 if nothing was said of it. */
  of(name: string): number {
    return this.#upTo.get(name) ?? 0
  }

  /** The sequence up to which all mail of a role is done, which has so many shards. */
  ofRole(role: string, shards: number): number {
    let upTo = Number.POSITIVE_INFINITY
    for (let number = 0; number < shards; number++) upTo = Math.min(upTo, this.of(`${role}.${number}`))
    return upTo
  }
}

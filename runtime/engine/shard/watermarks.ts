import type { Address } from "../../address.ts"
import type { Announcement, Done } from "../../leases.ts"
import type { Aside } from "./aside.ts"
import { laneOf } from "./serving.ts"

/**
 * Up to where the mail of each shard is done, as far as nodes have said so.
 *
 * What a node said with a renewal that succeeded stays true, whoever owns the shard later and whether the node lives or
 * not: so the best that was ever said of a shard holds.
 */
export class Watermarks {
  readonly #upTo = new Map<string, number>()
  readonly #aside = new Map<string, Aside>()
  readonly #roles = new Set<string>()

  /** The roles of which anything was said. */
  get roles(): Iterable<string> {
    return this.#roles
  }

  /** What is said of more than is known to be stored counts for nothing: it is of another log, or will be said again. */
  take({ done, lanes = {} }: Pick<Announcement, "done" | "lanes">, lastSequence = Number.POSITIVE_INFINITY): void {
    for (const [role, said] of Object.entries(done)) {
      if (furthest(said) > lastSequence) continue
      this.#roles.add(role)
      for (const number of said.shards) this.#note(`${role}.${number}`, said)
    }
    for (const [key, said] of Object.entries(lanes)) {
      if (furthest(said) > lastSequence) continue
      const [role = "", type = ""] = key.split(".")
      for (const number of said.shards) this.#note(laneOf(`${role}.${number}`, type), said)
    }
  }

  #note(name: string, { upTo, reach, except }: Done): void {
    if (upTo > this.of(name)) this.#upTo.set(name, upTo)
    if (reach !== undefined && except !== undefined && reach >= (this.#aside.get(name)?.reach ?? 0)) {
      this.#aside.set(name, { reach, except })
    }
  }

  /** The log ends at a sequence: what was said of later ones was of mail that is not there any more. */
  cut(lastSequence: number): void {
    for (const [name, upTo] of this.#upTo) if (upTo > lastSequence) this.#upTo.set(name, lastSequence)
    for (const [name, { reach, except }] of this.#aside) {
      if (reach > lastSequence) this.#aside.set(name, { reach: lastSequence, except })
    }
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

  /** The sequence up to which all mail of a type in a role is done but that of some of its actors, `except`, by their ids. */
  ofType(role: string, type: string, shards: number): { readonly upTo: number; readonly except: ReadonlySet<string> } {
    const except = new Set<string>()
    let upTo = Number.POSITIVE_INFINITY
    for (let number = 0; number < shards; number++) {
      const shard = `${role}.${number}`
      const lane = laneOf(shard, type)
      let best = Math.max(this.of(shard), this.of(lane))
      let aside: Aside | undefined
      for (const said of [this.#aside.get(shard), this.#aside.get(lane)]) {
        if (said === undefined || said.reach <= best || said.except.includes(type)) continue
        best = said.reach
        aside = said
      }
      upTo = Math.min(upTo, best)
      for (const name of aside?.except ?? []) if (name.startsWith(`${type}/`)) except.add(name.slice(type.length + 1))
    }
    return { upTo, except }
  }

  /** The sequence up to which the mail of an actor is done, that lives in this shard. */
  ofActor({ type, id }: Address, shard: string): number {
    let upTo = 0
    for (const name of [shard, laneOf(shard, type)]) {
      const aside = this.#aside.get(name)
      const isNamed = aside?.except.some((each) => each === type || each === `${type}/${id}`) !== false
      upTo = Math.max(upTo, this.of(name), isNamed ? 0 : (aside?.reach ?? 0))
    }
    return upTo
  }
}

const furthest = ({ upTo, reach = 0 }: Done): number => Math.max(upTo, reach)

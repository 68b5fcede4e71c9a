import { createHash } from "node:crypto"

/** Keys that are remembered; the one that was used longest ago is forgotten first. */
const KEYS_MAX = 10_000
/** As long as actors remember them, in milliseconds. */
const KEPT_MILLIS = 24 * 60 * 60_000

/**
 * What the keys stand for that were used at this gateway.
 *
 * Actors remember keys too, for all gateways, each those of its own messages. Only here it is known that a key was used at
 * another actor, or is on its way to one.
 */
export class Keys {
  readonly #now: () => number
  readonly #used = new Map<string, { readonly digest: string; readonly at: number }>()

  /** `now` is in milliseconds, on any clock that only goes forward. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Lets a key stand for something from now on. False if it stands for something else. */
  claim(key: string, digest: string): boolean {
    const at = this.#now()
    const known = this.#used.get(key)
    if (known !== undefined && at - known.at < KEPT_MILLIS && known.digest !== digest) return false
    this.#used.delete(key)
    this.#used.set(key, { digest, at })
    if (this.#used.size > KEYS_MAX) for (const oldest of this.#used.keys()) return this.#used.delete(oldest)
    return true
  }

  /** It does not stand for that: an actor knows better. */
  release(key: string, digest: string): void {
    if (this.#used.get(key)?.digest === digest) this.#used.delete(key)
  }
}

/** A digest of values that is the same for the same JSON, in whatever order its fields stand. */
export const digestOf = (...values: ReadonlyArray<unknown>): string =>
  createHash("sha256")
    .update(JSON.stringify(sorted(values)))
    .digest("hex")

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).map(([key, each]) => [key, sorted(each)] as const)
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)))
}

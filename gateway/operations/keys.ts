import { createHash } from "node:crypto"
import { Effect, Semaphore } from "effect"

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
  /** Keys of which is being found out what they stand for. */
  readonly #deciding = new Map<string, { readonly lock: Semaphore.Semaphore; users: number }>()

  /** `now` is in milliseconds, on any clock that only goes forward. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** What a key stands for; nothing where it was not used. */
  digestOf(key: string): string | undefined {
    const known = this.#used.get(key)
    return known !== undefined && this.#now() - known.at < KEPT_MILLIS ? known.digest : undefined
  }

  /** Does what decides what a key stands for: of one key one at a time. */
  deciding<A, E, R>(key: string, decide: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const known = this.#deciding.get(key) ?? { lock: Semaphore.makeUnsafe(1), users: 0 }
      known.users++
      this.#deciding.set(key, known)
      return Effect.ensuring(
        Semaphore.withPermit(known.lock, decide),
        Effect.sync(() => {
          if (--known.users === 0) this.#deciding.delete(key)
        })
      )
    })
  }

  /** Lets a key stand for something from now on. False if it stands for something else. */
  claim(key: string, digest: string): boolean {
    const at = this.#now()
    const known = this.digestOf(key)
    if (known !== undefined && known !== digest) return false
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

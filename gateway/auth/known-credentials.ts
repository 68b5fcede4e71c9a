import { createHash } from "node:crypto"

/** Tokens and keys that are remembered; the one that came longest ago is forgotten first. */
const REMEMBERED_MAX = 10_000

/** Tokens and keys that were found to be good, as digests: their holders are no strangers. Whether they still are is looked at anew. */
export class KnownCredentials {
  readonly #seen = new Set<string>()

  add(credential: string): void {
    const digest = digestOf(credential)
    this.#seen.delete(digest)
    this.#seen.add(digest)
    if (this.#seen.size > REMEMBERED_MAX) for (const oldest of this.#seen) return void this.#seen.delete(oldest)
  }

  has(credential: string): boolean {
    return this.#seen.has(digestOf(credential))
  }
}

const digestOf = (credential: string): string => createHash("sha256").update(credential).digest("base64")

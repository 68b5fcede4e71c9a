/** Connections of one address that may end with too many refusals, one after the other; so many are forgiven in a second. */
const OFFENCES_MAX = 10
const FORGIVEN_PER_SECOND = 2
/** So many more are remembered, so that it ends some seconds after the last one. */
const REMEMBERED_MAX = 2 * OFFENCES_MAX
const ADDRESSES_MAX = 10_000

/** Who was refused too often and comes back for more: a new connection is no new allowance. */
export class Offences {
  readonly #of = new Map<string, { count: number; at: number }>()

  /** A connection of an address ended with too many refusals. `now` is in milliseconds, on any clock that only goes forward. */
  add(address: string, now: number): void {
    const count = Math.min(REMEMBERED_MAX, this.#count(address, now) + 1)
    this.#of.delete(address)
    this.#of.set(address, { count, at: now })
    if (this.#of.size > ADDRESSES_MAX) for (const oldest of this.#of.keys()) return void this.#of.delete(oldest)
  }

  /** Whether an address has to wait. */
  has(address: string, now: number): boolean {
    return this.#count(address, now) >= OFFENCES_MAX
  }

  #count(address: string, now: number): number {
    const { count, at } = this.#of.get(address) ?? { count: 0, at: now }
    return Math.max(0, count - ((now - at) * FORGIVEN_PER_SECOND) / 1_000)
  }
}

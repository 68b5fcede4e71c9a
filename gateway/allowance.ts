/** What may be used at once, and comes back with time: `rate` a second, up to `most`. */
export class Allowance {
  readonly #rate: number
  readonly #most: number
  #left: number
  #refilledAt: number

  /** `now` is in milliseconds, on any clock that only goes forward. Full at first. */
  constructor(rate: number, most: number, now: number) {
    this.#rate = rate
    this.#most = most
    this.#left = most
    this.#refilledAt = now
  }

  /** Takes an amount, if there is that much. */
  take(amount: number, now: number): boolean {
    this.#left = Math.min(this.#most, this.#left + (Math.max(0, now - this.#refilledAt) * this.#rate) / 1_000)
    this.#refilledAt = now
    if (this.#left < amount) return false
    this.#left -= amount
    return true
  }
}

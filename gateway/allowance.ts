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
    this.#refill(now)
    if (this.#left < amount) return false
    this.#left -= amount
    return true
  }

  /** Milliseconds until so much may be spent; 0: now. What is more than can ever be there is spent where all is. */
  waitFor(amount: number, now: number): number {
    this.#refill(now)
    const missing = Math.min(amount, this.#most) - this.#left
    return missing <= 0 ? 0 : (missing * 1_000) / this.#rate
  }

  /** Takes an amount that may be spent, whatever is there: what is missing then has to come back first. */
  spend(amount: number): void {
    this.#left -= amount
  }

  /** Gives back what was taken and not used. */
  giveBack(amount: number): void {
    this.#left = Math.min(this.#most, this.#left + amount)
  }

  #refill(now: number): void {
    this.#left = Math.min(this.#most, this.#left + (Math.max(0, now - this.#refilledAt) * this.#rate) / 1_000)
    this.#refilledAt = now
  }
}

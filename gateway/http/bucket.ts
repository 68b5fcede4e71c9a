/** Who is remembered; who took longest ago is forgotten first, and is as good as new. */
const HOLDERS_MAX = 10_000

/** A rate for each of many: `rate` a second, and `most` at once after a pause. */
export class Buckets {
  readonly #rate: number
  readonly #most: number
  readonly #holders = new Map<string, { tokens: number; refilledAt: number }>()

  constructor(rate: number, most = rate) {
    this.#rate = rate
    this.#most = most
  }

  /** Takes an amount, if there is that much. `now` is in milliseconds, on any clock that only goes forward. */
  take(holder: string, now: number, amount = 1): boolean {
    const bucket = this.#holders.get(holder) ?? { tokens: this.#most, refilledAt: now }
    bucket.tokens = Math.min(this.#most, bucket.tokens + (Math.max(0, now - bucket.refilledAt) * this.#rate) / 1_000)
    bucket.refilledAt = now
    // In order of use, so that those who were full long ago are found first.
    this.#holders.delete(holder)
    this.#holders.set(holder, bucket)
    this.#forget(now)
    if (bucket.tokens < amount) return false
    bucket.tokens -= amount
    return true
  }

  /** Gives back what was taken and not used. */
  giveBack(holder: string, amount = 1): void {
    const bucket = this.#holders.get(holder)
    if (bucket !== undefined) bucket.tokens = Math.min(this.#most, bucket.tokens + amount)
  }

  /** Who has not taken for as long as it takes to be full is as good as new. */
  #forget(now: number): void {
    const fullMillis = (this.#most / this.#rate) * 1_000
    for (const [holder, { refilledAt }] of this.#holders) {
      if (now - refilledAt < fullMillis && this.#holders.size <= HOLDERS_MAX) return
      this.#holders.delete(holder)
    }
  }
}

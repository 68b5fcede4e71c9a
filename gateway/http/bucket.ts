/** A rate for each of many: `rate` a second, and as many at once after a pause. */
export class Buckets {
  readonly #rate: number
  readonly #holders = new Map<string, { tokens: number; refilledAt: number }>()

  constructor(rate: number) {
    this.#rate = rate
  }

  /** Takes one, if there is one. `now` is in milliseconds, on any clock that only goes forward. */
  take(holder: string, now: number): boolean {
    const bucket = this.#holders.get(holder) ?? { tokens: this.#rate, refilledAt: now }
    bucket.tokens = Math.min(this.#rate, bucket.tokens + (Math.max(0, now - bucket.refilledAt) * this.#rate) / 1_000)
    bucket.refilledAt = now
    // In order of use, so that those who were full long ago are found first.
    this.#holders.delete(holder)
    this.#holders.set(holder, bucket)
    this.#forget(now)
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }

  /** Who has not taken for a second is as good as new. */
  #forget(now: number): void {
    for (const [holder, { refilledAt }] of this.#holders) {
      if (now - refilledAt < 1_000) return
      this.#holders.delete(holder)
    }
  }
}

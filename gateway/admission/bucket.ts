import { Allowance } from "../allowance.ts"

/** Who is remembered; who took longest ago is forgotten first, and is as good as new. */
const HOLDERS_MAX = 10_000

/** An allowance for each of many: `rate` a second, and `most` at once after a pause. */
export class Buckets {
  readonly #rate: number
  readonly #most: number
  readonly #holders = new Map<string, { readonly allowance: Allowance; readonly usedAt: number }>()

  constructor(rate: number, most = rate) {
    this.#rate = rate
    this.#most = most
  }

  /** Takes an amount, if there is that much. `now` is in milliseconds, on any clock that only goes forward. */
  take(holder: string, now: number, amount = 1): boolean {
    const { allowance } = this.#holders.get(holder) ?? { allowance: new Allowance(this.#rate, this.#most, now) }
    // In order of use, so that those who were full long ago are found first.
    this.#holders.delete(holder)
    this.#holders.set(holder, { allowance, usedAt: now })
    this.#forget(now)
    return allowance.take(amount, now)
  }

  /** Gives back what was taken and not used. */
  giveBack(holder: string, amount = 1): void {
    this.#holders.get(holder)?.allowance.giveBack(amount)
  }

  /** Who has not taken for as long as it takes to be full is as good as new. */
  #forget(now: number): void {
    const fullMillis = (this.#most / this.#rate) * 1_000
    for (const [holder, { usedAt }] of this.#holders) {
      if (now - usedAt < fullMillis && this.#holders.size <= HOLDERS_MAX) return
      this.#holders.delete(holder)
    }
  }
}

import type { LinkCall } from "../log/link.ts"
import type { FaultKind, Rated } from "./faults.ts"
import type { Prng } from "./prng.ts"

/** What becomes of one call: how long it takes to the server and back, in milliseconds; nothing if it is lost there. */
export interface Fate {
  readonly thereMillis: number | undefined
  readonly backMillis: number | undefined
}

/** The probability for each call, delivery or activity. */
export type Rates = Readonly<Record<Rated, number>>

const NEAR_MILLIS = 2
const SLOW_MILLIS = 1_500
const LATE_MILLIS = 10_000

/** Says what goes wrong with a call, for as long as anything does. */
export class Chance {
  readonly #random: Prng
  readonly #rates: Rates
  readonly #hit: (kind: FaultKind) => void
  #healed = false

  constructor(random: Prng, rates: Rates, hit: (kind: FaultKind) => void) {
    this.#random = random
    this.#rates = rates
    this.#hit = hit
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.#healed = true
  }

  strikes(kind: Rated): boolean {
    const struck = this.#random.chance(this.#rates[kind]) && !this.#healed
    if (struck) this.#hit(kind)
    return struck
  }

  /** `timeoutMillis`: when the caller gives up. */
  fateOf(call: LinkCall, timeoutMillis: number): Fate {
    const thereMillis = this.delay()
    const backMillis = this.delay()
    if (call === "pull") return { thereMillis, backMillis }
    if (this.strikes("lost")) return { thereMillis: undefined, backMillis }
    if (this.strikes("unacked")) return { thereMillis, backMillis: undefined }
    if (this.strikes("late")) {
      return { thereMillis: timeoutMillis + this.#random.between(0, LATE_MILLIS), backMillis: undefined }
    }
    return { thereMillis, backMillis }
  }

  /** How long something is on its way. */
  delay(): number {
    const near = this.#random.next() ** 2 * NEAR_MILLIS
    return this.strikes("slow") ? near + this.#random.between(20, SLOW_MILLIS) : near
  }

  /** Any number below a bound. */
  below(bound: number): number {
    return this.#random.below(bound)
  }
}

import { type Address, formatAddress } from "../../address.ts"

const FIRST_WAIT_MILLIS = 60_000
const WAIT_MILLIS_MAX = 3_600_000

/**
 * When actors that the runtime has paused are tried again here: at once by a process that has not tried them, whose code may
 * be another one, and then after waits that double, from a minute up to an hour.
 */
export class Trials {
  readonly #now: () => number
  readonly #failed = new Map<string, Failed>()

  /** `now`: milliseconds by a clock that only goes forward. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Whether the actor may be tried now. */
  allows(address: Address): boolean {
    const failed = this.#failed.size === 0 ? undefined : this.#failed.get(formatAddress(address))
    return failed === undefined || failed.until <= this.#now()
  }

  /** It could not go on here. `isPaused`: that is known to all. Gives how long it is left alone, in milliseconds. */
  failed(address: Address, isPaused: boolean): number {
    const actor = formatAddress(address)
    const attempts = (this.#failed.get(actor)?.attempts ?? 0) + 1
    const wait = Math.min(FIRST_WAIT_MILLIS * 2 ** (attempts - 1), WAIT_MILLIS_MAX)
    this.#failed.set(actor, { attempts, until: this.#now() + wait, seen: isPaused })
    return wait
  }

  /** It is not paused: what was before counts no longer. */
  forget(address: Address): void {
    this.#failed.delete(formatAddress(address))
  }

  /** Forgets those that were seen to be paused and are no longer. */
  keep(isPaused: (actor: string) => boolean): void {
    for (const [actor, failed] of this.#failed) {
      if (isPaused(actor)) failed.seen = true
      else if (failed.seen) this.#failed.delete(actor)
    }
  }
}

interface Failed {
  readonly attempts: number
  readonly until: number
  seen: boolean
}

import { everything, type Grant } from "../auth/grant.ts"

/** Connections of one offender that may end with too many refusals, one after the other; so many are forgiven in a second. */
const OFFENCES_MAX = 10
const FORGIVEN_PER_SECOND = 2
/** So many more are remembered, so that it ends some seconds after the last one. */
const REMEMBERED_MAX = 2 * OFFENCES_MAX
const OFFENDERS_MAX = 10_000

/** Who is meant: who has said who it is, wherever it comes from, else all of its address. */
export const offenderOf = (address: string, grant: Grant | undefined): string =>
  grant === undefined || grant === everything ? address : `subject ${grant.subject}`

/** Who was refused too often and comes back for more: a new connection is no new allowance. */
export class Offences {
  readonly #of = new Map<string, { count: number; at: number }>()

  /** A connection of an offender ended with too many refusals. `now` is in milliseconds, on any clock that only goes forward. */
  add(who: string, now: number): void {
    const count = Math.min(REMEMBERED_MAX, this.#count(who, now) + 1)
    this.#of.delete(who)
    this.#of.set(who, { count, at: now })
    if (this.#of.size > OFFENDERS_MAX) for (const oldest of this.#of.keys()) return void this.#of.delete(oldest)
  }

  /** Whether an offender has to wait. */
  has(who: string, now: number): boolean {
    return this.#count(who, now) >= OFFENCES_MAX
  }

  #count(who: string, now: number): number {
    const { count, at } = this.#of.get(who) ?? { count: 0, at: now }
    return Math.max(0, count - ((now - at) * FORGIVEN_PER_SECOND) / 1_000)
  }
}

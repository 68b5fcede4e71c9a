// The order of bars in time.
import { fault, type MarketDataError } from "./errors.ts"
import type { Notices } from "./notices.ts"
import type { ReadBar } from "./read-bar.ts"

const HOUR_MILLIS = 3_600_000

export interface OrderOptions {
  readonly skipBad: boolean
  /** Whether times have an offset, or are days: then no hour comes twice. */
  readonly certain: boolean
}

/**
 * Sees that each bar is later than the one before it. It holds the last one back: the newest bar may stand twice, as sites give it out that
 * count the day that is not over; then the later row counts.
 */
export class InOrder {
  readonly #notices: Notices
  readonly #options: OrderOptions
  #held: ReadBar | undefined
  #again: ReadBar | undefined
  /** The time of the last bar that was given. */
  #given: number | undefined
  /** A bar before the held one: the bar after it tells which of the two has the wrong time. */
  #earlier: ReadBar | undefined

  constructor(notices: Notices, options: OrderOptions) {
    this.#notices = notices
    this.#options = options
  }

  /** The time of the last bar that is not in doubt. */
  get newest(): number {
    return (this.#earlier ?? this.#held)?.bar.time ?? Number.NEGATIVE_INFINITY
  }

  /** Takes a bar, and gives the one before it once that is certain. */
  take(next: ReadBar): ReadBar | undefined | MarketDataError {
    const settled = this.#settle(next)
    if (settled !== undefined) return settled
    const held = this.#held
    if (held === undefined) {
      this.#held = next
      return undefined
    }
    if (this.#mayGoOn(held, next)) {
      this.#earlier = next
      return undefined
    }
    if (next.bar.time === held.bar.time) return this.#same(held, next)
    const wrong = next.bar.time < held.bar.time ? this.#backwards(held, next) : this.#doubtful()
    const refused = wrong === undefined ? undefined : this.#refuse(wrong)
    if (refused !== undefined) return refused
    this.#again = undefined
    if (next.bar.time < held.bar.time) return undefined
    this.#held = next
    this.#given = held.bar.time
    return held
  }

  /** Whether a bar before the held one still comes after all others, so that the held one may be the wrong one. */
  #mayGoOn(held: ReadBar, next: ReadBar): boolean {
    const back = held.bar.time - next.bar.time
    if (back <= 0 || this.#again !== undefined || (!this.#options.certain && back <= HOUR_MILLIS)) return false
    return this.#given === undefined || next.bar.time > this.#given
  }

  /** Where the bars go on from the earlier one, the held one is wrong, and else the earlier one. */
  #settle(next: ReadBar | undefined): undefined | MarketDataError {
    const [held, earlier] = [this.#held, this.#earlier]
    this.#earlier = undefined
    if (held === undefined || earlier === undefined) return undefined
    const goesOn = next !== undefined && next.bar.time > earlier.bar.time && next.bar.time < held.bar.time
    if (!goesOn) return this.#refuse(this.#backwards(held, earlier))
    this.#held = earlier
    return this.#refuse(
      fault("the time is later than those of the rows below: rows must be oldest first", held.line, "date")
    )
  }

  /** The last bar. */
  end(): ReadBar | undefined | MarketDataError {
    const settled = this.#settle(undefined)
    if (settled !== undefined) return settled
    const last = this.#again ?? this.#held
    if (this.#again !== undefined) this.#notices.add("twice", this.#again.line)
    this.#held = undefined
    this.#again = undefined
    return last
  }

  #same(held: ReadBar, next: ReadBar): undefined | MarketDataError {
    const wrong = this.#doubtful()
    const refused = wrong === undefined ? undefined : this.#refuse(wrong)
    if (refused !== undefined) return refused
    if (isSame(held, next)) this.#notices.add("twice", next.line)
    else this.#again = next
    return undefined
  }

  /** Of a time in the middle nobody can say which of two rows counts. */
  #doubtful(): MarketDataError | undefined {
    if (this.#again === undefined) return undefined
    const rule = this.#options.certain
      ? "the time is that of the row before, with other prices: see whether the file holds two series"
      : "the time is that of the row before, with other prices: see whether the file holds two series, or say by --time-zone where its clock stands, which shows an hour twice where summer time ends"
    return fault(rule, this.#again.line, "date")
  }

  #backwards(held: ReadBar, next: ReadBar): MarketDataError {
    const back = held.bar.time - next.bar.time
    const rule =
      !this.#options.certain && back <= HOUR_MILLIS
        ? "time goes backwards by an hour or less, as where summer time ends: say by --time-zone where its clock stands, such as Europe/Berlin"
        : "time goes backwards: rows must be oldest first, or all newest first"
    return fault(rule, next.line, "date")
  }

  #refuse(wrong: MarketDataError): undefined | MarketDataError {
    if (!this.#options.skipBad) return wrong
    this.#notices.add("bad_row", wrong.line ?? 0, wrong.message)
    this.#again = undefined
    return undefined
  }
}

const isSame = (one: ReadBar, other: ReadBar): boolean =>
  (["open", "high", "low", "close", "volume"] as const).every((each) => one.bar[each] === other.bar[each])

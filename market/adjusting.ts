// Splits that a file names, and whether its prices have been adjusted for them.
import type { ReadBar } from "./read-bar.ts"

/** Splits that prices were not adjusted for, the latest first: when, in the exchange's clock, and new shares for one old. */
export type Splits = ReadonlyArray<{ readonly local: number; readonly ratio: number }>

/** What a price of this time is multiplied by to be one of today's shares. */
export const factorOf = (splits: Splits, local: number): number => {
  let factor = 1
  for (const split of splits) {
    if (split.local <= local) break
    factor /= split.ratio
  }
  return factor
}

/**
 * Looks at bars as they are written, oldest first. A file that names a split may have been adjusted for it already, as those are that most sites
 * give out: only where the price jumps by the split, it was not.
 */
export class SplitScan {
  readonly #found: Array<{ local: number; ratio: number }> = []
  #close: number | undefined

  add({ bar, local, split }: ReadBar): void {
    if (split !== 1 && this.#close !== undefined && isJump(bar.open / this.#close, split)) {
      this.#found.push({ local, ratio: split })
    }
    this.#close = bar.close
  }

  get splits(): Splits {
    return this.#found.toReversed()
  }
}

/** Ratios from here on change a price by more than a day usually does. */
const LARGE = Math.log(1.5)
/** By what part of itself a smaller one may be missed, and be a split still. */
const MISSED_MAX = 0.25

/**
 * Whether a change is nearer to what the split makes of a price than to none. Dividends in shares and spin-offs are no larger than what
 * markets do by themselves: for them it has to be what they make of a price, or nearly so.
 */
const isJump = (change: number, ratio: number): boolean => {
  const [missed, size] = [Math.abs(Math.log(change * ratio)), Math.abs(Math.log(ratio))]
  return missed < Math.abs(Math.log(change)) && (size >= LARGE || missed <= MISSED_MAX * size)
}

// Whether bars change their length in the middle: days that go on as minutes, say.

/** So many gaps in a row without the one that was usual before are no night, weekend or holiday any more. */
const STRETCH = 20
/** A month, a year and a day on which the clocks change are as long as others of their kind. */
const ALIKE = 1.12
/** By so much two lengths differ that are of different bars. */
const RATIO = 1.9

/** From one usual time between bars to another, in milliseconds; the line is that of the first bar after the change. */
export interface ScaleChange {
  readonly line: number
  readonly from: number
  readonly to: number
}

/**
 * Follows the usual time between bars. Where that one is not met for a stretch, most of which is of one other length, this is the usual time from then on.
 * Bars without a usual time, as trades of their own, never change it.
 */
export class Scale {
  #usual: number | undefined
  #stretch: Array<{ readonly gap: number; readonly line: number }> = []

  /** The time from one bar to the next, in milliseconds, and the line of the next one; what changed with this stretch, if anything did. */
  add(gap: number, line: number): ScaleChange | undefined {
    const from = this.#usual
    if (from !== undefined && apart(gap, from) < ALIKE) {
      this.#stretch = []
      return undefined
    }
    this.#stretch.push({ gap, line })
    if (this.#stretch.length < STRETCH) return undefined
    const stretch = this.#stretch
    const to = mostOf(stretch.map((each) => each.gap))
    this.#stretch = []
    if (to === undefined) return undefined
    this.#usual = to
    if (from === undefined || apart(from, to) < RATIO) return undefined
    // A weekend before the change is still of what was.
    return { line: stretch.find((each) => apart(each.gap, to) < ALIKE)?.line ?? line, from, to }
  }
}

const apart = (one: number, other: number): number => Math.max(one, other) / Math.min(one, other)

/** The commonest, of equal ones the shortest, if at least half are like it. */
const mostOf = (gaps: ReadonlyArray<number>): number | undefined => {
  const counted = new Map<number, number>()
  for (const gap of gaps) counted.set(gap, (counted.get(gap) ?? 0) + 1)
  const [commonest = 0] = [...counted].toSorted(([a, one], [b, other]) => other - one || a - b)[0] ?? []
  return gaps.filter((gap) => apart(gap, commonest) < ALIKE).length * 2 >= gaps.length ? commonest : undefined
}

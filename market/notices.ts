// What is to be said of a file of prices: what was left out or taken otherwise than it is written, and what looks wrong.

/** What was done with rows, or what is noticed of them. */
export interface Notice {
  readonly kind: NoticeKind
  /** A warning: what the bars say may be wrong. Else only what was done. */
  readonly warning: boolean
  /** One sentence, with the lines. */
  readonly text: string
  readonly count: number
  /** The first of the lines in the file, at most 5. */
  readonly lines: ReadonlyArray<number>
}

/** What each kind is, as a sentence that its lines follow. */
export const KINDS = {
  bad_row: "bad rows were left out",
  without_prices: "rows without prices were left out",
  without_trade: "rows without a trade, whose prices are 0, were left out",
  not_a_row: "rows that are no bars, such as notes, were left out",
  header_again: "repeated headers were left out",
  other_symbol: "rows of other symbols were left out",
  other_name: "rows are of a symbol with another name than the one that was asked for",
  twice: "rows stand twice, the later one was taken",
  rounded: "highs or lows are off by a rounding error, and were set to the price beside them",
  volume_missing: "volumes that are no number were taken as 0",
  adjusted: "rows were adjusted by the column of adjusted closes, volume along with them",
  split_adjusted: "rows were adjusted for later splits, volume along with them",
  outlier: "prices are far from those beside them: a misplaced decimal mark, or another unit",
  split_like: "prices jump as at a split that was not adjusted for",
  jump: "prices jump, and stay there",
  hole: "long stretches of time have no bars",
  mixed_intervals: "changes of the time between bars, for good: bars of several lengths in one file",
  flat: "stretches of ten or more bars in which the price does not move",
  later_unordered: "rows behind the last time that was asked for go back in time: one of them may belong before it",
  no_volume: "bars have no volume, and others have"
} as const
export type NoticeKind = keyof typeof KINDS

/** The kinds that are warnings. */
export const WARNINGS: ReadonlySet<NoticeKind> = new Set([
  "bad_row",
  "other_name",
  "outlier",
  "split_like",
  "jump",
  "hole",
  "mixed_intervals",
  "flat",
  "later_unordered",
  "no_volume"
])

const LINES_MAX = 5

/** Counts what is noticed, by kind. It keeps the first lines of each, and no more, however long the file is. */
export class Notices {
  readonly #found = new Map<NoticeKind, { count: number; lines: Array<number>; detail: string | undefined }>()

  /** `detail` is said of the first of a kind. */
  add(kind: NoticeKind, line: number, detail?: string): void {
    const found = this.#found.get(kind)
    if (found === undefined) this.#found.set(kind, { count: 1, lines: [line], detail })
    else {
      found.count++
      if (found.lines.length < LINES_MAX) found.lines.push(line)
    }
  }

  get copy(): Notices {
    const copy = new Notices()
    for (const [kind, { count, lines, detail }] of this.#found)
      copy.#found.set(kind, { count, lines: [...lines], detail })
    return copy
  }

  get all(): ReadonlyArray<Notice> {
    return [...this.#found].map(([kind, { count, lines, detail }]) => ({
      ...{ kind, warning: WARNINGS.has(kind), count, lines: [...lines] },
      text: textOf(kind, count, lines, detail)
    }))
  }
}

const textOf = (kind: NoticeKind, count: number, lines: ReadonlyArray<number>, detail: string | undefined): string => {
  const more = count > lines.length ? ", …" : ""
  const where = `${count === 1 ? "line" : "lines"} ${lines.join(", ")}${more}`
  return `${KINDS[kind]} (${count} in all, ${where}${detail === undefined ? "" : `; ${detail}`})`
}

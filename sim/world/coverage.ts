import type { FaultKind } from "./faults.ts"

/** Faults that strike within so many milliseconds of one another meet. */
const MEET_MILLIS = 5_000

/** Which faults struck, how often, and which of them met. */
export class Coverage {
  readonly hits = new Map<FaultKind, number>()
  /** By pair, such as `crash+full`: how often the one struck soon after the other. */
  readonly pairs = new Map<string, number>()
  readonly #last = new Map<FaultKind, number>()

  hit(kind: FaultKind, now: number): void {
    count(this.hits, kind, 1)
    for (const [other, at] of this.#last) {
      if (other !== kind && now - at <= MEET_MILLIS) count(this.pairs, pairOf(kind, other), 1)
    }
    this.#last.set(kind, now)
  }

  /** Adds what another run has covered. */
  add(other: Pick<Coverage, "hits" | "pairs">): this {
    for (const [kind, hits] of other.hits) count(this.hits, kind, hits)
    for (const [pair, meetings] of other.pairs) count(this.pairs, pair, meetings)
    return this
  }
}

/** The pairs that kinds of faults can form. */
export const pairsOf = (kinds: ReadonlyArray<FaultKind>): ReadonlyArray<string> =>
  kinds.flatMap((one, index) => kinds.slice(index + 1).map((other) => pairOf(one, other)))

const count = <K>(counts: Map<K, number>, key: K, more: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + more)
}

const pairOf = (one: FaultKind, other: FaultKind): string => (one < other ? `${one}+${other}` : `${other}+${one}`)

import type { FaultKind } from "./faults.ts"

/** Faults that strike within so many milliseconds of one another meet. */
const MEET_MILLIS = 5_000

/** Which faults struck, how often, and which of them met. */
export class Coverage {
  readonly hits = new Map<FaultKind, number>()
  readonly pairs = new Map<string, number>()
  readonly #last = new Map<FaultKind, number>()

  hit(kind: FaultKind, now: number): void {
    this.hits.set(kind, (this.hits.get(kind) ?? 0) + 1)
    for (const [other, at] of this.#last) {
      if (other !== kind && now - at <= MEET_MILLIS) add(this.pairs, pairOf(kind, other), 1)
    }
    this.#last.set(kind, now)
  }

  /** Adds what another run has covered. */
  add(other: Coverage): void {
    for (const [kind, count] of other.hits) add(this.hits, kind, count)
    for (const [pair, count] of other.pairs) add(this.pairs, pair, count)
  }
}

const add = <K>(counts: Map<K, number>, key: K, count: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + count)
}

const pairOf = (one: FaultKind, other: FaultKind): string => (one < other ? `${one}+${other}` : `${other}+${one}`)

import type { Mail } from "../log.ts"

/** Mail of types that a shard does not serve: of each type from which sequence to which it may be undone. */
export class Foreign {
  readonly #types = new Map<string, { from: number; upTo: number }>()

  add({ to: { type }, sequence }: Mail): void {
    const present = this.#types.get(type)
    if (present === undefined) this.#types.set(type, { from: sequence, upTo: sequence })
    else present.upTo = sequence
  }

  /** The oldest sequence that may be undone, of all types; infinite if there is none. `done` says up to where a type's mail is. */
  oldest(done: (type: string) => number): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const [type, range] of this.#types) {
      const upTo = done(type)
      if (upTo >= range.upTo) this.#types.delete(type)
      else range.from = Math.max(range.from, upTo + 1)
      if (this.#types.has(type)) oldest = Math.min(oldest, range.from)
    }
    return oldest
  }
}

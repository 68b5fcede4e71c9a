import type { Mail } from "../../log.ts"
import type { Undone } from "./aside.ts"

/** Mail of types that a shard does not serve: of each type from which sequence to which it may be undone. */
export class Foreign {
  readonly #types = new Map<string, { from: number; upTo: number }>()

  add({ to: { type }, sequence }: Mail): void {
    const present = this.#types.get(type)
    if (present === undefined) this.#types.set(type, { from: sequence, upTo: sequence })
    else present.upTo = sequence
  }

  /** By type, the oldest sequence that may be undone. `done` says up to where a type's mail is. */
  undone(done: (type: string) => number): ReadonlyArray<Undone> {
    const undone: Array<Undone> = []
    for (const [type, range] of this.#types) {
      const upTo = done(type)
      range.from = Math.max(range.from, upTo + 1)
      if (upTo >= range.upTo) this.#types.delete(type)
      else undone.push([type, range.from])
    }
    return undone
  }
}

/** Who holds bytes of it. */
export interface Holder {
  /** Has to hold no more than so many bytes from now on, or none where that cannot be. */
  readonly shrinkTo: (bytes: number) => void
}

/** What one holder has of it, in bytes. */
export interface MemoryShare {
  readonly hold: (bytes: number) => void
}

/** Once it is used up, so much of it is freed: who looks for the largest shares each time would do nothing else. */
const FREED = 0.1

/**
 * The memory that all queues may take together.
 *
 * Where they come to more, the largest shares shrink to the same size, so that who reads is not touched by those who do not.
 */
export class QueueMemory {
  readonly #bytesMax: number
  readonly #held = new Map<Holder, number>()
  #bytes = 0
  #shrinking = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  share(holder: Holder): MemoryShare {
    return {
      hold: (bytes) => {
        this.#bytes += bytes - (this.#held.get(holder) ?? 0)
        if (bytes === 0) this.#held.delete(holder)
        else this.#held.set(holder, bytes)
        if (this.#bytes > this.#bytesMax && !this.#shrinking) this.#shrink()
      }
    }
  }

  #shrink(): void {
    this.#shrinking = true
    try {
      const level = levelOf([...this.#held.values()], this.#bytesMax * (1 - FREED))
      for (const [holder, bytes] of [...this.#held]) if (bytes > level) holder.shrinkTo(level)
    } finally {
      this.#shrinking = false
    }
  }
}

/** The size to which the larger ones have to shrink so that all together are no more than `target`. */
const levelOf = (sizes: ReadonlyArray<number>, target: number): number => {
  const ascending = sizes.toSorted((one, other) => one - other)
  let rest = target
  for (const [index, size] of ascending.entries()) {
    const each = rest / (ascending.length - index)
    if (size > each) return Math.floor(each)
    rest -= size
  }
  return target
}

/** When a world begins, in milliseconds since 1970: any time would do, as long as it is always the same. */
export const BEGINNING = 1_700_000_000_000

interface Happening {
  readonly time: number
  readonly order: number
  readonly run: () => void
}

/**
 * The time of a world. Nothing happens but what is on it, one thing after the other: the earliest first, and of those at
 * one time the one that was put there first.
 */
export class Timeline {
  /** A binary heap. */
  readonly #heap: Array<Happening> = []
  #order = 0
  #now = BEGINNING

  /** Milliseconds since 1970, with fractions. */
  readonly now = (): number => this.#now

  /** Milliseconds since the beginning. */
  get elapsed(): number {
    return this.#now - BEGINNING
  }

  /** How many things have happened. */
  happened = 0

  readonly at = (time: number, run: () => void): void => {
    const happening = { time: Math.max(time, this.#now), order: this.#order++, run }
    const heap = this.#heap
    let index = heap.length
    heap.push(happening)
    while (index > 0) {
      const parent = (index - 1) >>> 1
      if (!isBefore(happening, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = happening
  }

  after(millis: number, run: () => void): void {
    this.at(this.#now + millis, run)
  }

  /** Lets the next thing happen. False if there is none. */
  step(): boolean {
    const next = this.#heap[0]
    const last = this.#heap.pop()
    if (next === undefined || last === undefined) return false
    if (this.#heap.length > 0) this.#sink(last)
    this.#now = next.time
    this.happened++
    next.run()
    return true
  }

  #sink(happening: Happening): void {
    const heap = this.#heap
    let index = 0
    while (true) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, happening)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = happening
  }
}

const isBefore = (one: Happening, other: Happening): boolean =>
  one.time < other.time || (one.time === other.time && one.order < other.order)

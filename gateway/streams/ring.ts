import type { EncodedEvent } from "./encode.ts"

/**
 * The newest events of a pattern, so that who was away for a moment need not be served from the log.
 *
 * Holds every event after `floor`, oldest first; at most `countMax` of them and at most `bytesMax` bytes.
 */
export class Ring {
  readonly #countMax: number
  readonly #bytesMax: number
  #events: Array<EncodedEvent> = []
  /** Where the first one is: what is before it is gone, and cut off now and then. */
  #start = 0
  #bytes = 0
  #floor: number
  #position: number

  constructor(position: number, countMax: number, bytesMax: number) {
    this.#countMax = countMax
    this.#bytesMax = bytesMax
    this.#floor = position
    this.#position = position
  }

  /** Every event after this sequence is here. */
  get floor(): number {
    return this.#floor
  }

  /** The sequence of the last event, or where the ring began. */
  get position(): number {
    return this.#position
  }

  add(event: EncodedEvent): void {
    this.#events.push(event)
    this.#bytes += event.opening.length
    this.#position = event.sequence
    while (this.#events.length - this.#start > this.#countMax || this.#bytes > this.#bytesMax) {
      const oldest = this.#events[this.#start++]!
      this.#bytes -= oldest.opening.length
      this.#floor = oldest.sequence
    }
    if (this.#start > this.#countMax) {
      this.#events = this.#events.slice(this.#start)
      this.#start = 0
    }
  }

  /** The events after a sequence which is not below the floor. */
  *after(sequence: number): Generator<EncodedEvent> {
    let low = this.#start
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#events[middle]!.sequence > sequence) high = middle
      else low = middle + 1
    }
    for (let index = low; index < this.#events.length; index++) yield this.#events[index]!
  }
}

import type { EncodedEvent } from "./encode.ts"

/** What all rings hold together, in characters, and may. */
export interface RingRoom {
  held: number
  readonly most: number
}

/**
 * The newest events of a pattern, so that who was away for a moment need not be served from the log.
 *
 * Holds every event after `floor`, oldest first; at most `countMax` of them and at most `bytesMax` bytes, and none but the newest
 * where all rings together hold as much as they may.
 */
export class Ring {
  readonly #countMax: number
  readonly #bytesMax: number
  #events: Array<EncodedEvent> = []
  /** Where the first one is: what is before it is gone, and cut off now and then. */
  #start = 0
  #bytes = 0
  readonly #room: RingRoom
  #floor: number
  #position: number

  constructor(
    position: number,
    countMax: number,
    bytesMax: number,
    room: RingRoom = { held: 0, most: Number.POSITIVE_INFINITY }
  ) {
    this.#room = room
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
    this.#room.held += event.opening.length
    this.#position = event.sequence
    while (this.#isFull()) {
      const oldest = this.#events[this.#start++]!
      this.#bytes -= oldest.opening.length
      this.#room.held -= oldest.opening.length
      this.#floor = oldest.sequence
    }
    if (this.#start > this.#countMax || this.#start > this.#events.length / 2) {
      this.#events = this.#events.slice(this.#start)
      this.#start = 0
    }
  }

  /** It is not used any more. */
  end(): void {
    this.#room.held -= this.#bytes
    this.#bytes = 0
  }

  #isFull(): boolean {
    const count = this.#events.length - this.#start
    const crowded = this.#room.held > this.#room.most && count > 1
    return count > this.#countMax || this.#bytes > this.#bytesMax || crowded
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

/**
 * How far a shard's mail is done, where the mail of its actors is done out of order.
 *
 * Sequences are delivered in growing order.
 */
export class Progress {
  /** Delivered sequences not yet behind us, oldest first, from `#head` on. */
  #delivered: Array<number> = []
  #head = 0
  readonly #done = new Set<number>()
  #lastDelivered = 0

  get lastDelivered(): number {
    return this.#lastDelivered
  }

  /** How many messages are delivered and not done. */
  get open(): number {
    return this.#delivered.length - this.#head - this.#done.size
  }

  /** The oldest sequence that is delivered and not done. */
  get oldestOpen(): number | undefined {
    return this.#delivered[this.#head]
  }

  /** Everything delivered at or below it is done, and may be removed from the mailbox. */
  get doneUpTo(): number {
    return (this.oldestOpen ?? this.#lastDelivered + 1) - 1
  }

  delivered(sequence: number): void {
    this.#delivered.push(sequence)
    this.#lastDelivered = sequence
  }

  done(sequence: number): void {
    this.#done.add(sequence)
    while (this.#head < this.#delivered.length && this.#done.delete(this.#delivered[this.#head]!)) this.#head++
    if (this.#head > 1_024 && this.#head * 2 > this.#delivered.length) {
      this.#delivered = this.#delivered.slice(this.#head)
      this.#head = 0
    }
  }
}

/**
 * How far a shard's mail is done, where the mail of its actors is done out of order.
 *
 * Sequences are delivered in growing order. What is at or below `doneUpTo` may be removed from the mailbox.
 */
export class Progress {
  /** Delivered sequences not yet behind us, oldest first, from `#head` on. */
  #delivered: Array<number> = []
  #head = 0
  readonly #done = new Set<number>()
  #doneUpTo = 0

  get doneUpTo(): number {
    return this.#doneUpTo
  }

  /** How many messages are delivered and not done. */
  get open(): number {
    return this.#delivered.length - this.#head - this.#done.size
  }

  delivered(sequence: number): void {
    this.#delivered.push(sequence)
  }

  done(sequence: number): void {
    this.#done.add(sequence)
    while (this.#head < this.#delivered.length && this.#done.delete(this.#delivered[this.#head]!)) {
      this.#doneUpTo = this.#delivered[this.#head]!
      this.#head++
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#delivered.length) {
      this.#delivered = this.#delivered.slice(this.#head)
      this.#head = 0
    }
  }
}

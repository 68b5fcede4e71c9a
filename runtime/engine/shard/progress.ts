/**
 * How far a shard's mail is done, where the mail of its actors is done out of order.
 *
 * Sequences are delivered in growing order. It holds no more than what is open, however much is done behind that.
 */
export class MailProgress {
  /** Delivered and not done, oldest first. */
  readonly #open = new Set<number>()
  #lastDelivered = 0

  get lastDelivered(): number {
    return this.#lastDelivered
  }

  /** How many messages are delivered and not done. */
  get open(): number {
    return this.#open.size
  }

  /** The oldest sequence that is delivered and not done. */
  get oldestOpen(): number | undefined {
    for (const oldest of this.#open) return oldest
    return undefined
  }

  /** Everything delivered at or below it is done, and may be removed from the mailbox. */
  get doneUpTo(): number {
    return (this.oldestOpen ?? this.#lastDelivered + 1) - 1
  }

  delivered(sequence: number): void {
    this.#open.add(sequence)
    this.#lastDelivered = sequence
  }

  /** It was delivered, and whether it is done is known elsewhere. */
  passed(sequence: number): void {
    this.#lastDelivered = sequence
  }

  done(sequence: number): void {
    this.#open.delete(sequence)
  }
}

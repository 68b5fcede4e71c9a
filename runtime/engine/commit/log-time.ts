/** So long a difference between two clocks is believed, in milliseconds, and at most twice as long. */
const WINDOW_MILLIS = 10_000

/**
 * What a node knows of the log's time, by the messages that it was given: never later than it is, and as late as the message that
 * waited least within some seconds tells. A clock that is set back, at a server that follows another, is believed again after
 * some seconds.
 */
export class LogTime {
  #windowEnd = Number.NEGATIVE_INFINITY
  /** The log's time less the node's, at least: in this window and in the one before. */
  #ahead = Number.NEGATIVE_INFINITY
  #aheadBefore = Number.NEGATIVE_INFINITY

  /**
   * A message was given to the node.
   *
   * @param time when the log stored it, in milliseconds since 1970 by its own time
   * @param now milliseconds by the node's clock that only goes forward
   */
  met(time: number, now: number): void {
    this.#turn(now)
    this.#ahead = Math.max(this.#ahead, time - now)
  }

  /** So late it is by the log's time at least, in milliseconds since 1970. */
  atLeast(now: number): number {
    this.#turn(now)
    return now + Math.max(this.#ahead, this.#aheadBefore)
  }

  #turn(now: number): void {
    if (now < this.#windowEnd) return
    this.#aheadBefore = now < this.#windowEnd + WINDOW_MILLIS ? this.#ahead : Number.NEGATIVE_INFINITY
    this.#ahead = Number.NEGATIVE_INFINITY
    this.#windowEnd = now + WINDOW_MILLIS
  }
}

/**
 * How old what is stored is, by the time of the servers: that of the newest message that was seen of them. No clock of
 * ours is in it, which may be wrong.
 */
export class ServerTime {
  #newest = 0

  /** The servers have said that it is so late, in milliseconds since 1970. */
  see(time: number): void {
    if (time > this.#newest) this.#newest = time
  }

  /**
   * Whether a lease that was stored at a time has run out. True only if it has; a lease that just ran out may pass for
   * one that has not, for as long again: servers of a cluster do not all have the same time.
   */
  hasRunOut(stored: number, ttlMillis: number): boolean {
    return this.#newest - stored > 2 * ttlMillis
  }
}

/** Random pauses, in milliseconds: the longest that one may be doubles with each, so that many who failed together do not try again together. */
export class Backoff {
  readonly #least: number
  readonly #most: number
  #tries = 0

  constructor([least, most]: readonly [least: number, most: number]) {
    this.#least = least
    this.#most = most
  }

  next(): number {
    return Math.random() * Math.min(this.#most, this.#least * 2 ** this.#tries++)
  }

  /** It succeeded: the next failure is a first one. */
  reset(): void {
    this.#tries = 0
  }
}

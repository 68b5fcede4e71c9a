import { Stream } from "effect"

/**
 * Events as they come, for one `for await`: leaving it unsubscribes. Each event is given once, in order; those that were queued
 * when it ended are still given.
 */
export class Subscription<E> implements AsyncIterable<E>, AsyncDisposable {
  readonly #events: AsyncIterator<E>
  readonly #dropped: () => number
  readonly #close: () => Promise<void>
  #unsubscribed = false

  constructor(events: Stream.Stream<E, unknown>, dropped: () => number, close: () => Promise<void>) {
    this.#events = Stream.toAsyncIterable(events)[Symbol.asyncIterator]()
    this.#dropped = dropped
    this.#close = close
  }

  /** How many events were forgotten because the queue was full. */
  get dropped(): number {
    return this.#dropped()
  }

  [Symbol.asyncIterator](): AsyncIterator<E> {
    return {
      next: () => this.#events.next(),
      return: async () => {
        await this.unsubscribe()
        return { done: true, value: undefined }
      }
    }
  }

  /** Calls back for each event until it ends; `tell` hears what a callback threw, and why it ended by itself. */
  async forEach(callback: (event: E) => void | PromiseLike<void>, tell: (error: unknown) => void): Promise<void> {
    try {
      for await (const event of this) {
        if (this.#unsubscribed) return
        try {
          await callback(event)
        } catch (error) {
          tell(error)
        }
      }
    } catch (error) {
      tell(error)
    }
  }

  /** Ends it. */
  unsubscribe(): Promise<void> {
    this.#unsubscribed = true
    return this.#close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unsubscribe()
  }
}

import { Stream } from "effect"
import { printable } from "./running-errors.ts"

/**
 * Events as they come, for one `for await`: leaving it unsubscribes. Each event is given once, in order; those that were queued
 * when it ended are still given. It is rejected where it ended by itself: `SubscriptionOverflow`, or `SystemBroken`.
 */
export class Subscription<E> implements AsyncIterable<E>, AsyncDisposable {
  readonly #events: AsyncIterator<E>
  readonly #dropped: () => number
  readonly #close: () => Promise<void>
  #unsubscribed = false
  #reason: Error | undefined

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
      next: () => this.#next(),
      return: async () => {
        await this.unsubscribe()
        return { done: true, value: undefined }
      }
    }
  }

  async #next(): Promise<IteratorResult<E>> {
    const next = await this.#events.next().catch((error: unknown) => {
      throw printable(error)
    })
    if (next.done !== true || this.#reason === undefined || this.#unsubscribed) return next
    const reason = this.#reason
    // Told once; then it has ended.
    this.#reason = undefined
    throw reason
  }

  /** Ends it with an error, after what is queued. */
  end(reason: Error): Promise<void> {
    this.#reason ??= reason
    return this.#close()
  }

  /** Calls back for each event until it ends; `tell`, which throws nothing, hears what a callback threw, and why it ended by itself. */
  async forEach(
    callback: (event: E) => void | PromiseLike<void>,
    tell: (error: unknown) => Promise<void>
  ): Promise<void> {
    try {
      for await (const event of this) {
        if (this.#unsubscribed) return
        try {
          await callback(event)
        } catch (error) {
          await tell(error)
        }
      }
    } catch (error) {
      await tell(error)
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

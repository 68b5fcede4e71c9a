import type { SlowPolicy } from "../../protocols/index.ts"

/** What became of the events of a subscription. `produced` is always the sum of the other four. */
export interface DeliveryStats {
  /** Events that there were for it. */
  readonly produced: number
  readonly sent: number
  /** Lost, and told in a `gap`. */
  readonly dropped: number
  /** Left out because a newer event of the same subject took their place. */
  readonly conflated: number
  /** Not sent yet. */
  readonly waiting: number
}

export const NOTHING: DeliveryStats = { produced: 0, sent: 0, dropped: 0, conflated: 0, waiting: 0 }

export const sumOf = (one: DeliveryStats, other: DeliveryStats): DeliveryStats => ({
  produced: one.produced + other.produced,
  sent: one.sent + other.sent,
  dropped: one.dropped + other.dropped,
  conflated: one.conflated + other.conflated,
  waiting: one.waiting + other.waiting
})

/** Counts what becomes of events, of as many subscriptions as use it together. */
export class DeliveryTally {
  sent = 0
  dropped = 0
  conflated = 0
  waiting = 0

  get account(): DeliveryStats {
    const { sent, dropped, conflated, waiting } = this
    return { produced: sent + dropped + conflated + waiting, sent, dropped, conflated, waiting }
  }
}

/** Events that were dropped, one after the other. */
export interface Dropped {
  readonly from: number
  readonly to: number
  readonly count: number
}

export interface SubscriptionQueueOptions {
  readonly onSlow: SlowPolicy
  /** What may wait here, in bytes. */
  readonly bytesMax: number
}

/** Something that waits to be sent: an event, or words about the subscription, which are never lost. */
interface QueuedEvent {
  readonly text: string
  readonly bytes: number
  /** The event's sequence; none of words. */
  readonly sequence: number | undefined
}

/**
 * What waits for one subscription of a client that reads too slowly.
 *
 * Owns the queue; sends nothing itself. At most `bytesMax` bytes of events wait, or one event that is
 * larger. What is taken comes in order of sequence, whatever the policy left out:
 * - `conflate`: of each subject only the newest event waits. If they are too many, the oldest are dropped.
 * - `drop`: the oldest are dropped.
 * - `close`: `offer` says that there is no room.
 */
export class SubscriptionQueue {
  readonly #options: SubscriptionQueueOptions
  /** In order. By subject where the newest of each counts, else by a number. */
  readonly #waiting = new Map<string | number, QueuedEvent>()
  #key = 0
  #bytes = 0
  #events = 0
  #gap: Dropped | undefined
  readonly #tally: DeliveryTally

  /** `tally`: where its events are counted. */
  constructor(options: SubscriptionQueueOptions, tally: DeliveryTally) {
    this.#options = options
    this.#tally = tally
  }

  get onSlow(): SlowPolicy {
    return this.#options.onSlow
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0 && this.#gap === undefined
  }

  /** Bytes of events that wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** An event was sent past the queue, which is empty. */
  passed(): void {
    this.#tally.sent++
  }

  /** Takes an event in, which costs so many bytes. False if there is no room and the policy is to close. */
  offer(subject: string, sequence: number, text: string, bytes = Buffer.byteLength(text)): boolean {
    if (this.#options.onSlow === "close" && this.#bytes + bytes > this.#options.bytesMax && this.#events > 0) {
      this.#note(sequence)
      return false
    }
    const key = this.#options.onSlow === "conflate" ? subject : this.#key++
    const older = this.#waiting.get(key)
    if (older !== undefined) {
      this.#waiting.delete(key)
      this.#bytes -= older.bytes
      this.#left()
      this.#tally.conflated++
    }
    this.#waiting.set(key, { text, bytes, sequence })
    this.#bytes += bytes
    this.#events++
    this.#tally.waiting++
    while (this.#bytes > this.#options.bytesMax && this.#events > 1) this.dropOldest()
    return true
  }

  /** Puts words about the subscription behind what waits. */
  say(text: string): void {
    this.#waiting.set(this.#key++, { text, bytes: 0, sequence: undefined })
  }

  /** Drops the oldest event that waits, if one does. */
  dropOldest(): void {
    for (const [key, { sequence, bytes }] of this.#waiting) {
      if (sequence === undefined) continue
      this.#waiting.delete(key)
      this.#bytes -= bytes
      this.#left()
      this.#note(sequence)
      return
    }
  }

  /** What to send next: first of all what was dropped, which is older than everything that waits. */
  take(): { readonly gap: Dropped } | { readonly text: string } | undefined {
    const gap = this.#gap
    if (gap !== undefined) {
      this.#gap = undefined
      return { gap }
    }
    for (const [key, { text, bytes, sequence }] of this.#waiting) {
      this.#waiting.delete(key)
      this.#bytes -= bytes
      if (sequence !== undefined) {
        this.#left()
        this.#tally.sent++
      }
      return { text }
    }
    return undefined
  }

  /** Nothing more is sent: what waits is lost. */
  end(): void {
    while (this.#events > 0) this.dropOldest()
    this.#waiting.clear()
    this.#gap = undefined
  }

  #left(): void {
    this.#events--
    this.#tally.waiting--
  }

  #note(sequence: number): void {
    this.#tally.dropped++
    const gap = this.#gap
    this.#gap =
      gap === undefined
        ? { from: sequence, to: sequence, count: 1 }
        : { from: Math.min(gap.from, sequence), to: Math.max(gap.to, sequence), count: gap.count + 1 }
  }
}

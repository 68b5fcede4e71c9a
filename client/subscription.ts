import type { SlowPolicy, Start } from "../protocols/index.ts"
import type { Backoff } from "./backoff.ts"
import type { AnyEvent, Gap } from "./events.ts"

export interface SubscribeOptions {
  /** `new` unless given. Only for the first time: afterwards it goes on where it was. */
  readonly start?: Start
  /** What the gateway does if this client reads too slowly; `close` unless given, which loses nothing. */
  readonly onSlow?: SlowPolicy
  /** How many events may wait for who iterates; 1,000 unless given. Past that the gateway is asked to wait. */
  readonly waitingMax?: number
  readonly onGap?: (gap: Gap) => void
  /** The history is given, up to this sequence. Called after every reconnect as well. */
  readonly onCaughtUp?: (seq: number) => void
  /** The gateway cannot serve it now. It is asked again after a moment, and goes on where it was. */
  readonly onRetry?: (error: Error) => void
  /** The gateway refused it for good. */
  readonly onRefused?: (error: Error) => void
}

/** What a subscription needs of its client. */
export interface Wire {
  readonly open: (subscription: SubscriptionFeed) => void
  readonly close: (subscription: SubscriptionFeed) => void
  /** The gateway serves it. */
  readonly served: () => void
}

/**
 * One subscription over all connections that it takes.
 *
 * 1. `position` is the sequence up to which the listener got everything. It asks for what follows after a reconnect.
 * 2. Who iterates slowly loses nothing: when too much waits here, the subscription is closed at the gateway, and opened
 *    after `position` once half of that was taken.
 * 3. What the gateway cannot serve now is asked for again by itself, ever more slowly: no other subscription hears of it.
 */
export class SubscriptionFeed {
  readonly id: string
  readonly pattern: string
  readonly options: SubscribeOptions
  readonly #wire: Wire
  readonly #backoff: Backoff
  readonly #listener: ((event: AnyEvent) => void) | undefined
  #position: number | undefined
  #waiting: Array<AnyEvent> = []
  #wake: (() => void) | undefined
  #paused = false
  /** What still comes of an earlier opening is before the answer to the last one. */
  #joined = false
  /** Something came of the last opening, so that it was no failure. */
  #served = false
  #again: ReturnType<typeof setTimeout> | undefined
  #ended = false
  #failure: Error | undefined

  constructor(
    id: string,
    pattern: string,
    options: SubscribeOptions,
    wire: Wire,
    backoff: Backoff,
    listener: ((event: AnyEvent) => void) | undefined
  ) {
    this.id = id
    this.pattern = pattern
    this.options = options
    this.#wire = wire
    this.#backoff = backoff
    this.#listener = listener
  }

  get position(): number | undefined {
    return this.#position
  }

  get paused(): boolean {
    return this.#paused
  }

  /** What to ask the gateway for now. */
  operation(): object {
    const { start = "new", onSlow } = this.options
    this.hold()
    this.#joined = false
    this.#served = false
    return {
      op: "subscribe",
      id: this.id,
      pattern: this.pattern,
      start: this.#position === undefined ? start : { seq: this.#position + 1 },
      ...(onSlow !== undefined && { on_slow: onSlow })
    }
  }

  subscribed(seq: number | null): void {
    this.#joined = true
    // What comes from now on needs no history, which may be what the gateway cannot read.
    if (this.#position === undefined && (this.options.start ?? "new") === "new") this.#serve()
    this.#position ??= seq ?? undefined
  }

  take(event: AnyEvent): void {
    if (this.#ended || this.#paused || !this.#joined || event.seq <= (this.#position ?? 0)) return
    this.#position = event.seq
    if (!this.#served) this.#serve()
    if (this.#listener !== undefined) return this.#listener(event)
    this.#waiting.push(event)
    this.#wake?.()
    if (this.#waiting.length < (this.options.waitingMax ?? 1_000)) return
    this.#paused = true
    this.#wire.close(this)
  }

  caughtUp(seq: number): void {
    if (this.#paused || !this.#joined) return
    this.#position = Math.max(seq, this.#position ?? 0)
    if (!this.#served) this.#serve()
    this.options.onCaughtUp?.(seq)
  }

  gap(gap: Gap): void {
    if (this.#paused || !this.#joined) return
    // The stream is another one than we knew: it has not come as far as we had.
    this.#position = gap.reason === "ahead" ? gap.from - 1 : Math.max(gap.to, this.#position ?? 0)
    this.options.onGap?.(gap)
  }

  /** The gateway cannot serve it: opens it again after a moment. */
  retry(error: Error): void {
    this.hold()
    this.#joined = false
    this.#again = setTimeout(() => this.#wire.open(this), this.#backoff.next())
    this.options.onRetry?.(error)
  }

  /** Does not open by itself any more. */
  hold(): void {
    clearTimeout(this.#again)
  }

  fail(error: Error): void {
    this.#failure = error
    this.end()
    this.options.onRefused?.(error)
  }

  end(): void {
    this.#ended = true
    this.hold()
    this.#wake?.()
  }

  async *events(): AsyncGenerator<AnyEvent> {
    while (true) {
      const next = this.#waiting.shift()
      if (next !== undefined) {
        yield next
        this.#resume()
        continue
      }
      if (this.#failure !== undefined) throw this.#failure
      if (this.#ended) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #serve(): void {
    this.#served = true
    this.#backoff.reset()
    this.#wire.served()
  }

  #resume(): void {
    if (!this.#paused || this.#ended || this.#waiting.length > (this.options.waitingMax ?? 1_000) / 2) return
    this.#paused = false
    this.#wire.open(this)
  }
}

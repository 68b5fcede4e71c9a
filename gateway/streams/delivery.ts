import { Effect } from "effect"
import type { GapData, SlowPolicy } from "../../protocols/index.ts"
import type { EncodedEvent } from "./encode.ts"
import { type Frames, giveBack, takeFrames } from "./frames.ts"
import { type Account, Outlet } from "./outlet.ts"

/** What a connection needs of the socket below it. */
export interface Socket {
  /** Sends a frame of text, given as text or as its bytes in UTF-8, which are not changed afterwards. */
  readonly send: (frame: string | Uint8Array) => void
  /** Bytes sent and not yet taken by the network. */
  readonly pendingBytes: () => number
  /** Ends the conversation. May call `Connection.closed` before it returns. */
  readonly close: (code: number, reason: string) => void
}

export interface DeliveryLimits {
  /** Bytes that wait for one client, in its socket and in its queues. */
  readonly pendingBytesMax: number
  /** Bytes that are given to the socket ahead of the network: what is in it can neither be dropped nor conflated. */
  readonly socketBytesMax: number
}

/** One subscription's way to the socket. */
export interface Channel {
  readonly deliver: (events: ReadonlyArray<EncodedEvent>) => void
  /** Says something about the subscription, behind the events before it. */
  readonly say: (text: string) => void
  /** Waits until nothing of it waits. */
  readonly ready: Effect.Effect<void>
  readonly account: () => Account
  /** Nothing more is sent. */
  readonly end: () => void
}

export interface ChannelOptions {
  readonly id: string
  readonly onSlow: SlowPolicy
  readonly bytesMax: number
}

/**
 * The events of one client's subscriptions on their way to its socket.
 *
 * Owns the queues. The socket gets no more than `socketBytesMax` ahead of what the network takes; the rest waits in the
 * queue of its subscription, where the subscription's policy rules, and the queues take turns. All that waits is at most
 * `pendingBytesMax`, or one event more.
 */
export class Delivery {
  readonly #socket: Socket
  readonly #limits: DeliveryLimits
  readonly #tooSlow: (id: string) => void
  readonly #queues = new Map<Outlet, string>()
  #waiters: Array<() => void> = []

  /** `tooSlow` is called for a subscription that is full and whose policy is to close. */
  constructor(socket: Socket, limits: DeliveryLimits, tooSlow: (id: string) => void) {
    this.#socket = socket
    this.#limits = limits
    this.#tooSlow = tooSlow
  }

  open({ id, onSlow, bytesMax }: ChannelOptions): Channel {
    const outlet = new Outlet({ onSlow, bytesMax })
    const frames = takeFrames(id)
    let ended = false
    this.#queues.set(outlet, id)
    return {
      deliver: (events) => {
        // One that is too slow may end the subscription, and all others of the client.
        for (let index = 0; index < events.length && !ended; index++) this.#deliver(id, outlet, events[index]!, frames)
      },
      say: (text) => {
        if (outlet.isEmpty) this.#socket.send(text)
        else outlet.say(text)
      },
      ready: Effect.callback((resume) => {
        const check = () => {
          if (!outlet.isEmpty || this.#isFull()) return
          this.#waiters = this.#waiters.filter((waiter) => waiter !== check)
          resume(Effect.void)
        }
        this.#waiters.push(check)
        check()
        return Effect.sync(() => {
          this.#waiters = this.#waiters.filter((waiter) => waiter !== check)
        })
      }),
      account: () => outlet.account,
      end: () => {
        ended = true
        outlet.end()
        if (this.#queues.delete(outlet)) giveBack(id, frames)
      }
    }
  }

  /** Bytes that wait in queues. */
  get waitingBytes(): number {
    let bytes = 0
    for (const outlet of this.#queues.keys()) bytes += outlet.bytes
    return bytes
  }

  /** The network took bytes: gives the socket more, a frame from each queue in turn. */
  drained(): void {
    let sent = true
    while (sent) {
      sent = false
      for (const [outlet, id] of this.#queues) {
        if (this.#isFull()) return
        const next = outlet.take()
        if (next === undefined) continue
        sent = true
        this.#socket.send("text" in next ? next.text : gapText({ id, reason: "slow", ...next.gap }))
      }
    }
    for (const waiter of [...this.#waiters]) waiter()
  }

  #isFull(): boolean {
    return this.#socket.pendingBytes() >= this.#limits.socketBytesMax
  }

  #deliver(id: string, outlet: Outlet, event: EncodedEvent, frames: Frames): void {
    if (outlet.isEmpty && !this.#isFull()) {
      outlet.passed()
      this.#socket.send(frames.bytesOf(event))
      return
    }
    if (!outlet.offer(event.subject, event.sequence, frames.textOf(event))) return this.#tooSlow(id)
    while (outlet.bytes > 0 && this.waitingBytes + this.#socket.pendingBytes() > this.#limits.pendingBytesMax) {
      if (outlet.onSlow === "close") return this.#tooSlow(id)
      outlet.dropOldest()
    }
  }
}

export const gapText = (data: GapData): string => JSON.stringify({ type: "gap", seq: null, subject: null, data })

import { Effect } from "effect"
import type { GapData, SlowPolicy } from "../../protocols/index.ts"
import type { EncodedEvent } from "./encode.ts"
import { type Frames, giveBack, takeFrames } from "./frames.ts"
import type { MemoryShare, QueueMemory } from "./queue-memory.ts"
import { type DeliveryStats, DeliveryTally, SubscriptionQueue } from "./subscription-queue.ts"

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
  /** So many bytes of its history were read and are not delivered yet. */
  readonly hold: (bytes: number) => void
  /** Nothing more is sent. */
  readonly end: () => void
}

export interface ChannelOptions {
  readonly id: string
  readonly onSlow: SlowPolicy
  readonly bytesMax: number
}

/** What an event that waits costs besides its bytes: its place in the queue. Measured with small events: 150 to 170 bytes. */
const PLACE_BYTES = 160

interface Queue {
  /** That of its subscription. */
  readonly id: string
  /** Its part of what waits. */
  bytes: number
  /** What was read for it, and waits to be delivered. */
  heldBytes: number
}

/** Why a client is too slow: more waits for one subscription, or for the client, than may; or for all clients together. */
export type Slowness = "full" | "crowded"

/**
 * The events of one client's subscriptions on their way to its socket.
 *
 * Owns the queues. The socket gets no more than `socketBytesMax` ahead of what the network takes; the rest waits in the
 * queue of its subscription, where the subscription's policy rules, and the queues take turns. All that waits is at most
 * `pendingBytesMax`, or one event more, and has its share in the queueMemory of all clients.
 */
export class Delivery {
  readonly #socket: Socket
  readonly #limits: DeliveryLimits
  readonly #tooSlow: (id: string | null, why: Slowness) => void
  readonly #share: MemoryShare
  readonly #queues = new Map<SubscriptionQueue, Queue>()
  readonly #tally = new DeliveryTally()
  #waitingBytes = 0
  #heldBytes = 0
  #waiters: Array<() => void> = []
  #ended = false

  /** `tooSlow` is called for a subscription that is full and whose policy is to close, and where nothing can be dropped. */
  constructor(
    socket: Socket,
    limits: DeliveryLimits,
    queueMemory: QueueMemory,
    tooSlow: (id: string | null, why: Slowness) => void
  ) {
    this.#socket = socket
    this.#limits = limits
    this.#tooSlow = tooSlow
    this.#share = queueMemory.share({ shrinkTo: (bytes) => this.#shrinkTo(bytes) })
  }

  /** Counts what waits now, in queues and in the socket. */
  count(): void {
    if (this.#ended) return
    const [waiting, pending] = [this.#waitingBytes + this.#heldBytes, this.#socket.pendingBytes()]
    // What is on its way to a client that reads is gone in a moment.
    this.#share.hold(waiting > 0 || pending >= this.#limits.socketBytesMax ? waiting + pending : 0)
  }

  /** Nothing waits any more: the socket is gone. */
  end(): void {
    this.#ended = true
    this.#share.hold(0)
  }

  open({ id, onSlow, bytesMax }: ChannelOptions): Channel {
    const waiting = new SubscriptionQueue({ onSlow, bytesMax }, this.#tally)
    const frames = takeFrames(id)
    let ended = false
    const queue: Queue = { id, bytes: 0, heldBytes: 0 }
    this.#queues.set(waiting, queue)
    return {
      deliver: (events) => {
        // One that is too slow may end the subscription, and all others of the client.
        for (let index = 0; index < events.length && !ended; index++) this.#deliver(id, waiting, events[index]!, frames)
      },
      say: (text) => {
        if (waiting.isEmpty) this.#socket.send(text)
        else waiting.say(text)
      },
      ready: Effect.callback((resume) => {
        const check = () => {
          if (!waiting.isEmpty || this.#isFull()) return
          this.#waiters = this.#waiters.filter((waiter) => waiter !== check)
          resume(Effect.void)
        }
        this.#waiters.push(check)
        check()
        return Effect.sync(() => {
          this.#waiters = this.#waiters.filter((waiter) => waiter !== check)
        })
      }),
      hold: (bytes) => {
        if (!ended) this.#hold(queue, bytes)
      },
      end: () => {
        ended = true
        this.#hold(queue, 0)
        waiting.end()
        this.#recount(waiting)
        if (this.#queues.delete(waiting)) giveBack(id, frames)
        this.count()
      }
    }
  }

  /** What became of the events of all its subscriptions, those that ended included. */
  get account(): DeliveryStats {
    return this.#tally.account
  }

  /** Bytes that wait in queues. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** The network took bytes: gives the socket more, a frame from each queue in turn. */
  drained(): void {
    let sent = true
    while (sent) {
      sent = false
      for (const [waiting, { id }] of this.#queues) {
        if (this.#isFull()) return this.count()
        const next = waiting.take()
        if (next === undefined) continue
        this.#recount(waiting)
        sent = true
        this.#socket.send("text" in next ? next.text : gapText({ id, reason: "slow", ...next.gap }))
      }
    }
    this.count()
    for (const waiter of [...this.#waiters]) waiter()
  }

  #isFull(): boolean {
    return this.#socket.pendingBytes() >= this.#limits.socketBytesMax
  }

  #deliver(id: string, waiting: SubscriptionQueue, event: EncodedEvent, frames: Frames): void {
    if (waiting.isEmpty && !this.#isFull()) {
      waiting.passed()
      this.#socket.send(frames.bytesOf(event))
      return
    }
    const cost = frames.sizeOf(event) + PLACE_BYTES
    if (!waiting.offer(event.subject, event.sequence, frames.textOf(event), cost)) return this.#tooSlow(id, "full")
    this.#recount(waiting)
    const room = this.#limits.pendingBytesMax - this.#socket.pendingBytes()
    while (waiting.bytes > 0 && this.#waitingBytes > room) {
      if (waiting.onSlow === "close") return this.#tooSlow(id, "full")
      waiting.dropOldest()
      this.#recount(waiting)
    }
    this.count()
  }

  #shrinkTo(bytes: number): void {
    const room = bytes - this.#socket.pendingBytes()
    for (const waiting of this.#queues.keys()) {
      while (waiting.onSlow !== "close" && waiting.bytes > 0 && this.#waitingBytes > room) {
        waiting.dropOldest()
        this.#recount(waiting)
      }
    }
    // What was read of a history cannot be read once more for it.
    if (this.#waitingBytes + this.#heldBytes > room) this.#tooSlow(null, "crowded")
    else this.count()
  }

  #hold(queue: Queue, bytes: number): void {
    if (queue.heldBytes === bytes) return
    this.#heldBytes += bytes - queue.heldBytes
    queue.heldBytes = bytes
    this.count()
  }

  /** A queue has changed. */
  #recount(waiting: SubscriptionQueue): void {
    const queue = this.#queues.get(waiting)
    if (queue === undefined) return
    this.#waitingBytes += waiting.bytes - queue.bytes
    queue.bytes = waiting.bytes
  }
}

export const gapText = (data: GapData): string => JSON.stringify({ type: "gap", seq: null, subject: null, data })

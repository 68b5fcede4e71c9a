import { Effect } from "effect"
import { type Address, formatAddress } from "../../address.ts"
import type { Mail } from "../../log.ts"
import { LogTime } from "./log-time.ts"

/** A timer that a step set. */
export interface Timer {
  /** When it is due, in milliseconds by the node's clock that only goes forward. */
  readonly due: number
  readonly payload: string
  /** The log fires it later than it is due. */
  readonly postponed: boolean
}

/** What firing timers needs of the node around it. */
export interface NodeTimersHost {
  /** Milliseconds by a clock that only goes forward. */
  readonly now: () => number
  /** Calls back after so many milliseconds, while the node runs. */
  readonly later: (millis: number, callback: () => void) => void
  readonly fork: (effect: Effect.Effect<void>) => unknown
  /** How many messages are delivered and not done. */
  readonly open: () => number
  /** Puts a firing into the mailbox of its actor. */
  readonly send: (to: Address, payload: string) => Effect.Effect<void, unknown>
}

interface KeptTimer {
  readonly key: string
  readonly tick: number
  readonly to: Address
  readonly payload: string
  readonly postponed: boolean
}

/** Timers that are due no later than this after they are set: a server takes up to 300 milliseconds to fire one. */
const SOON_MILLIS = 1_000
/** Later than this nothing is kept: the log fires it. */
const KEPT_MILLIS_MAX = 24 * 3_600_000
/** What is kept takes no more memory than this: timers, times at which some are due, and characters of their payloads. */
const KEPT_MAX = 200_000
const TICKS_MAX = 50_000
const CHARACTERS_MAX = 32 * 1024 * 1024
/** What is due within so many milliseconds is fired together. */
const TICK_MILLIS = 4
/** So many of a herd are fired at once, and the next as soon as no more messages are open than so many. */
const TOGETHER = 512
const OPEN_MAX = 1_024
const ROOM_POLL = "2 millis"
/** Messages may be open for long, because of what they wait for. */
const ROOM_PATIENCE = "500 millis"
/** So many seconds are counted before those that have passed are forgotten. */
const SECONDS_MAX = 10_000

/**
 * How much later than it is due the log fires the first of a herd, and each further one later by so much: the node has fired them by
 * then, or the log does so at a rate that it can keep.
 */
const GRACE_MILLIS = 1_000
const GRACE_EACH_MILLIS = 1

/**
 * Fires timers that the log would fire late: those that are due soon, and those of a herd. A log stores each firing by itself,
 * and all else waits meanwhile; those that are more than a few in one second are fired here, in groups.
 *
 * Each timer is in the log as well, which fires it where the node is gone by then: one of a herd some time after it was
 * due. Of two firings of one generation the second counts for nothing.
 */
export class NodeTimers {
  readonly #host: NodeTimersHost
  readonly #byLogMax: number
  /** By actor and name. */
  readonly #kept = new Map<string, KeptTimer>()
  readonly #ticks = new Map<number, Set<KeptTimer>>()
  readonly #logTime = new LogTime()
  /** How many timers were set that are due in a second. */
  readonly #seconds = new Map<number, number>()
  /** Those of a herd that are due and not fired yet, in order. */
  readonly #herd: Array<KeptTimer> = []
  #sending = false
  #characters = 0

  /** `byLogMax`: how many timers that are due in one second are left to the log. */
  constructor(host: NodeTimersHost, byLogMax: number) {
    this.#host = host
    this.#byLogMax = byLogMax
  }

  /** A message was delivered: so late it is by the log's time at least. */
  met({ time }: Pick<Mail, "time">): void {
    this.#logTime.met(time, this.#host.now())
  }

  /** When a timer is due by this node's clock. The time of this process's clock says nothing of the log's. */
  dueAt(at: number, messageTime: number): number {
    const now = this.#host.now()
    return now + Math.max(0, at - Math.max(messageTime, this.#logTime.atLeast(now)))
  }

  /**
   * How much later than it is due the log may fire a timer that a step sets, in milliseconds; nothing where it is the log's.
   *
   * @param at when it is due, in milliseconds since 1970 by the log's time
   * @param due the same by the node's clock
   */
  graceOf(at: number, due: number): number | undefined {
    const place = this.#count(at) - this.#byLogMax
    const room = this.#kept.size < KEPT_MAX && this.#characters < CHARACTERS_MAX && this.#ticks.size < TICKS_MAX
    if (place <= 0 || !room || due - this.#host.now() > KEPT_MILLIS_MAX) return undefined
    return GRACE_MILLIS + place * GRACE_EACH_MILLIS
  }

  /** What a step said of a timer is stored: it is set, or, without one, it is not any more. */
  stored(to: Address, name: string, timer: Timer | undefined): void {
    const key = `${formatAddress(to)} ${name}`
    this.#forget(key)
    if (timer === undefined) return
    if (timer.postponed || timer.due - this.#host.now() <= SOON_MILLIS) this.#keep(key, to, timer)
  }

  #keep(key: string, to: Address, { due, payload: given, postponed }: Timer): void {
    const payload = postponed ? scheduled(given) : given
    if (this.#kept.size >= KEPT_MAX || this.#characters + payload.length > CHARACTERS_MAX) return
    const tick = Math.ceil(Math.max(due, this.#host.now()) / TICK_MILLIS)
    const together = this.#ticks.get(tick) ?? this.#begin(tick)
    if (together === undefined) return
    const kept = { key, tick, to, payload, postponed }
    together.add(kept)
    this.#kept.set(key, kept)
    this.#characters += payload.length
  }

  #begin(tick: number): Set<KeptTimer> | undefined {
    if (this.#ticks.size >= TICKS_MAX) return undefined
    const together = new Set<KeptTimer>()
    this.#ticks.set(tick, together)
    this.#host.later(tick * TICK_MILLIS - this.#host.now(), () => this.#fire(tick))
    return together
  }

  #forget(key: string): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#kept.delete(key)
    this.#characters -= kept.payload.length
    this.#ticks.get(kept.tick)?.delete(kept)
  }

  #fire(tick: number): void {
    const due = [...(this.#ticks.get(tick) ?? [])]
    this.#ticks.delete(tick)
    // The log fires them.
    if (this.#herd.length > KEPT_MAX) this.#herd.length = 0
    for (const { key } of due) this.#forget(key)
    this.#host.fork(this.#send(due.filter(({ postponed }) => !postponed)))
    for (const kept of due) if (kept.postponed) this.#herd.push(kept)
    if (this.#herd.length === 0 || this.#sending) return
    this.#sending = true
    this.#host.fork(this.#sendHerd)
  }

  /** What cannot be sent, the log fires. */
  #send(due: ReadonlyArray<KeptTimer>): Effect.Effect<void> {
    const send = ({ to, payload }: KeptTimer) => Effect.ignore(this.#host.send(to, payload))
    return Effect.forEach(due, send, { concurrency: "unbounded", discard: true })
  }

  /** So many at a time, and no more than can be processed soon: what else comes does not wait behind all of them. */
  readonly #sendHerd: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    while (this.#herd.length > 0) {
      yield* this.#send(this.#herd.splice(0, TOGETHER))
      yield* this.#untilRoom
    }
    this.#sending = false
  })

  readonly #untilRoom = Effect.suspend(() =>
    Effect.repeat(
      Effect.delay(
        Effect.sync(() => this.#host.open()),
        ROOM_POLL
      ),
      { until: (open) => open < OPEN_MAX }
    )
  ).pipe(Effect.timeoutOption(ROOM_PATIENCE))

  #count(at: number): number {
    const second = Math.floor(at / 1_000)
    const count = (this.#seconds.get(second) ?? 0) + 1
    this.#seconds.set(second, count)
    if (this.#seconds.size > SECONDS_MAX) this.#forgetSeconds()
    return count
  }

  /** Those that were counted first, passed or not: a herd that is taken for none is fired by the log. */
  #forgetSeconds(): void {
    for (const second of this.#seconds.keys()) {
      if (this.#seconds.size <= SECONDS_MAX / 2) return
      this.#seconds.delete(second)
    }
  }
}

/** A firing whose schedule is in the log still, and is removed by the step that it causes. */
const scheduled = (payload: string): string => JSON.stringify({ ...JSON.parse(payload), scheduled: true })

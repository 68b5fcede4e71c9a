import { type Clock, Effect, Exit, Scope, Semaphore } from "effect"
import { elapsedBy } from "../../elapsed.ts"
import type { ReadError } from "../../errors.ts"
import type { Announcement, Leases } from "../../leases.ts"
import { Recurring } from "../../recurring.ts"

const NOT_RENEWED = "lease not renewed"

/** What came of trying to stay alive. */
export type Renewal = "joined" | "renewed" | "lost" | "failed" | "name taken" | "ended"

/** What both clocks say, in milliseconds: that of the day, and the one that only goes forward. */
interface ClockReading {
  readonly time: number
  readonly monotonic: number
}

/**
 * The node's lease on being alive: it joins, renews, and joins anew when the lease was lost.
 *
 * Invariants:
 * 1. `mayDecide` is true only while nobody else can hold our shards: the lease runs from before it was asked for, by our
 *    own clocks. By both: that of the day can be set back, and the one that only goes forward stands still while a machine sleeps.
 * 2. `life` is another number after each loss: what was begun in an earlier life and ends in a later one counts for nothing.
 */
export class NodeLease {
  readonly #node: string
  readonly #leases: Leases["Service"]
  readonly #clock: Clock.Clock
  readonly #elapsed: () => number
  readonly #recurring = new Recurring()
  readonly #turn = Semaphore.makeUnsafe(1)
  #announced: Scope.Closeable | undefined
  #leasedUntil: ClockReading | undefined
  #life = 0
  #ended = false

  constructor(node: string, leases: Leases["Service"], clock: Clock.Clock) {
    this.#node = node
    this.#leases = leases
    this.#clock = clock
    this.#elapsed = elapsedBy(clock)
  }

  get joined(): boolean {
    return this.#announced !== undefined
  }

  get life(): number {
    return this.#life
  }

  mayDecide(): boolean {
    const until = this.#leasedUntil
    if (until === undefined) return false
    const { time, monotonic } = this.#read()
    return time <= until.time && monotonic <= until.monotonic
  }

  /** Announces the node, unless it has joined already. False if another process is alive under its name. */
  join(announcement: Announcement): Effect.Effect<boolean, ReadError> {
    return this.#turn.withPermits(1)(
      Effect.suspend(() => (this.joined ? Effect.succeed(true) : this.#join(announcement)))
    )
  }

  /**
   * Renews the lease, or joins if there is none. `announcement` is asked for when it is our turn, and `lost` called before the node
   * can join again: what it held has to be gone by then.
   */
  stay(announcement: () => Announcement, lost: () => void): Effect.Effect<Renewal> {
    return Effect.suspend(() => {
      if (this.#ended) return Effect.succeed("ended" as const)
      if (this.joined) return this.#renew(announcement(), lost)
      return Effect.map(this.#join(announcement()), (joined) =>
        joined ? ("joined" as const) : ("name taken" as const)
      )
    }).pipe(
      Effect.catch((error) =>
        Effect.as(
          this.#recurring.say("Warn", NOT_RENEWED, { node: this.#node, reason: error.message }),
          "failed" as const
        )
      ),
      (staying) => this.#turn.withPermits(1)(staying)
    )
  }

  /** The node is alive no longer, until it joins again. */
  readonly leave: Effect.Effect<void> = Effect.suspend(() => this.#part).pipe((leaving) =>
    this.#turn.withPermits(1)(leaving)
  )

  /** The node is alive no longer, for good: what it still holds is free at once. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    this.#ended = true
    return this.#part
  }).pipe((ending) => this.#turn.withPermits(1)(ending))

  #join(announcement: Announcement): Effect.Effect<boolean, ReadError> {
    return Effect.gen({ self: this }, function* () {
      if (this.#ended) return false
      const scope = yield* Scope.make()
      const started = this.#read()
      const exit = yield* Effect.exit(Scope.provide(this.#leases.join(this.#node, announcement), scope))
      if (Exit.isSuccess(exit) && exit.value) {
        this.#announced = scope
        this.#hold(started)
        return true
      }
      yield* Scope.close(scope, exit)
      return yield* exit
    }).pipe(Effect.uninterruptible)
  }

  #renew(announcement: Announcement, lost: () => void): Effect.Effect<Renewal, ReadError> {
    return Effect.gen({ self: this }, function* () {
      const started = this.#read()
      if (yield* this.#leases.renew(this.#node, announcement)) {
        this.#recurring.over(NOT_RENEWED)
        this.#hold(started)
        return "renewed"
      }
      lost()
      yield* this.#part
      return "lost"
    })
  }

  #read(): ClockReading {
    return { time: this.#clock.currentTimeMillisUnsafe(), monotonic: this.#elapsed() }
  }

  /** Invariant 1. */
  #hold({ time, monotonic }: ClockReading): void {
    const { ttlMillis } = this.#leases
    this.#leasedUntil = { time: time + ttlMillis, monotonic: monotonic + ttlMillis }
  }

  readonly #part: Effect.Effect<void> = Effect.suspend(() => {
    const announced = this.#announced
    this.#announced = undefined
    this.#leasedUntil = undefined
    this.#life++
    return announced === undefined ? Effect.void : Scope.close(announced, Exit.void)
  })
}

import { Cause, Clock, Effect, Exit, Latch, Layer, Schedule, Scope, Semaphore } from "effect"
import { ANY_ROLE } from "../address.ts"
import type { Controls } from "../controls.ts"
import type { ReadError } from "../errors.ts"
import { Leases, type Membership } from "../leases.ts"
import { ActorLog, type Mail } from "../log.ts"
import { type Engine, type EngineOptions, makeEngine } from "./engine.ts"
import { movesOf } from "./placement.ts"
import { Shard, type ShardHost } from "./shard.ts"

export type NodeOptions = EngineOptions

/** Mail up to a sequence is done: of one shard, or of all. */
interface PurgeMark {
  readonly upTo: number
}

const MOVES_AT_ONCE = 8

/**
 * Runs actors in this process: takes its share of the shards while the layer lives, and gives it back at the end.
 */
export const layerNode = (options: NodeOptions): Layer.Layer<never, ReadError, ActorLog | Leases | Controls> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const log = yield* ActorLog
      const leases = yield* Leases
      const engine = yield* makeEngine(log, options, () => false)
      const node = new Node(options.name, log, leases, engine, yield* Clock.Clock)
      yield* node.run
      yield* Effect.logInfo("node started", { node: options.name })
    })
  )

/**
 * Keeps the node's shards what placement says they should be, and their mail coming.
 *
 * Invariants:
 * 1. No message is decided after our leases may have run out: a node that was paused would answer from an old state.
 * 2. Mail is removed only if it was done before a renewal of its shard's lease that succeeded. Until then another node
 *    may have owned the shard, for whom a message that had no effect here still has one.
 * 3. There is one tail at a time, and what it has passed counts only for shards that it reads.
 * 4. A node that can do its work no longer does not look alive: it leaves, and others do it.
 */
class Node {
  readonly #name: string
  readonly #log: ActorLog["Service"]
  readonly #leases: Leases["Service"]
  readonly #engine: Engine
  readonly #shardHost: ShardHost
  readonly #clock: Clock.Clock
  readonly #owned = new Map<string, Shard>()
  readonly #changed = Latch.makeUnsafe(true)
  /** Our leases had run out when mail was to be decided. The tail that brought it waits for ever, and there will be a new one. */
  #halted = false
  /** The last sequence that the present tail has delivered. */
  #tailReached = 0
  #purgedUpTo = 0
  #membership: Membership = { nodes: new Set(), holders: new Map() }
  #tail: Scope.Closeable | undefined
  #leasedUntil = 0
  readonly #reading = Semaphore.makeUnsafe(1)
  #broken = false
  #announced: Scope.Closeable | undefined

  constructor(name: string, log: ActorLog["Service"], leases: Leases["Service"], engine: Engine, clock: Clock.Clock) {
    this.#name = name
    this.#log = log
    this.#leases = leases
    this.#engine = engine
    this.#shardHost = {
      ...engine,
      activationHost: { ...engine.activationHost, mayDecide: () => this.#mayDecide() }
    }
    this.#clock = clock
  }

  /** Starts, and goes on until the scope closes. */
  readonly run = Effect.gen({ self: this }, function* () {
    this.#extendLease(this.#clock.currentTimeMillisUnsafe())
    yield* this.#vital(this.#engine.run)
    yield* Effect.addFinalizer(() => this.#leave)
    yield* this.#leases.watch((membership) => {
      this.#membership = membership
      this.#changed.openUnsafe()
    })
    yield* this.#vital(this.#follow)
    yield* this.#vital(this.#renew.pipe(Effect.repeat(Schedule.spaced(this.#leases.ttlMillis / 3))))
    // Joined last, so that it leaves first: the others then know whose shards come free.
    this.#announced = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
    yield* this.#leases.join(this.#name).pipe(Scope.provide(this.#announced))
  })

  /** Runs what the node cannot do without, until the scope closes. */
  #vital(loop: Effect.Effect<unknown>) {
    return loop.pipe(
      Effect.catchCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause) : this.#break(cause))),
      Effect.forkScoped
    )
  }

  /** A defect in the engine: invariant 4. Nothing waits for what can no longer be committed. */
  #break(cause: Cause.Cause<unknown>): Effect.Effect<void> {
    if (this.#broken) return Effect.void
    this.#broken = true
    return Effect.logFatal("node broken: it leaves its shards to others", cause).pipe(
      Effect.annotateLogs({ node: this.#name }),
      Effect.andThen(Effect.suspend(() => (this.#announced ? Scope.close(this.#announced, Exit.void) : Effect.void))),
      Effect.andThen(this.#leave)
    )
  }

  readonly #follow: Effect.Effect<never> = Effect.forever(
    Effect.suspend(() => this.#changed.await).pipe(
      Effect.andThen(Effect.sync(() => this.#changed.closeUnsafe())),
      Effect.andThen(Effect.suspend(() => Effect.uninterruptible(this.#reconcile)))
    )
  )

  readonly #reconcile: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    if (this.#broken) return
    const { acquire, release } = movesOf(this.#name, new Set(this.#owned.keys()), this.#membership, this.#log.shards)
    yield* each(release, (shard) => this.#giveBack(shard))
    const before = this.#owned.size
    yield* each(acquire, (shard) => this.#acquire(shard))
    if (release.length > 0 || this.#owned.size > before) yield* this.#readMail
    // Only so many are released at once; the next ones follow.
    if (release.length > 0) this.#changed.openUnsafe()
  })

  #acquire(number: string): Effect.Effect<void> {
    return this.#leases.acquire(number, this.#name).pipe(
      Effect.map((held) => {
        if (held) this.#owned.set(number, new Shard(number, this.#shardHost))
      }),
      Effect.catch((error) => Effect.logWarning("shard not acquired", { shard: number, reason: error.message }))
    )
  }

  #giveBack(number: string): Effect.Effect<void> {
    return Effect.suspend(() => (this.#broken ? undefined : this.#owned.get(number)?.drain) ?? Effect.void).pipe(
      Effect.andThen(Effect.sync(() => this.#drop(number))),
      Effect.andThen(Effect.ignore(this.#leases.release(number, this.#name)))
    )
  }

  #drop(number: string): void {
    this.#owned.get(number)?.drop()
    this.#owned.delete(number)
  }

  /** Reads the mail of what is owned now, each shard from where it stood. */
  readonly #readMail: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    if (this.#tail !== undefined) yield* Scope.close(this.#tail, Exit.void)
    this.#tail = yield* Scope.make()
    this.#tailReached = 0
    this.#halted = false
    if (this.#broken) return
    const after = new Map([...this.#owned].map(([number, shard]) => [number, shard.follow()]))
    yield* this.#log.tail(after, (mail) => this.#deliver(mail)).pipe(Scope.provide(this.#tail))
  }).pipe((read) => this.#reading.withPermits(1)(read)) // invariant 3

  /** Invariant 1. Once it says no, the next renewal lets everything go on. */
  #mayDecide(): boolean {
    if (this.#clock.currentTimeMillisUnsafe() <= this.#leasedUntil) return true
    this.#halted = true
    return false
  }

  #deliver(mail: Mail): Effect.Effect<void> | undefined {
    if (!this.#mayDecide()) return Effect.never
    try {
      this.#owned.get(mail.shard)?.deliver(mail)
    } catch (defect) {
      return Effect.forkDetach(this.#break(Cause.die(defect))).pipe(Effect.andThen(Effect.never))
    }
    this.#tailReached = mail.sequence
    return this.#engine.room()
  }

  readonly #renew: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    if (this.#broken) return
    const started = this.#clock.currentTimeMillisUnsafe()
    const marks = this.#purgeMarks() // before the renewal: invariant 2
    const lost: Array<string> = []
    const failed: Array<string> = []
    yield* Effect.forEach(
      [...this.#owned.keys()],
      (number) =>
        this.#leases.renew(number, this.#name).pipe(
          Effect.map((held) => held || lost.push(number)),
          Effect.catch(() => Effect.sync(() => failed.push(number)))
        ),
      { concurrency: "unbounded", discard: true }
    )
    for (const number of lost) this.#drop(number)
    if (lost.length > 0) yield* Effect.logWarning("leases lost", { node: this.#name, shards: lost.length })
    if (failed.length > 0) return yield* Effect.logWarning("leases not renewed", { shards: failed.length })
    this.#extendLease(started)
    if (this.#halted || lost.length > 0) {
      yield* Effect.uninterruptible(this.#readMail)
      for (const shard of this.#owned.values()) shard.resume()
    }
    if (lost.length === 0) yield* this.#purge(marks) // invariant 2
    this.#changed.openUnsafe()
  })

  #extendLease(from: number): void {
    this.#leasedUntil = from + this.#leases.ttlMillis
  }

  /** Up to where mail is done: of all shards together, where all are ours, else of each. */
  #purgeMarks(): ReadonlyArray<PurgeMark> {
    const shards = [...this.#owned.values()]
    if (shards.length < this.#log.shards || shards.some((shard) => !shard.followed)) return []
    // What the tail has reached, every shard has been given; what is open holds all others back.
    const open = shards.map((shard) => (shard.progress.oldestOpen ?? Number.POSITIVE_INFINITY) - 1)
    return [{ upTo: Math.min(this.#tailReached, ...open) }]
  }

  #purge(marks: ReadonlyArray<PurgeMark>): Effect.Effect<void> {
    const due = marks.filter(({ upTo }) => this.#owned.size === this.#log.shards && upTo > this.#purgedUpTo)
    return Effect.forEach(
      due,
      ({ upTo }) =>
        this.#log.purge(upTo, ANY_ROLE).pipe(
          Effect.map(() => {
            this.#purgedUpTo = upTo
          }),
          // It is only tidying: the next round removes what is left.
          Effect.catch((error) => Effect.logDebug("purge failed", { reason: error.message }))
        ),
      { discard: true }
    )
  }

  readonly #leave: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    yield* each([...this.#owned.keys()], (number) => this.#giveBack(number))
    if (this.#tail !== undefined) yield* Scope.close(this.#tail, Exit.void)
  })
}

const each = <A>(all: ReadonlyArray<A>, act: (one: A) => Effect.Effect<void>): Effect.Effect<void> =>
  Effect.forEach(all, act, { concurrency: MOVES_AT_ONCE, discard: true })

import { Cause, type Clock, Deferred, Effect, Latch, Schedule, type Scope } from "effect"
import { elapsedBy } from "../../elapsed.ts"
import type { Announcement, Leases, Membership } from "../../leases.ts"
import type { ActorLog, Mail } from "../../log.ts"
import { Recurring } from "../../recurring.ts"
import type { Engine } from "../engine.ts"
import { ASIDE_AFTER } from "../shard/aside.ts"
import { Purge } from "../shard/purge.ts"
import { laneOf, shardOfName } from "../shard/serving.ts"
import { Shards } from "../shard/shards.ts"
import { Unserved } from "../shard/unserved.ts"
import { type Break, Continuity } from "./continuity.ts"
import { Declining } from "./declining.ts"
import { Holdings } from "./holdings.ts"
import { Moves } from "./moves.ts"
import { NodeLease, type Renewal } from "./node-lease.ts"
import { movesOf } from "./placement.ts"
import { NodeBroken, type NodeOptions, type Profile, profileOf } from "./profile.ts"

const RETRY_MILLIS = 100
/** A log that does not answer a node that starts gets this long. */
const START_PATIENCE = Schedule.spaced("500 millis").pipe(Schedule.upTo({ duration: "20 seconds" }))

/**
 * Keeps the node's shards what placement says they should be, and their mail coming.
 *
 * Invariants:
 * 1. No message is decided after our lease may have run out: a node that was paused would answer from an old state.
 * 2. What we say is done was done before a renewal that succeeded. Until then another node may have owned the shard, for
 *    whom a message that had no effect here still has one.
 * 3. A shard is owned only in the life in which it was acquired.
 * 4. A node that can do its work no longer does not look alive: it leaves, and others do it.
 */
export class Node {
  readonly #name: string
  readonly #log: ActorLog["Service"]
  readonly #leases: Leases["Service"]
  readonly #engine: Engine
  readonly #presence: NodeLease
  readonly #purge: Purge
  readonly #shards: Shards
  readonly #profile: Profile
  readonly #changed = Latch.makeUnsafe(true)
  readonly #hurry = Latch.makeUnsafe(false) // a renewal cannot wait for its time
  readonly #broken = Deferred.makeUnsafe<never, NodeBroken>()
  /** Mail was to be decided and might not be. The tail that brought it waits for ever, and there will be a new one. */
  #halted = false
  #membership: Membership = { nodes: new Map(), holders: new Map() }
  readonly #unserved: Unserved
  readonly #holdings: Holdings
  readonly #declining: Declining
  readonly #moves: Moves
  #leaving = false
  readonly #continuity: Continuity
  readonly #recurring = new Recurring()
  #isBroken = false

  constructor(
    options: NodeOptions,
    log: ActorLog["Service"],
    leases: Leases["Service"],
    engine: Engine,
    clock: Clock.Clock
  ) {
    const { name, asideAfter = ASIDE_AFTER } = options
    this.#name = name
    this.#log = log
    this.#leases = leases
    this.#engine = engine
    this.#profile = profileOf(options, clock.currentTimeMillisUnsafe())
    const nodes = () => this.#membership.nodes
    this.#unserved = new Unserved({ ...options, log, nodes, now: elapsedBy(clock) })
    this.#declining = new Declining(name, this.#profile)
    this.#presence = new NodeLease(name, leases, clock, () => this.#holdings.end())
    this.#purge = new Purge(log, asideAfter, elapsedBy(clock))
    this.#continuity = new Continuity(log)
    const host = { mayDecide: () => this.#mayDecide() }
    const shardHost = {
      ...engine,
      activationHost: { ...engine.activationHost, ...host },
      doneInLane: (shard: string, type: string) => this.#purge.marks.of(laneOf(shard, type)),
      unknown: (mail: Mail) => this.#unserved.met(mail)
    }
    this.#shards = new Shards({
      log,
      shardHost,
      ...host,
      room: engine.room,
      asideAfter,
      now: elapsedBy(clock),
      owned: (shard) => engine.probations.begin(shard),
      doneUpTo: (shard) => this.#purge.marks.of(shard),
      broken: (defect) => this.#break(Cause.die(defect))
    })
    this.#holdings = new Holdings(name, this.#profile, leases, this.#shards)
    this.#moves = new Moves({
      node: name,
      leases,
      shards: this.#shards,
      holdings: this.#holdings,
      probations: engine.probations,
      life: () => this.#presence.life,
      isDeclined: (shard) => this.#declining.shards.includes(shardOfName(shard)),
      // Otherwise we are about to hear of it.
      ended: (shard) => {
        if (this.#membership.holders.get(shard) !== name) this.#changed.openUnsafe()
      }
    })
  }

  /** Fails once the node is broken. */
  readonly broken: Effect.Effect<never, NodeBroken> = Effect.suspend(() => Deferred.await(this.#broken))

  /**
   * A shard has an actor in it that this node is too old for: it is left to a newer node, if there is one or comes one.
   * True if there is one now.
   */
  decline(shard: string): boolean {
    if (this.#declining.met(shard)) this.#changed.openUnsafe()
    return this.#declining.isLeft(shard, this.#membership.nodes)
  }

  /** Starts, and goes on until the scope closes. */
  readonly run = Effect.gen({ self: this }, function* () {
    const scope = yield* Effect.scope
    for (const loop of [this.#engine.run, this.#purge.run, this.#unserved.warn]) yield* this.#vital(loop)
    // Until the very end: to leave can take longer than the lease, and what is seen saves asking for it.
    yield* this.#vital(this.#stayAlive)
    yield* this.#leases.watch((membership) => {
      this.#membership = membership
      this.#purge.see(this.#name, membership)
      this.#holdings.see(membership)
      this.#changed.openUnsafe()
    })
    yield* Effect.addFinalizer(() => this.#leave)
    const join = Effect.suspend(() => this.#presence.join(this.#announcement()))
    // A server that is about to have a leader says that nobody is there: a node that starts then need not end.
    const joined = Effect.retry(join, { while: ({ _tag }) => _tag === "LogUnavailable", schedule: START_PATIENCE })
    if (!(yield* joined)) yield* this.#nameTaken
    yield* this.#vital(this.#follow(scope))
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
    if (this.#isBroken) return Effect.void
    this.#isBroken = true
    const broken = new NodeBroken({ node: this.#name, detail: String(Cause.squash(cause)) })
    return Effect.logFatal("node broken: it leaves its shards to others", cause).pipe(
      Effect.annotateLogs({ node: this.#name }),
      Effect.andThen(this.#presence.end),
      Effect.andThen(Effect.sync(() => this.#shards.dropAll())),
      Effect.andThen(this.#shards.close),
      Effect.ensuring(Deferred.fail(this.#broken, broken))
    )
  }

  #follow(scope: Scope.Scope): Effect.Effect<never> {
    return Effect.forever(
      Effect.suspend(() => {
        this.#changed.closeUnsafe()
        return Effect.uninterruptible(this.#reconcile(scope))
      }).pipe(Effect.andThen(Effect.suspend(() => this.#changed.await)))
    )
  }

  /** Does what placement says. What is given back finishes in its own time, and what is acquired does not wait for it. */
  #reconcile(scope: Scope.Scope): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      if (this.#isBroken || this.#leaving || !this.#presence.joined) return
      if (this.#declining.decide(this.#membership.nodes)) this.#hurry.openUnsafe()
      const nodes = new Map(this.#membership.nodes).set(this.#name, this.#announcement())
      const { acquire, release } = movesOf({
        node: this.#name,
        held: this.#shards.names,
        leaving: this.#moves.leaving,
        excluded: this.#shards.excluded,
        membership: { ...this.#membership, nodes },
        shards: this.#log.shards
      })
      for (const shard of release) {
        yield* Effect.forkIn(this.#moves.giveBack(shard), scope)
      }
      yield* each(acquire, (shard) => this.#moves.acquire(shard))
      yield* this.#holdings.begin
      // A tail costs a new consumer: while shards go away, the old one serves those that stay.
      const settled = release.length === 0 && this.#moves.leaving.size === 0
      if (acquire.length > 0 || settled) yield* this.#read
    })
  }

  /** Reads the mail of what is owned now, if that is not what is read already. */
  readonly #read: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#isBroken || !(this.#halted || this.#shards.misread)) return Effect.void
    if (!this.#halted) return this.#shards.follow
    this.#halted = false
    return Effect.andThen(
      this.#shards.follow,
      Effect.sync(() => this.#shards.resume()) // what was delivered before waits, too
    )
  })

  /** Invariant 1. Once it says no, the next renewal lets everything go on. */
  #mayDecide(): boolean {
    if (this.#log.status.fault === undefined && this.#presence.mayDecide()) return true
    this.#halted = true
    return false
  }

  readonly #stayAlive: Effect.Effect<never> = Effect.suspend(() => {
    const third = this.#leases.ttlMillis / 3
    let wait = third
    return Effect.forever(
      Effect.suspend(() => Effect.timeoutOption(this.#hurry.await, wait)).pipe(
        Effect.andThen(Effect.suspend(() => this.#renew)),
        Effect.flatMap((renewal) => {
          wait = renewal === "renewed" || renewal === "joined" ? third : RETRY_MILLIS
          return renewal === "ended" ? Effect.never : Effect.void // there is nothing to renew any more
        })
      )
    )
  })

  readonly #renew: Effect.Effect<Renewal> = Effect.gen({ self: this }, function* () {
    this.#hurry.closeUnsafe()
    if (this.#isBroken) return "ended"
    const broken = this.#continuity.look()
    if (broken !== undefined) yield* this.#standBack(broken)
    if (broken?.stays) return "failed"
    let said: Pick<Announcement, "done" | "lanes"> = { done: {} }
    const renewal = yield* this.#presence.stay(() => {
      const announcement = this.#announcement()
      said = announcement // before the renewal: invariant 2
      return announcement
    })
    if (renewal === "name taken") yield* this.#nameTaken
    const { counts } = this.#engine.meter
    if (renewal === "renewed") counts.leaseRenewals++
    if (renewal === "lost") counts.leasesLost++
    if (renewal === "lost") yield* Effect.logWarning("lease lost: the node joins anew", { node: this.#name })
    if (renewal === "renewed") {
      this.#purge.take(said)
      yield* each(this.#holdings.lost(), (name) => this.#moves.acquire(name))
      if (this.#halted) yield* this.#read
    }
    this.#changed.openUnsafe()
    return renewal
  })

  /** What we have of the log is wrong. Whoever knows it may have our shards. */
  #standBack({ why, end }: Break): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (end !== undefined) this.#purge.marks.cut(end)
      if (!this.#presence.joined) return Effect.void
      this.#holdings.end()
      return Effect.andThen(Effect.logError(why, { node: this.#name }), this.#presence.leave)
    })
  }

  readonly #nameTaken: Effect.Effect<void> = Effect.suspend(() =>
    this.#recurring.say("Warn", "another node of this name is alive: this one waits", { node: this.#name })
  )

  #announcement(): Announcement {
    return {
      ...this.#profile,
      ...(this.#leaving && { roles: [] }),
      declines: this.#declining.shards,
      log: this.#log.status.life,
      ...this.#shards.done((name) => this.#holdings.spoken(name)),
      residents: this.#shards.residents,
      open: this.#shards.open
    }
  }

  /** The others first learn that they are to take over; each shard is theirs as soon as it has finished what it had. */
  readonly #leave: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    if (this.#isBroken) return
    this.#leaving = true
    if (this.#presence.joined) yield* this.#renew
    yield* each([...this.#shards.names], (shard) => this.#moves.giveBack(shard))
    yield* this.#shards.close
    yield* this.#presence.end
  })
}

const each = <A>(all: ReadonlyArray<A>, act: (one: A) => Effect.Effect<void>): Effect.Effect<void> =>
  Effect.forEach(all, act, { concurrency: "unbounded", discard: true })

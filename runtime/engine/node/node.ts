import { Cause, Deferred, Effect, Latch, Schedule, type Scope } from "effect"
import type { Announcement, Leases } from "../../leases.ts"
import type { ActorLog } from "../../log.ts"
import { Recurring } from "../../recurring.ts"
import type { Engine } from "../engine.ts"
import type { Purge } from "../shard/purge.ts"
import type { Shards } from "../shard/shards.ts"
import type { Unserved } from "../shard/unserved.ts"
import type { Break, Continuity } from "./continuity.ts"
import type { DecisionRight } from "./decision-right.ts"
import type { Declining } from "./declining.ts"
import type { Holdings } from "./holdings.ts"
import type { MembershipView } from "./membership-view.ts"
import type { Moves } from "./moves.ts"
import type { NodeLease, Renewal } from "./node-lease.ts"
import { movesOf } from "./placement.ts"
import { NodeBroken, type Profile } from "./profile.ts"

const RETRY_MILLIS = 100
/** A log that does not answer a node that starts gets this long. */
const START_PATIENCE = Schedule.spaced("500 millis").pipe(Schedule.upTo({ duration: "20 seconds" }))

/** What a node is made of. */
export interface NodeParts {
  readonly name: string
  readonly profile: Profile
  readonly log: ActorLog["Service"]
  readonly leases: Leases["Service"]
  readonly engine: Engine
  readonly view: MembershipView
  readonly lease: NodeLease
  readonly right: DecisionRight
  readonly declining: Declining
  readonly purge: Purge
  readonly unserved: Unserved
  readonly shards: Shards
  readonly holdings: Holdings
  readonly moves: Moves
  readonly continuity: Continuity
  /** Ends with a defect in an actor's machinery. */
  readonly defects: Deferred.Deferred<never>
}

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
  readonly #parts: NodeParts
  readonly #hurry = Latch.makeUnsafe(false) // a renewal cannot wait for its time
  readonly #broken = Deferred.makeUnsafe<never, NodeBroken>()
  readonly #recurring = new Recurring()
  #leaving = false
  #isBroken = false

  constructor(parts: NodeParts) {
    this.#parts = parts
  }

  /** Fails once the node is broken. */
  readonly broken: Effect.Effect<never, NodeBroken> = Effect.suspend(() => Deferred.await(this.#broken))

  /** Starts, and goes on until the scope closes. */
  readonly run = Effect.gen({ self: this }, function* () {
    const scope = yield* Effect.scope
    const { engine, purge, unserved, defects } = this.#parts
    for (const loop of [engine.run, purge.run, unserved.warn, Deferred.await(defects)]) yield* this.#vital(loop)
    // Until the very end: to leave can take longer than the lease, and what is seen saves asking for it.
    yield* this.#vital(this.#stayAlive)
    yield* this.#parts.leases.watch((membership) => {
      this.#parts.purge.see(this.#parts.name, membership)
      this.#parts.holdings.see(membership)
      this.#parts.view.see(membership)
    })
    yield* Effect.addFinalizer(() => this.#leave)
    const join = Effect.suspend(() => this.#parts.lease.join(this.#announcement()))
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
    const broken = new NodeBroken({ node: this.#parts.name, detail: String(Cause.squash(cause)) })
    return Effect.logFatal("node broken: it leaves its shards to others", cause).pipe(
      Effect.annotateLogs({ node: this.#parts.name }),
      Effect.andThen(this.#parts.lease.end),
      Effect.andThen(Effect.sync(() => this.#parts.shards.dropAll())),
      Effect.andThen(this.#parts.shards.close),
      Effect.ensuring(Deferred.fail(this.#broken, broken))
    )
  }

  #follow(scope: Scope.Scope): Effect.Effect<never> {
    return Effect.forever(
      Effect.suspend(() => {
        this.#parts.view.changed.closeUnsafe()
        return Effect.uninterruptible(this.#reconcile(scope))
      }).pipe(Effect.andThen(Effect.suspend(() => this.#parts.view.changed.await)))
    )
  }

  /** Does what placement says. What is given back finishes in its own time, and what is acquired does not wait for it. */
  #reconcile(scope: Scope.Scope): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      if (this.#isBroken || this.#leaving || !this.#parts.lease.joined) return
      if (this.#parts.declining.decide()) this.#hurry.openUnsafe()
      const nodes = new Map(this.#parts.view.now.nodes).set(this.#parts.name, this.#announcement())
      const { acquire, release } = movesOf({
        node: this.#parts.name,
        held: this.#parts.shards.names,
        leaving: this.#parts.moves.leaving,
        excluded: this.#parts.shards.excluded,
        membership: { ...this.#parts.view.now, nodes },
        shards: this.#parts.log.shards
      })
      for (const shard of release) {
        yield* Effect.forkIn(this.#parts.moves.giveBack(shard), scope)
      }
      yield* each(acquire, (shard) => this.#parts.moves.acquire(shard))
      yield* this.#parts.holdings.begin
      // A tail costs a new consumer: while shards go away, the old one serves those that stay.
      const settled = release.length === 0 && this.#parts.moves.leaving.size === 0
      if (acquire.length > 0 || settled) yield* this.#read
    })
  }

  /** Reads the mail of what is owned now, if that is not what is read already. */
  readonly #read: Effect.Effect<void> = Effect.suspend(() => {
    const { right, shards } = this.#parts
    if (this.#isBroken || !(right.refused || shards.misread)) return Effect.void
    if (!right.refused) return shards.follow
    right.forget()
    return Effect.andThen(
      shards.follow,
      Effect.sync(() => shards.resume()) // what was delivered before waits, too
    )
  })

  readonly #stayAlive: Effect.Effect<never> = Effect.suspend(() => {
    const third = this.#parts.leases.ttlMillis / 3
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
    const broken = this.#parts.continuity.look()
    if (broken !== undefined) yield* this.#standBack(broken)
    if (broken?.stays) return "failed"
    let said: Pick<Announcement, "done" | "lanes"> = { done: {} }
    const announce = () => {
      const announcement = this.#announcement()
      said = announcement // before the renewal: invariant 2
      return announcement
    }
    const renewal = yield* this.#parts.lease.stay(announce, () => this.#parts.holdings.end())
    if (renewal === "name taken") yield* this.#nameTaken
    const { counts } = this.#parts.engine.meter
    if (renewal === "renewed") counts.leaseRenewals++
    if (renewal === "lost") counts.leasesLost++
    if (renewal === "lost") yield* Effect.logWarning("lease lost: the node joins anew", { node: this.#parts.name })
    if (renewal === "renewed") {
      this.#parts.purge.take(said)
      yield* each(this.#parts.holdings.lost(), (name) => this.#parts.moves.acquire(name))
      if (this.#parts.right.refused) yield* this.#read
    }
    this.#parts.view.changed.openUnsafe()
    return renewal
  })

  /** What we have of the log is wrong. Whoever knows it may have our shards. */
  #standBack({ why, end }: Break): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (end !== undefined) this.#parts.purge.watermarks.cut(end)
      if (!this.#parts.lease.joined) return Effect.void
      this.#parts.holdings.end()
      return Effect.andThen(Effect.logError(why, { node: this.#parts.name }), this.#parts.lease.leave)
    })
  }

  readonly #nameTaken: Effect.Effect<void> = Effect.suspend(() =>
    this.#recurring.say("Warn", "another node of this name is alive: this one waits", { node: this.#parts.name })
  )

  #announcement(): Announcement {
    return {
      ...this.#parts.profile,
      ...(this.#leaving && { roles: [] }),
      declines: this.#parts.declining.shards,
      log: this.#parts.log.status.life,
      ...this.#parts.shards.done((name) => this.#parts.holdings.spoken(name)),
      residents: this.#parts.shards.residents,
      open: this.#parts.shards.open
    }
  }

  /** The others first learn that they are to take over; each shard is theirs as soon as it has finished what it had. */
  readonly #leave: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    if (this.#isBroken) return
    this.#leaving = true
    if (this.#parts.lease.joined) yield* this.#renew
    yield* each([...this.#parts.shards.names], (shard) => this.#parts.moves.giveBack(shard))
    yield* this.#parts.shards.close
    yield* this.#parts.lease.end
  })
}

const each = <A>(all: ReadonlyArray<A>, act: (one: A) => Effect.Effect<void>): Effect.Effect<void> =>
  Effect.forEach(all, act, { concurrency: "unbounded", discard: true })

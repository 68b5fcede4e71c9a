import { nuid } from "@nats-io/transport-node"
import { Effect, Layer, Semaphore } from "effect"
import type { ReadError, ServerUnsuitable } from "../errors.ts"
import { type Announcement, Leases } from "../leases.ts"
import { type Bucket, openBucket } from "./bucket.ts"
import { Nats } from "./connection.ts"
import {
  formatHolder,
  formatNode,
  type Ghost,
  type Holder,
  type Key,
  type KeyView,
  lifeIn,
  nodeKey,
  parseHolder,
  shardKey
} from "./membership.ts"
import { watchMembership } from "./membership-watch.ts"
import { Notes } from "./notes.ts"
import { ServerTime } from "./server-time.ts"
import { makeSubjects } from "./subjects.ts"

export interface LeaseOptions {
  /** How long a node lives without renewal, in whole seconds; the server cannot count finer. */
  readonly ttlSeconds: number
  readonly replicas: number
}

/**
 * `Leases` in a key-value bucket.
 *
 * `node.<node>` expires unless renewed, and holds an epoch (the node's present life) and what the node says of itself. One
 * that was not renewed in time counts for nothing, also where the server has it still, or again; whoever lives removes it.
 * `shard.<shard>` never expires. It holds a node and its epoch, and counts for nothing once that life has ended: one
 * message a node renews everything.
 */
export const layerLeases = (options: LeaseOptions): Layer.Layer<Leases, ServerUnsuitable, Nats> =>
  Layer.effect(
    Leases,
    Effect.gen(function* () {
      const nats = yield* Nats
      const ttlMillis = options.ttlSeconds * 1_000
      const subjects = makeSubjects(nats.options.namespace)
      const bucket = yield* openBucket(nats, subjects.bucket, {
        replicas: options.replicas,
        patienceMillis: ttlMillis / 3,
        belongsTo: subjects.stream
      })
      const ages = new Ages(bucket, ttlMillis)
      const lives = new Lives(bucket, options.ttlSeconds, ages)
      const shards = new ShardLeases(bucket, lives, ages)
      const notes = new Notes(bucket)
      return Leases.of({
        ttlMillis,
        join: (node, announcement) =>
          Effect.acquireRelease(lives.begin(node, announcement), (life) =>
            life === undefined ? Effect.void : Effect.ignore(lives.end(life))
          ).pipe(Effect.map((life) => life !== undefined)),
        renew: (node, announcement) => lives.renew(node, announcement),
        watch: (see) =>
          watchMembership(nats, bucket, ttlMillis, {
            see,
            hold: (view) => {
              shards.view = view
            },
            bury: (ghost) => lives.bury(ghost)
          }),
        acquire: (shard, node) => shards.acquire(shard, node),
        inherited: (shard) =>
          shards.inherited.has(shard) ? Effect.map(notes.read(shard), (note) => ({ note })) : Effect.succeed(undefined),
        note: (shard, text) => notes.write(shard, text),
        release: (shard, node) => shards.release(shard, node)
      })
    })
  )

/** A node of this process that has joined. */
interface NodeLife extends Holder {
  readonly lock: Semaphore.Semaphore
  revision: number
  ended: boolean
}

/** Whether the life in a key still goes on: by the servers' time, whatever key is there. */
class Ages {
  readonly #time = new ServerTime()
  readonly #bucket: Bucket
  readonly #ttlMillis: number

  constructor(bucket: Bucket, ttlMillis: number) {
    this.#bucket = bucket
    this.#ttlMillis = ttlMillis
  }

  /** The epoch in a node's key, unless its lease has run out. */
  epochIn(key: Key): Effect.Effect<string | undefined, ReadError> {
    const life = lifeIn(key.value)
    if (life === undefined) return Effect.succeed(undefined)
    const ttlMillis = life.ttlMillis > 0 ? life.ttlMillis : this.#ttlMillis
    return Effect.map(this.#bucket.state, ({ time }) => {
      this.#time.see(time)
      return this.#time.hasRunOut(key.time, ttlMillis) ? undefined : life.epoch
    })
  }
}

/**
 * The lives of this process's nodes.
 *
 * A write whose answer was lost is found by its epoch: what holds it is ours, whatever its revision.
 */
class Lives {
  readonly #bucket: Bucket
  readonly #ttlSeconds: number
  readonly #lives = new Map<string, NodeLife>()
  /** All epochs that were ever written for a node, also where the answer was lost. */
  readonly #ours = new Set<string>()
  readonly #ages: Ages

  constructor(bucket: Bucket, ttlSeconds: number, ages: Ages) {
    this.#bucket = bucket
    this.#ttlSeconds = ttlSeconds
    this.#ages = ages
  }

  of(node: string): NodeLife | undefined {
    return this.#lives.get(node)
  }

  begin(node: string, announcement: Announcement): Effect.Effect<NodeLife | undefined, ReadError> {
    return Effect.gen({ self: this }, function* () {
      if (this.#lives.has(node)) return undefined
      const last = yield* this.#bucket.read(nodeKey(node))
      const epoch = yield* this.#ages.epochIn(last)
      if (epoch !== undefined && !this.#ours.has(epoch)) return undefined
      const life: NodeLife = { node, epoch: nuid.next(), lock: Semaphore.makeUnsafe(1), revision: 0, ended: false }
      // Who joins anew had lost its lease: maybe with the whole bucket.
      if (this.#ours.size > 0) yield* this.#bucket.rewatch
      this.#ours.add(life.epoch)
      const revision = yield* this.#write(life, announcement, last.revision)
      if (revision === undefined) return undefined
      life.revision = revision
      this.#lives.set(node, life)
      return life
    })
  }

  renew(node: string, announcement: Announcement): Effect.Effect<boolean, ReadError> {
    const life = this.#lives.get(node)
    if (life === undefined) return Effect.succeed(false)
    return Effect.gen({ self: this }, function* () {
      if (life.ended) return false
      let revision = yield* this.#write(life, announcement, life.revision)
      if (revision === undefined) {
        const last = yield* this.#bucket.read(nodeKey(node))
        if (isOf(life, last)) revision = yield* this.#write(life, announcement, last.revision)
      }
      if (revision === undefined) {
        this.#forget(life)
        return false
      }
      life.revision = revision
      return true
    }).pipe((renewing) => life.lock.withPermits(1)(renewing))
  }

  /** A renewal that is on its way ends first: the key that it writes must not stay. */
  end(life: NodeLife): Effect.Effect<void, ReadError> {
    return Effect.gen({ self: this }, function* () {
      if (life.ended) return
      this.#forget(life)
      const key = nodeKey(life.node)
      if (yield* this.#bucket.remove(key, life.revision, "expires")) return
      const last = yield* this.#bucket.read(key)
      if (isOf(life, last)) yield* this.#bucket.remove(key, last.revision, "expires")
    }).pipe((ending) => life.lock.withPermits(1)(ending))
  }

  /** Removes the key of a node that is dead. Only a process that has a node alive does so: others may only look. */
  bury({ node, revision }: Ghost): Effect.Effect<void, ReadError> {
    if (this.#lives.size === 0 || this.#lives.has(node)) return Effect.void
    return Effect.flatMap(this.#bucket.remove(nodeKey(node), revision, "expires"), (removed) =>
      removed
        ? Effect.logWarning("the server had the lease of a node that is dead: it is removed", { node })
        : Effect.void
    )
  }

  #write(life: NodeLife, announcement: Announcement, expected: number) {
    const value = formatNode(life.epoch, this.#ttlSeconds, announcement)
    return this.#bucket.write(nodeKey(life.node), value, { expected, ttlSeconds: this.#ttlSeconds })
  }

  #forget(life: NodeLife): void {
    life.ended = true
    if (this.#lives.get(life.node) === life) this.#lives.delete(life.node)
  }
}

const isOf = (life: NodeLife, last: Key): boolean => lifeIn(last.value)?.epoch === life.epoch

const isHeldBy = (holder: Holder, { value }: Key): boolean => value === formatHolder(holder)

/** The shards of this process's nodes. What a watch has shown of them saves reading; where it was late, the guard says so. */
class ShardLeases {
  readonly #bucket: Bucket
  readonly #lives: Lives
  readonly #ages: Ages
  /** Shards that were taken from a life that had ended without giving them back. */
  readonly inherited = new Set<string>()
  /** What the newest watch has seen, once that is whole. */
  view: KeyView | undefined

  constructor(bucket: Bucket, lives: Lives, ages: Ages) {
    this.#bucket = bucket
    this.#lives = lives
    this.#ages = ages
  }

  acquire(shard: string, node: string): Effect.Effect<boolean, ReadError> {
    return Effect.gen({ self: this }, function* () {
      const life = this.#lives.of(node)
      if (life === undefined) return false
      const { view } = this
      if (view !== undefined) {
        const seen = view.shard(shard)
        if (isHeldBy(life, seen)) return true
        if (seen.value !== undefined && view.isAlive(parseHolder(seen.value))) return false
        if (yield* this.#take(shard, life, seen)) return true
      }
      const last = yield* this.#bucket.read(shardKey(shard))
      if (isHeldBy(life, last)) return true
      if (last.value !== undefined && (yield* this.#isAlive(parseHolder(last.value)))) return false
      return yield* this.#take(shard, life, last)
    })
  }

  release(shard: string, node: string): Effect.Effect<void, ReadError> {
    return Effect.gen({ self: this }, function* () {
      const life = this.#lives.of(node)
      if (life === undefined) return
      const seen = this.view?.shard(shard)
      if (seen !== undefined && isHeldBy(life, seen)) {
        if (yield* this.#bucket.remove(shardKey(shard), seen.revision, "kept")) return
      }
      const last = yield* this.#bucket.read(shardKey(shard))
      if (isHeldBy(life, last)) yield* this.#bucket.remove(shardKey(shard), last.revision, "kept")
    })
  }

  #take(shard: string, life: NodeLife, { revision, value }: Key): Effect.Effect<boolean, ReadError> {
    return Effect.map(this.#bucket.write(shardKey(shard), formatHolder(life), { expected: revision }), (written) => {
      if (written === undefined) return false
      if (value === undefined) this.inherited.delete(shard)
      else this.inherited.add(shard)
      return true
    })
  }

  #isAlive({ node, epoch }: Holder): Effect.Effect<boolean, ReadError> {
    return this.#bucket.read(nodeKey(node)).pipe(
      Effect.flatMap((key) => this.#ages.epochIn(key)),
      Effect.map((alive) => alive === epoch)
    )
  }
}

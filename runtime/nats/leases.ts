import { nuid } from "@nats-io/transport-node"
import { Effect, Layer, Semaphore } from "effect"
import type { ReadError, ServerUnsuitable } from "../errors.ts"
import { type Announcement, Leases } from "../leases.ts"
import { type Bucket, openBucket } from "./bucket.ts"
import { Nats } from "./connection.ts"
import {
  epochOf,
  formatHolder,
  formatNode,
  type Holder,
  type Key,
  nodeKey,
  parseHolder,
  shardKey,
  type View
} from "./membership.ts"
import { makeSubjects } from "./subjects.ts"
import { watchMembership } from "./watch.ts"

export interface LeaseOptions {
  /** How long a node lives without renewal, in whole seconds; the server cannot count finer. */
  readonly ttlSeconds: number
  readonly replicas: number
}

/**
 * `Leases` in a key-value bucket.
 *
 * `node.<node>` expires unless renewed, and holds an epoch (the node's present life) and what the node says of itself.
 * `shard.<shard>` never expires. It holds a node and its epoch, and counts for nothing once that life has ended: one
 * message a node renews everything.
 */
export const layerLeases = (options: LeaseOptions): Layer.Layer<Leases, ServerUnsuitable, Nats> =>
  Layer.effect(
    Leases,
    Effect.gen(function* () {
      const nats = yield* Nats
      const ttlMillis = options.ttlSeconds * 1_000
      const bucket = yield* openBucket(nats, makeSubjects(nats.options.namespace).bucket, {
        replicas: options.replicas,
        patienceMillis: ttlMillis / 3
      })
      const lives = new Lives(bucket, options.ttlSeconds)
      const shards = new ShardLeases(bucket, lives)
      return Leases.of({
        ttlMillis,
        join: (node, announcement) =>
          Effect.acquireRelease(lives.begin(node, announcement), (life) =>
            life === undefined ? Effect.void : Effect.ignore(lives.end(life))
          ).pipe(Effect.map((life) => life !== undefined)),
        renew: (node, announcement) => lives.renew(node, announcement),
        watch: (see) =>
          watchMembership(nats, bucket, see, (view) => {
            shards.view = view
          }),
        acquire: (shard, node) => shards.acquire(shard, node),
        release: (shard, node) => shards.release(shard, node)
      })
    })
  )

/** A node of this process that has joined. */
interface Life extends Holder {
  readonly lock: Semaphore.Semaphore
  revision: number
  ended: boolean
}

/**
 * The lives of this process's nodes.
 *
 * A write whose answer was lost is found by its epoch: what holds it is ours, whatever its revision.
 */
class Lives {
  readonly #bucket: Bucket
  readonly #ttlSeconds: number
  readonly #lives = new Map<string, Life>()
  /** All epochs that were ever written for a node, also where the answer was lost. */
  readonly #ours = new Set<string>()

  constructor(bucket: Bucket, ttlSeconds: number) {
    this.#bucket = bucket
    this.#ttlSeconds = ttlSeconds
  }

  of(node: string): Life | undefined {
    return this.#lives.get(node)
  }

  begin(node: string, announcement: Announcement): Effect.Effect<Life | undefined, ReadError> {
    return Effect.gen({ self: this }, function* () {
      if (this.#lives.has(node)) return undefined
      const last = yield* this.#bucket.read(nodeKey(node))
      const epoch = last.value === undefined ? undefined : epochOf(last.value)
      if (epoch !== undefined && !this.#ours.has(epoch)) return undefined
      const life: Life = { node, epoch: nuid.next(), lock: Semaphore.makeUnsafe(1), revision: 0, ended: false }
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
  end(life: Life): Effect.Effect<void, ReadError> {
    return Effect.gen({ self: this }, function* () {
      if (life.ended) return
      this.#forget(life)
      const key = nodeKey(life.node)
      if (yield* this.#bucket.remove(key, life.revision, "expires")) return
      const last = yield* this.#bucket.read(key)
      if (isOf(life, last)) yield* this.#bucket.remove(key, last.revision, "expires")
    }).pipe((ending) => life.lock.withPermits(1)(ending))
  }

  #write(life: Life, announcement: Announcement, expected: number) {
    const value = formatNode(life.epoch, announcement)
    return this.#bucket.write(nodeKey(life.node), value, { expected, ttlSeconds: this.#ttlSeconds })
  }

  #forget(life: Life): void {
    life.ended = true
    if (this.#lives.get(life.node) === life) this.#lives.delete(life.node)
  }
}

const isOf = (life: Life, last: Key): boolean => last.value !== undefined && epochOf(last.value) === life.epoch

const isHeldBy = (holder: Holder, { value }: Key): boolean => value === formatHolder(holder)

/** The shards of this process's nodes. What a watch has shown of them saves reading; where it was late, the guard says so. */
class ShardLeases {
  readonly #bucket: Bucket
  readonly #lives: Lives
  /** What the newest watch has seen, once that is whole. */
  view: View | undefined

  constructor(bucket: Bucket, lives: Lives) {
    this.#bucket = bucket
    this.#lives = lives
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

  #take(shard: string, life: Life, { revision }: Key): Effect.Effect<boolean, ReadError> {
    return this.#bucket
      .write(shardKey(shard), formatHolder(life), { expected: revision })
      .pipe(Effect.map((taken) => taken !== undefined))
  }

  #isAlive({ node, epoch }: Holder): Effect.Effect<boolean, ReadError> {
    return Effect.map(this.#bucket.read(nodeKey(node)), ({ value }) => value !== undefined && epochOf(value) === epoch)
  }
}

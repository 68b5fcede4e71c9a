import { Effect, Exit, Scope, Semaphore } from "effect"
import type { Announcement, Done } from "../../leases.ts"
import type { LogStorage, Mail } from "../../log.ts"
import { type Aside, asideOf } from "./aside.ts"
import { laneOf, numberOf, roleOf, shardOfName, typeOfLane } from "./serving.ts"
import { Shard, type ShardCollaborators } from "./shard.ts"

/** For how long an actor may have mail that is not done before it is named, at least: at most twice as long. */
const BEHIND_MILLIS = 2_000

/** What the shards of a node need of the node around them. */
export interface ShardsHost {
  readonly log: Pick<LogStorage, "tail">
  /** What each shard works with. */
  readonly shards: ShardCollaborators
  /** Whether mail may be given to actors. While it may not, the tail stops, and a new one is needed. */
  readonly right: { readonly mayDecide: () => boolean }
  /** Waits while too much is delivered and not done; nothing to wait for otherwise. */
  readonly flow: { readonly room: () => Effect.Effect<void> | undefined }
  /** A shard is served from now on. */
  readonly probations: { readonly begin: (shard: Shard) => void }
  /** A sequence up to which all mail of a shard or lane is known to be done. */
  readonly watermarks: { readonly of: (shard: string) => number }
  /** Milliseconds by a clock that only goes forward. */
  readonly now: () => number
  /** How far, in sequences, an actor may be behind before it is named. */
  readonly asideAfter: number
  /** A defect in an actor's machinery. */
  readonly broken: (defect: unknown) => Effect.Effect<void>
}

/**
 * The shards that a node owns, and the one tail that brings the mail of all of them.
 *
 * Invariants:
 * 1. There is one tail at a time. What it has passed counts only for shards that it reads, and it gives mail to no other: a
 *    shard that was lost and taken again is another, for which it is too far.
 * 2. `passed` of a shard is never beyond a mail that was not given to it and is not done.
 */
export class Shards {
  readonly #host: ShardsHost
  readonly #owned = new Map<string, Shard>()
  /** By shard: up to here its mail was given to it, or is done. */
  readonly #passed = new Map<string, number>()
  /** Which shards the present tail reads, each from after which sequence, and the last sequence that it has passed. */
  #read: ReadonlyMap<string, Shard> = new Map()
  #starts: ReadonlyMap<string, number> = new Map()
  #readsLanes = false
  #reached = 0
  #tail: Scope.Closeable | undefined
  /** How far the tail was a while ago, and at the last time that this was noted. */
  #reachedBefore = 0
  #noted = { at: Number.NEGATIVE_INFINITY, reached: 0 }
  readonly #opening = Semaphore.makeUnsafe(1)
  #closed = false

  constructor(host: ShardsHost) {
    this.#host = host
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#owned.keys())
  }

  get residents(): number {
    let residents = 0
    for (const shard of this.#owned.values()) residents += shard.residents
    return residents
  }

  get open(): number {
    let open = 0
    for (const shard of this.#owned.values()) open += shard.progress.open
    return open
  }

  /** The tail reads other shards than are owned: too few, or in vain. */
  get misread(): boolean {
    return (
      this.#read.size !== this.#owned.size || [...this.#owned].some(([name, shard]) => this.#read.get(name) !== shard)
    )
  }

  /** The shard or lane is ours, but for the types that lanes have. Its mail comes after the next `follow`. */
  add(name: string, excluded: ReadonlySet<string> = new Set()): void {
    const shard = new Shard(name, this.#host.shards, excluded)
    this.#owned.set(name, shard)
    this.#host.probations.begin(shard)
    this.#passed.set(name, Math.max(this.#host.watermarks.of(name), this.#host.watermarks.of(shardOfName(name))))
  }

  /** The types that the shards do not serve although the node has them, by shard. */
  get excluded(): ReadonlyMap<string, ReadonlySet<string>> {
    return new Map(Array.from(this.#owned, ([name, { excluded }]) => [name, excluded]))
  }

  /** Lets a shard finish what it has, and takes no more mail for it. */
  drain(name: string): Effect.Effect<void> {
    return Effect.suspend(() => this.#owned.get(name)?.drain ?? Effect.void)
  }

  /** The shard is not ours any more. */
  drop(name: string): void {
    this.#owned.get(name)?.drop()
    this.#owned.delete(name)
    this.#passed.delete(name)
  }

  dropAll(): void {
    for (const name of this.names) this.drop(name)
  }

  resume(): void {
    for (const shard of this.#owned.values()) shard.resume()
  }

  /** Reads the mail of what is owned now, each shard from where it stood. */
  readonly follow: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    yield* this.#closeTail
    if (this.#closed) return
    const after = new Map([...this.#owned].map(([name, shard]) => [name, this.#startOf(name, shard)]))
    this.#read = new Map(this.#owned)
    this.#starts = after
    this.#readsLanes = [...after.keys()].some((name) => typeOfLane(name) !== undefined)
    this.#reached = after.size === 0 ? 0 : Math.min(...after.values())
    this.#tail = yield* Scope.make()
    const deliver = (mail: Mail) => this.#deliver(mail)
    const reached = (sequence: number) => {
      this.#reached = Math.max(this.#reached, sequence)
    }
    yield* this.#host.log.tail(withoutOverlap(after), deliver, reached).pipe(Scope.provide(this.#tail))
  }).pipe((opening) => Effect.uninterruptible(this.#opening.withPermits(1)(opening))) // invariant 1

  /** Reads no mail any more. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.#closed = true
    return this.#closeTail
  }).pipe((closing) => this.#opening.withPermits(1)(closing))

  /**
   * Up to where all mail of the whole shards is done, by role, and that of lanes, by role and type. True as long as they are
   * ours while it is worked out. `spoken` says of which shards something may be said.
   */
  done(spoken: (shard: string) => boolean): DoneAnnouncement {
    this.#lookBack()
    const said = { done: new Map<string, Doing>(), lanes: new Map<string, Doing>() }
    for (const [name, shard] of this.#owned) {
      if (!shard.followed || this.#read.get(name) !== shard || !spoken(name)) continue
      const type = typeOfLane(name)
      const of = type === undefined ? said.done : said.lanes
      const key = type === undefined ? roleOf(name) : `${roleOf(name)}.${type}`
      const done = of.get(key) ?? { upTo: this.#reached, shards: [], all: [] }
      of.set(key, done)
      done.upTo = Math.min(done.upTo, (shard.progress.oldestOpen ?? Number.POSITIVE_INFINITY) - 1)
      done.shards.push(numberOf(name))
      done.all.push(shard)
    }
    const lanes = this.#said(said.lanes)
    return { done: this.#said(said.done), ...(said.lanes.size > 0 && { lanes }) }
  }

  #said(doing: ReadonlyMap<string, Doing>): Readonly<Record<string, Done>> {
    const behindAt = Math.max(this.#reached - this.#host.asideAfter, this.#reachedBefore)
    return Object.fromEntries(
      Array.from(doing, ([key, { upTo, shards, all }]) => {
        return [key, { upTo, shards, ...(upTo < behindAt && this.#aside(all, behindAt)) }]
      })
    )
  }

  #aside(shards: ReadonlyArray<Shard>, behindAt: number): Aside | undefined {
    const undone = shards.flatMap((shard) => shard.undone)
    return asideOf(this.#reached, undone, behindAt)
  }

  /** Takes note of the time: what is not done for longer than a while is behind. */
  #lookBack(): void {
    const now = this.#host.now()
    if (now - this.#noted.at < BEHIND_MILLIS) return
    this.#reachedBefore = this.#noted.reached
    this.#noted = { at: now, reached: this.#reached }
  }

  readonly #closeTail: Effect.Effect<void> = Effect.suspend(() => {
    const tail = this.#tail
    this.#tail = undefined
    return tail === undefined ? Effect.void : Scope.close(tail, Exit.void)
  })

  /** What the tail before has passed is behind the shards that it has read. */
  #startOf(name: string, shard: Shard): number {
    const reached = shard.followed && this.#read.get(name) === shard ? this.#reached : 0
    const passed = Math.max(shard.follow(), reached, this.#passed.get(name) ?? 0)
    this.#passed.set(name, passed)
    return passed
  }

  #deliver(mail: Mail): Effect.Effect<void> | undefined {
    if (!this.#host.right.mayDecide()) return Effect.never
    try {
      this.#give(mail.shard, mail)
      if (this.#readsLanes) this.#give(laneOf(mail.shard, mail.to.type), mail)
    } catch (defect) {
      return Effect.forkDetach(this.#host.broken(defect)).pipe(Effect.andThen(Effect.never))
    }
    this.#reached = mail.sequence
    return this.#host.flow.room()
  }

  /** A tail that reads a shard and a lane of it begins where the one begins that is less far. */
  #give(name: string, mail: Mail): void {
    if (mail.sequence > (this.#starts.get(name) ?? 0)) this.#read.get(name)?.deliver(mail)
  }
}

interface Doing {
  upTo: number
  readonly shards: Array<number>
  readonly all: Array<Shard>
}
type DoneAnnouncement = Pick<Announcement, "done" | "lanes">

/** A lane whose shard is read too comes with it. */
const withoutOverlap = (after: ReadonlyMap<string, number>): ReadonlyMap<string, number> => {
  const read = new Map<string, number>()
  for (const [name, from] of after) {
    const shard = shardOfName(name)
    const under = after.has(shard) ? shard : name
    read.set(under, Math.min(from, read.get(under) ?? from))
  }
  return read
}

import type { Announcement, Membership } from "../../runtime/index.ts"
import type { Channel, Host } from "./host.ts"

/** A node in one of its lives. The later life of a process has the higher number. */
export interface LeaseLife {
  readonly node: string
  readonly process: string
  readonly number: number
}

interface Alive {
  readonly life: LeaseLife
  readonly renewal: number
  readonly until: number
  readonly announcement: Announcement
}

/**
 * Who is alive and who holds which shard, as the server knows it.
 *
 * A node's life ends when it is not renewed in time. Its shards are held by that life: they are free when it ends.
 */
export class LeaseTable {
  readonly ttlMillis: number
  readonly #host: Host
  readonly #nodes = new Map<string, Alive>()
  readonly #shards = new Map<string, LeaseLife>()
  readonly #inherited = new Set<string>()
  readonly #notes = new Map<string, string>()
  readonly #watchers = new Set<Channel<Membership>>()

  constructor(host: Host, ttlMillis: number) {
    this.#host = host
    this.ttlMillis = ttlMillis
  }

  /** False if another process is alive under the name, or a later life of the same. */
  join(life: LeaseLife, announcement: Announcement): boolean {
    const present = this.#nodes.get(life.node)
    if (present !== undefined && !(present.life.process === life.process && present.life.number < life.number)) {
      return false
    }
    this.#write(life, 0, announcement)
    return true
  }

  /** False if the life has ended. One that was overtaken by a later renewal changes nothing. */
  renew(life: LeaseLife, renewal: number, announcement: Announcement): boolean {
    const present = this.#nodes.get(life.node)
    if (present === undefined || !isSame(present.life, life)) return false
    if (renewal > present.renewal) this.#write(life, renewal, announcement)
    return true
  }

  end(life: LeaseLife): void {
    if (!this.#isAlive(life)) return
    this.#nodes.delete(life.node)
    this.#tell()
  }

  acquire(shard: string, life: LeaseLife): boolean {
    const holder = this.#shards.get(shard)
    if (!this.#isAlive(life)) return false
    if (holder !== undefined && isSame(holder, life)) return true
    if (holder !== undefined && this.#isAlive(holder)) return false
    if (holder === undefined) this.#inherited.delete(shard)
    else this.#inherited.add(shard)
    this.#shards.set(shard, life)
    this.#tell()
    return true
  }

  /** Nothing where the shard had been given back before it was taken last. */
  inherited(shard: string): { readonly note: string | undefined } | undefined {
    return this.#inherited.has(shard) ? { note: this.#notes.get(shard) } : undefined
  }

  note(shard: string, text: string | undefined): void {
    if (text === undefined) this.#notes.delete(shard)
    else this.#notes.set(shard, text)
  }

  release(shard: string, life: LeaseLife): void {
    const holder = this.#shards.get(shard)
    if (holder === undefined || !isSame(holder, life)) return
    this.#shards.delete(shard)
    this.#tell()
  }

  watch(channel: Channel<Membership>): () => void {
    this.#watchers.add(channel)
    channel.send(this.membership)
    return () => void this.#watchers.delete(channel)
  }

  get membership(): Membership {
    const nodes = new Map(Array.from(this.#nodes, ([node, { announcement }]) => [node, announcement]))
    const holders = new Map<string, string>()
    for (const [shard, life] of this.#shards) if (this.#isAlive(life)) holders.set(shard, life.node)
    return { nodes, holders }
  }

  #isAlive(life: LeaseLife): boolean {
    const present = this.#nodes.get(life.node)
    return present !== undefined && isSame(present.life, life)
  }

  #write(life: LeaseLife, renewal: number, announcement: Announcement): void {
    const alive = { life, renewal, announcement, until: this.#host.now() + this.ttlMillis }
    this.#nodes.set(life.node, alive)
    this.#host.at(alive.until, () => {
      if (this.#nodes.get(life.node) === alive) this.end(life)
    })
    this.#tell()
  }

  #tell(): void {
    if (this.#watchers.size === 0) return
    const { membership } = this
    for (const channel of [...this.#watchers]) if (!channel.send(membership)) this.#watchers.delete(channel)
  }
}

const isSame = (one: LeaseLife, other: LeaseLife): boolean =>
  one.node === other.node && one.process === other.process && one.number === other.number

import { Effect, Schema } from "effect"
import type { Announcement, Membership } from "../leases.ts"
import { ServerTime } from "./server-time.ts"

/** Absent in what another version of the runtime says: its node is alive all the same. */
const orElse = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))

const Strings = orElse(Schema.Array(Schema.String), [])
const Versions = orElse(Schema.Record(Schema.String, Schema.Int), {})
const Count = orElse(Schema.Int, 0)
const Done = Schema.Struct({
  upTo: Schema.Int,
  shards: Schema.Array(Schema.Int),
  reach: Schema.optionalKey(Schema.Int),
  except: Schema.optionalKey(Schema.Array(Schema.String))
})

/**
 * The value of a node's key. `epoch` is its present life: another one each time that it joins. `ttl` is how long it lives
 * without renewal, in seconds; 0 if it does not say so.
 */
const NodeValue = Schema.Struct({
  epoch: Schema.String,
  ttl: Count,
  labels: Strings,
  roles: Strings,
  types: Versions,
  protocols: Versions,
  serves: Schema.optionalKey(Schema.Record(Schema.String, Schema.Array(Schema.String))),
  declines: Strings,
  log: orElse(Schema.String, ""),
  done: orElse(Schema.Record(Schema.String, Done), {}),
  lanes: Schema.optionalKey(Schema.Record(Schema.String, Done)),
  since: Count,
  residents: Count,
  open: Count
})

const decodeNode = Schema.decodeUnknownOption(Schema.fromJsonString(NodeValue))

export const nodeKey = (node: string): string => `node.${node}`
export const shardKey = (shard: string): string => `shard.${shard}`
export const noteKey = (shard: string): string => `note.${shard}`

export const formatNode = (epoch: string, ttlSeconds: number, announcement: Announcement): string =>
  JSON.stringify({ epoch, ttl: ttlSeconds, ...announcement })

/** A node's life, as its key holds it. */
export interface StoredLife {
  readonly epoch: string
  /** How long it goes on without renewal, in milliseconds; 0 if it does not say so. */
  readonly ttlMillis: number
}

/** The life in a node's key; nothing if it holds none. */
export const lifeIn = (value: string | undefined): StoredLife | undefined => {
  const node = value === undefined ? undefined : decodeNode(value)
  return node?._tag === "Some" ? { epoch: node.value.epoch, ttlMillis: node.value.ttl * 1_000 } : undefined
}

/** Which node in which of its lives has a shard. */
export interface Holder {
  readonly node: string
  readonly epoch: string
}

export const formatHolder = ({ node, epoch }: Holder): string => `${node} ${epoch}`

export const parseHolder = (value: string): Holder => {
  const [node = "", epoch = ""] = value.split(" ")
  return { node, epoch }
}

/** A key of the bucket as it was last written. */
export interface Key {
  readonly revision: number
  /** None, if it was deleted or has expired. */
  readonly value: string | undefined
  /** When it was written, in milliseconds since 1970, by the server's clock. */
  readonly time: number
}

export const NO_KEY: Key = { revision: 0, value: undefined, time: 0 }

interface SeenNode {
  readonly epoch: string
  readonly announcement: Announcement
  readonly revision: number
  readonly time: number
  readonly ttlMillis: number
}

/** A node whose lease has run out, and whose key is there all the same. */
export interface Ghost {
  readonly node: string
  readonly revision: number
}

/**
 * What the bucket holds, key by key as it is told.
 *
 * It can be late, and never early: a life that it saw end has ended. One that it has not seen yet is judged wrongly only
 * before all keys were read once.
 *
 * A key that is there is not enough: a server that lost its power can bring back what had expired. A node that has not
 * renewed in time is dead.
 */
export class KeyView {
  /** Of what is in here: one that is told of nothing any more takes nobody for dead. */
  readonly #time = new ServerTime()
  readonly #ttlMillis: number
  readonly #nodes = new Map<string, SeenNode>()
  readonly #shards = new Map<string, Key>()

  /** `ttlMillis` is for nodes that do not say how long they live without renewal. */
  constructor(ttlMillis: number) {
    this.#ttlMillis = ttlMillis
  }

  /** It is so late by the server's clock. */
  now(time: number): void {
    this.#time.see(time)
  }

  take(name: string, key: Key): void {
    this.#time.see(key.time)
    const at = name.indexOf(".")
    const kind = name.slice(0, at)
    const rest = name.slice(at + 1)
    if (kind === "shard") this.#shards.set(rest, key)
    if (kind === "node") this.#takeNode(rest, key)
  }

  #takeNode(node: string, { value, revision, time }: Key): void {
    const decoded = value === undefined ? undefined : decodeNode(value)
    if (decoded?._tag !== "Some") {
      this.#nodes.delete(node)
      return
    }
    const { epoch, ttl, ...announcement } = decoded.value
    const ttlMillis = ttl > 0 ? ttl * 1_000 : this.#ttlMillis
    this.#nodes.set(node, { epoch, announcement, revision, time, ttlMillis })
  }

  shard(shard: string): Key {
    return this.#shards.get(shard) ?? NO_KEY
  }

  isAlive({ node, epoch }: Holder): boolean {
    const seen = this.#nodes.get(node)
    return seen !== undefined && seen.epoch === epoch && !this.#isGhost(seen)
  }

  get membership(): Membership {
    const nodes = new Map<string, Announcement>()
    for (const [node, seen] of this.#nodes) if (!this.#isGhost(seen)) nodes.set(node, seen.announcement)
    const holders = new Map<string, string>()
    for (const [shard, { value }] of this.#shards) {
      if (value === undefined) continue
      const holder = parseHolder(value)
      if (this.isAlive(holder)) holders.set(shard, holder.node)
    }
    return { nodes, holders }
  }

  get ghosts(): ReadonlyArray<Ghost> {
    return [...this.#nodes].flatMap(([node, seen]) => (this.#isGhost(seen) ? [{ node, revision: seen.revision }] : []))
  }

  #isGhost({ time, ttlMillis }: SeenNode): boolean {
    return this.#time.hasRunOut(time, ttlMillis)
  }
}

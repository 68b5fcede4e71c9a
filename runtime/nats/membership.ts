import { Effect, Schema } from "effect"
import type { Announcement, Membership } from "../leases.ts"

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

/** The value of a node's key. `epoch` is its present life: another one each time that it joins. */
const NodeValue = Schema.Struct({
  epoch: Schema.String,
  labels: Strings,
  roles: Strings,
  types: Versions,
  protocols: Versions,
  serves: Schema.optionalKey(Schema.Record(Schema.String, Schema.Array(Schema.String))),
  declines: Strings,
  done: orElse(Schema.Record(Schema.String, Done), {}),
  lanes: Schema.optionalKey(Schema.Record(Schema.String, Done)),
  since: Count,
  residents: Count,
  open: Count
})

const decodeNode = Schema.decodeUnknownOption(Schema.fromJsonString(NodeValue))

export const nodeKey = (node: string): string => `node.${node}`
export const shardKey = (shard: string): string => `shard.${shard}`

export const formatNode = (epoch: string, announcement: Announcement): string =>
  JSON.stringify({ epoch, ...announcement })

/** The life in a node's key; nothing if it holds none. */
export const epochOf = (value: string): string | undefined => {
  const node = decodeNode(value)
  return node._tag === "Some" ? node.value.epoch : undefined
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
}

export const NO_KEY: Key = { revision: 0, value: undefined }

/**
 * What the bucket holds, key by key as it is told.
 *
 * It can be late, and never early: a life that it saw end has ended. One that it has not seen yet is judged wrongly only
 * before all keys were read once.
 */
export class View {
  readonly #nodes = new Map<string, { readonly epoch: string; readonly announcement: Announcement }>()
  readonly #shards = new Map<string, Key>()

  take(name: string, key: Key): void {
    const at = name.indexOf(".")
    const kind = name.slice(0, at)
    const rest = name.slice(at + 1)
    if (kind === "shard") this.#shards.set(rest, key)
    if (kind === "node") this.#takeNode(rest, key.value)
  }

  #takeNode(node: string, value: string | undefined): void {
    const decoded = value === undefined ? undefined : decodeNode(value)
    if (decoded?._tag !== "Some") {
      this.#nodes.delete(node)
      return
    }
    const { epoch, ...announcement } = decoded.value
    this.#nodes.set(node, { epoch, announcement })
  }

  shard(shard: string): Key {
    return this.#shards.get(shard) ?? NO_KEY
  }

  isAlive({ node, epoch }: Holder): boolean {
    return this.#nodes.get(node)?.epoch === epoch
  }

  get membership(): Membership {
    const holders = new Map<string, string>()
    for (const [shard, { value }] of this.#shards) {
      if (value === undefined) continue
      const holder = parseHolder(value)
      if (this.isAlive(holder)) holders.set(shard, holder.node)
    }
    return { nodes: new Map([...this.#nodes].map(([node, { announcement }]) => [node, announcement])), holders }
  }
}

import { jetstream } from "@nats-io/jetstream"
import { type KV, Kvm, type KvWatchEntry } from "@nats-io/kv"
import { nuid } from "@nats-io/transport-node"
import { Effect, Layer, Schedule } from "effect"
import { type AppendError, LogRefused, LogUnavailable, type ReadError, ServerUnsuitable } from "../errors.ts"
import { Leases, type Membership } from "../leases.ts"
import { store } from "./batch.ts"
import { Nats } from "./connection.ts"
import { line } from "./headers.ts"
import { makeSubjects } from "./subjects.ts"

export interface LeaseOptions {
  /** How long a node or lease lives without renewal, in whole seconds; the server cannot count finer. */
  readonly ttlSeconds: number
  readonly replicas: number
}

const MARKER_MILLIS = 60_000

/**
 * `Leases` in a key-value bucket: `node.<node>` and `shard.<n>` are keys that expire unless renewed.
 *
 * The bucket's own `create` cannot set a lifetime on a key that was deleted before, so keys are written as what they
 * are: messages with a lifetime, guarded by the key's last revision.
 */
export const layerLeases = (options: LeaseOptions): Layer.Layer<Leases, ServerUnsuitable, Nats> =>
  Layer.effect(
    Leases,
    Effect.gen(function* () {
      const nats = yield* Nats
      const { bucket } = makeSubjects(nats.options.namespace)
      const kv = yield* Effect.tryPromise({
        try: () =>
          new Kvm(jetstream(nats.connection)).create(bucket, {
            replicas: options.replicas,
            markerTTL: MARKER_MILLIS,
            history: 1
          }),
        catch: (cause) => new ServerUnsuitable({ detail: `the bucket ${bucket} cannot be made: ${String(cause)}` })
      })
      const keys = makeKeys(nats, kv, bucket, options.ttlSeconds)
      const ttlMillis = options.ttlSeconds * 1_000
      return Leases.of({
        ttlMillis,
        join: (node) => join(keys, node, ttlMillis),
        watch: (see) => watch(nats, kv, see),
        acquire: (shard, node) => keys.create(`shard.${shard}`, node),
        renew: (shard, node) => keys.renew(`shard.${shard}`, node),
        release: (shard) => keys.remove(`shard.${shard}`)
      })
    })
  )

interface Keys {
  readonly create: (key: string, node: string) => Effect.Effect<boolean, ReadError>
  readonly renew: (key: string, node: string) => Effect.Effect<boolean, ReadError>
  readonly remove: (key: string) => Effect.Effect<void, ReadError>
}

/** A key's value is the node's name and an id of the process: two nodes of one name must not take each other's leases for their own. */
const makeKeys = (nats: Nats["Service"], kv: KV, bucket: string, ttlSeconds: number): Keys => {
  const revisions = new Map<string, number>()
  const owner = nuid.next()
  const holding = (node: string) => `${node} ${owner}`

  const write = (key: string, node: string, expected: number) => {
    const guarded = line("Nats-TTL", `${ttlSeconds}s`) + line("Nats-Expected-Last-Subject-Sequence", expected)
    return store(nats.connection, nuid.next(), [
      { subject: `$KV.${bucket}.${key}`, payload: holding(node), headers: guarded }
    ]).pipe(
      Effect.map((revision) => {
        revisions.set(key, revision)
        return true
      }),
      Effect.catchTag("Fenced", () => {
        revisions.delete(key)
        return Effect.succeed(false)
      }),
      Effect.mapError(asReadError)
    )
  }

  const lastOf = (key: string) => attempt(() => kv.get(key))

  return {
    create: (key, node) =>
      Effect.flatMap(lastOf(key), (last) =>
        last !== null && last.operation === "PUT" && last.string() !== holding(node)
          ? Effect.succeed(false)
          : write(key, node, last?.revision ?? 0)
      ),
    renew: (key, node) => {
      const revision = revisions.get(key)
      return revision === undefined ? Effect.succeed(false) : write(key, node, revision)
    },
    remove: (key) => {
      const revision = revisions.get(key)
      if (revision === undefined) return Effect.void
      revisions.delete(key)
      return Effect.tryPromise({
        try: () => kv.delete(key, { previousSeq: revision }),
        catch: (cause) => new LogUnavailable({ detail: String(cause) })
      })
    }
  }
}

const asReadError = (error: AppendError): ReadError =>
  error._tag === "LogUnavailable" ? error : new LogRefused({ code: 0, detail: error.message })

/**
 * Announces the node, and again every third of the lifetime: also when it was paused so long that it had expired. While
 * another process announces the same name it waits, without a shard.
 */
const join = (keys: Keys, node: string, ttlMillis: number) => {
  const key = `node.${node}`
  const announce = keys.renew(key, node).pipe(
    Effect.flatMap((held) => (held ? Effect.succeed(true) : keys.create(key, node))),
    Effect.tap((held) => (held ? Effect.void : Effect.logWarning("another node of this name is alive", { node })))
  )
  return Effect.acquireRelease(announce, () => Effect.ignore(keys.remove(key))).pipe(
    Effect.andThen(
      Effect.forkScoped(
        Effect.sleep(ttlMillis / 3).pipe(Effect.andThen(Effect.ignore(announce)), Effect.repeat(Schedule.forever))
      )
    ),
    Effect.asVoid
  )
}

/**
 * Reads the bucket, and again after every reconnect: what expired meanwhile may have left nothing behind that would say so.
 */
const watch = (nats: Nats["Service"], kv: KV, see: (membership: Membership) => void) => {
  const open = attempt(() => kv.watch())
  const follow = (entries: Entries) =>
    Effect.acquireRelease(Effect.succeed(entries), () => Effect.sync(() => entries.stop())).pipe(
      Effect.andThen(nats.onReconnect(() => entries.stop())),
      Effect.andThen(attempt(() => readAll(entries, see))),
      Effect.scoped
    )
  const again = Effect.delay(open, WATCH_AGAIN).pipe(Effect.flatMap(follow))
  return open.pipe(
    Effect.flatMap((entries) =>
      Effect.forkScoped(follow(entries).pipe(Effect.ignore, Effect.andThen(again.pipe(Effect.ignore, Effect.forever))))
    ),
    Effect.asVoid
  )
}

const WATCH_AGAIN = "100 millis"

type Entries = AsyncIterable<KvWatchEntry> & { readonly stop: () => void }

const attempt = <A>(run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new LogUnavailable({ detail: String(cause) }) })

/** A membership is seen once it is whole: a node that is missing only because it was not read yet would lose its shards. */
const readAll = async (entries: Entries, see: (membership: Membership) => void) => {
  const nodes = new Set<string>()
  const holders = new Map<string, string>()
  let news = true
  for await (const entry of entries) {
    // Renewals are most of what is written, and change nothing.
    news = apply(entry, nodes, holders) || news
    if (!news || !entry.isUpdate) continue
    news = false
    see({ nodes: new Set(nodes), holders: new Map(holders) })
  }
}

/** Takes an entry in. True if it changed the membership. */
const apply = (entry: KvWatchEntry, nodes: Set<string>, holders: Map<string, string>): boolean => {
  const [kind, ...rest] = entry.key.split(".")
  const name = rest.join(".")
  const alive = entry.operation === "PUT"
  if (kind === "node") {
    if (!alive) return nodes.delete(name)
    if (nodes.has(name)) return false
    nodes.add(name)
    return true
  }
  const shard = name
  if (!alive) return holders.delete(shard)
  const [holder = ""] = entry.string().split(" ")
  if (holders.get(shard) === holder) return false
  holders.set(shard, holder)
  return true
}

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
        watch: (see) => watch(kv, see),
        acquire: (shard, node) => keys.create(`shard.${shard}`, node),
        renew: (shard, node) => keys.renew(`shard.${shard}`, node),
        release: (shard) => keys.remove(`shard.${shard}`)
      })
    })
  )

interface Keys {
  readonly create: (key: string, value: string) => Effect.Effect<boolean, ReadError>
  readonly renew: (key: string, value: string) => Effect.Effect<boolean, ReadError>
  readonly remove: (key: string) => Effect.Effect<void, ReadError>
}

const makeKeys = (nats: Nats["Service"], kv: KV, bucket: string, ttlSeconds: number): Keys => {
  const revisions = new Map<string, number>()

  const write = (key: string, value: string, expected: number) => {
    const guarded = line("Nats-TTL", `${ttlSeconds}s`) + line("Nats-Expected-Last-Subject-Sequence", expected)
    return store(nats.connection, nuid.next(), [
      { subject: `$KV.${bucket}.${key}`, payload: value, headers: guarded }
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

  const lastOf = (key: string) =>
    Effect.tryPromise({
      try: () => kv.get(key),
      catch: (cause) => new LogUnavailable({ detail: String(cause) })
    })

  return {
    create: (key, value) =>
      Effect.flatMap(lastOf(key), (last) =>
        last !== null && last.operation === "PUT" && last.string() !== value
          ? Effect.succeed(false)
          : write(key, value, last?.revision ?? 0)
      ),
    renew: (key, value) => {
      const revision = revisions.get(key)
      return revision === undefined ? Effect.succeed(false) : write(key, value, revision)
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

/** Announces the node, and again every third of the lifetime: also when it was paused so long that it had expired. */
const join = (keys: Keys, node: string, ttlMillis: number) => {
  const key = `node.${node}`
  const announce = keys.renew(key, node).pipe(Effect.flatMap((held) => (held ? Effect.void : keys.create(key, node))))
  return Effect.acquireRelease(announce, () => Effect.ignore(keys.remove(key))).pipe(
    Effect.andThen(
      Effect.forkScoped(
        Effect.sleep(ttlMillis / 3).pipe(Effect.andThen(Effect.ignore(announce)), Effect.repeat(Schedule.forever))
      )
    ),
    Effect.asVoid
  )
}

const watch = (kv: KV, see: (membership: Membership) => void) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => kv.watch(),
      catch: (cause) => new LogUnavailable({ detail: String(cause) })
    }),
    (entries) => Effect.sync(() => entries.stop())
  ).pipe(
    Effect.flatMap((entries) =>
      Effect.forkScoped(
        Effect.promise(async () => {
          const nodes = new Set<string>()
          const holders = new Map<number, string>()
          for await (const entry of entries) {
            // Renewals are most of what is written, and change nothing.
            if (apply(entry, nodes, holders)) see({ nodes: new Set(nodes), holders: new Map(holders) })
          }
        })
      )
    ),
    Effect.asVoid
  )

/** Takes an entry in. True if it changed the membership. */
const apply = (entry: KvWatchEntry, nodes: Set<string>, holders: Map<number, string>): boolean => {
  const [kind, name = ""] = entry.key.split(".")
  const alive = entry.operation === "PUT"
  if (kind === "node") {
    if (!alive) return nodes.delete(name)
    if (nodes.has(name)) return false
    nodes.add(name)
    return true
  }
  const shard = Number(name)
  if (!alive) return holders.delete(shard)
  const holder = entry.string()
  if (holders.get(shard) === holder) return false
  holders.set(shard, holder)
  return true
}

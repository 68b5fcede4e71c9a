import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { type KV, Kvm, type KvWatchEntry } from "@nats-io/kv"
import { nuid } from "@nats-io/transport-node"
import { Effect, type Scope } from "effect"
import { type AppendError, LogRefused, LogUnavailable, type ReadError, ServerUnsuitable } from "../errors.ts"
import { store } from "./batch.ts"
import type { Nats } from "./connection.ts"
import { Gather } from "./gather.ts"
import { line } from "./headers.ts"
import { type Key, NO_KEY } from "./membership.ts"

const MARKER_MILLIS = 60_000
/** A marker that somebody left need not outlive all watches that have to see it. */
const LEFT_TTL = "60s"

/** How a key is written. */
interface WriteOptions {
  /** The revision that it must have; 0 for none. */
  readonly expected: number
  /** After how many seconds it expires; never, unless given. */
  readonly ttlSeconds?: number
}

/**
 * A key-value bucket whose keys are written as what they are: messages, with a lifetime and guarded by the key's last
 * revision. The library's own `create` cannot set a lifetime on a key that was deleted before, and its `update` none.
 */
export interface Bucket {
  /** The key's new revision; nothing if it had another one than expected. */
  readonly write: (key: string, value: string, options: WriteOptions) => Effect.Effect<number | undefined, ReadError>
  /** False if it had another revision than expected. A lifetime is that of the trace it leaves. */
  readonly remove: (key: string, expected: number, trace: "kept" | "expires") => Effect.Effect<boolean, ReadError>
  /** The key now, from the server that leads the bucket: another one may be behind. */
  readonly read: (key: string) => Effect.Effect<Key, ReadError>
  /** All keys, and then each that is written. */
  readonly watch: Effect.Effect<Entries, ReadError>
  readonly isEmpty: Effect.Effect<boolean, ReadError>
}

export type Entries = AsyncIterable<KvWatchEntry> & { readonly stop: () => void }

export interface BucketOptions {
  readonly replicas: number
  /** How long the server may take to answer, in milliseconds: then it may or may not have done what was asked. */
  readonly patienceMillis: number
}

/** Opens a bucket, and makes it if there is none. */
export const openBucket = (
  { connection }: Nats["Service"],
  name: string,
  { replicas, patienceMillis }: BucketOptions
): Effect.Effect<Bucket, ServerUnsuitable, Scope.Scope> =>
  Effect.tryPromise({
    try: async () => {
      const manager = await jetstreamManager(connection)
      const kv = await new Kvm(jetstream(connection)).create(name, { replicas, markerTTL: MARKER_MILLIS, history: 1 })
      await allowBatches(manager, `KV_${name}`)
      return { kv, manager }
    },
    catch: (cause) => new ServerUnsuitable({ detail: `the bucket ${name} cannot be made: ${String(cause)}` })
  }).pipe(
    Effect.bind("gather", () => {
      const gather = new Gather((messages) => store(connection, nuid.next(), messages))
      return Effect.as(Effect.forkScoped(gather.run), gather)
    }),
    Effect.map(({ kv, manager, gather }): Bucket => {
      const subjectOf = (key: string) => `$KV.${name}.${key}`
      const put = (key: string, payload: string, headers: string) =>
        gather.send({ subject: subjectOf(key), payload, headers }).pipe(
          Effect.catchTag("Fenced", () => Effect.succeed(undefined)),
          Effect.mapError(asReadError),
          patiently(patienceMillis)
        )
      const guard = (expected: number) => line("Nats-Expected-Last-Subject-Sequence", expected)
      return {
        write: (key, value, { expected, ttlSeconds }) =>
          put(key, value, guard(expected) + (ttlSeconds === undefined ? "" : line("Nats-TTL", `${ttlSeconds}s`))),
        remove: (key, expected, trace) =>
          put(
            key,
            "",
            guard(expected) + line("KV-Operation", "DEL") + (trace === "kept" ? "" : line("Nats-TTL", LEFT_TTL))
          ).pipe(Effect.map((revision) => revision !== undefined)),
        read: (key) => attempt(() => readLast(manager, `KV_${name}`, subjectOf(key))).pipe(patiently(patienceMillis)),
        watch: attempt(() => kv.watch()),
        isEmpty: attempt(() => isEmpty(kv))
      }
    })
  )

/** The library makes buckets that take none. */
const allowBatches = async (manager: JetStreamManager, stream: string) => {
  const { config } = await manager.streams.info(stream)
  if (config.allow_atomic !== true) await manager.streams.update(stream, { ...config, allow_atomic: true })
}

const readLast = async (manager: JetStreamManager, stream: string, subject: string): Promise<Key> => {
  const message = await manager.streams.getMessage(stream, { last_by_subj: subject })
  if (message === null) return NO_KEY
  const gone = message.header.has("KV-Operation") || message.header.has("Nats-Marker-Reason")
  return { revision: message.seq, value: gone ? undefined : message.string() }
}

const isEmpty = async (kv: KV): Promise<boolean> => (await kv.status()).values === 0

const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, LogUnavailable> =>
  Effect.tryPromise({ try: run, catch: (cause) => new LogUnavailable({ detail: String(cause) }) })

const asReadError = (error: AppendError): ReadError =>
  error._tag === "LogUnavailable" ? error : new LogRefused({ code: 0, detail: error.message })

const patiently =
  (millis: number) =>
  <A>(self: Effect.Effect<A, ReadError>): Effect.Effect<A, ReadError> =>
    Effect.timeoutOrElse(self, {
      duration: millis,
      orElse: () => Effect.fail(new LogUnavailable({ detail: `no answer within ${millis} ms` }))
    })

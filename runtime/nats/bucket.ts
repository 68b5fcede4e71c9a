import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { Kvm, type KvWatchEntry } from "@nats-io/kv"
import { nuid } from "@nats-io/transport-node"
import { Effect, Latch, type Scope } from "effect"
import { type AppendError, LogRefused, LogUnavailable, type ReadError, ServerUnsuitable } from "../errors.ts"
import { store } from "./batch.ts"
import type { Nats } from "./connection.ts"
import { line } from "./headers.ts"
import { type Key, NO_KEY } from "./membership.ts"
import { attempt } from "./stored.ts"
import { findStream } from "./stream.ts"
import { WriteBatcher } from "./write-batcher.ts"

const MARKER_MILLIS = 60_000
/** A marker that somebody left need not outlive all watches that have to see it. */
const LEFT_TTL = "60s"
const REMAKE_AGAIN = "1 second"

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
  readonly name: string
  /** The key's new revision; nothing if it had another one than expected. */
  readonly write: (key: string, value: string, options: WriteOptions) => Effect.Effect<number | undefined, ReadError>
  /** False if it had another revision than expected. A lifetime is that of the trace it leaves. */
  readonly remove: (key: string, expected: number, trace: "kept" | "expires") => Effect.Effect<boolean, ReadError>
  /** The key now, from the server that leads the bucket: another one may be behind. */
  readonly read: (key: string) => Effect.Effect<Key, ReadError>
  /** All keys, and then each that is written. */
  readonly watch: Effect.Effect<Entries, ReadError>
  /** What the leader of the bucket says of it. */
  readonly state: Effect.Effect<BucketState, ReadError>
  /** Lets all watches of this process begin anew: what they read may be of a bucket that was deleted. */
  readonly rewatch: Effect.Effect<void>
  /** Calls back when a watch has to begin anew, until the scope closes. */
  readonly onRewatch: (callback: () => void) => Effect.Effect<void, never, Scope.Scope>
}

export interface BucketState {
  readonly isEmpty: boolean
  /** The newest revision that was ever written. */
  readonly lastSequence: number
  /** When it was asked, in milliseconds since 1970, by the server's clock. */
  readonly time: number
}

export type Entries = AsyncIterable<KvWatchEntry> & { readonly stop: () => void }

export interface BucketOptions {
  readonly replicas: number
  /** How long the server may take to answer, in milliseconds: then it may or may not have done what was asked. */
  readonly patienceMillis: number
  /** The stream without which the bucket is good for nothing: where it is deleted while this is there, it is made anew. Else it is not. */
  readonly belongsTo?: string
}

/** Opens a bucket, and makes it if there is none. */
export const openBucket = (
  { connection }: Nats["Service"],
  name: string,
  { replicas, patienceMillis, belongsTo }: BucketOptions
): Effect.Effect<Bucket, ServerUnsuitable, Scope.Scope> =>
  Effect.gen(function* () {
    const make = attempt(async () => {
      const manager = await jetstreamManager(connection)
      const kv = await new Kvm(jetstream(connection)).create(name, { replicas, markerTTL: MARKER_MILLIS, history: 1 })
      await allowBatches(manager, `KV_${name}`)
      return { kv, manager }
    })
    const { kv, manager } = yield* Effect.mapError(
      make,
      ({ detail }) => new ServerUnsuitable({ detail: `the bucket ${name} cannot be made: ${detail}` })
    )
    const batcher = new WriteBatcher((messages) => store(connection, nuid.next(), messages))
    yield* Effect.forkScoped(batcher.run)
    const watches = new Set<() => void>()
    const rewatch = Effect.sync(() => {
      for (const callback of [...watches]) callback()
    })
    const doubt = Latch.makeUnsafe(false)
    if (belongsTo !== undefined) {
      const remake = remakeDeleted(manager, name, belongsTo, Effect.andThen(make, rewatch))
      yield* Effect.forkScoped(whenInDoubt(doubt, remake))
    }
    const subjectOf = (key: string) => `$KV.${name}.${key}`
    const put = (key: string, payload: string, headers: string) =>
      batcher.send({ subject: subjectOf(key), payload, headers }).pipe(
        Effect.catchTag("Fenced", () => Effect.succeed(undefined)),
        Effect.mapError(asReadError),
        patiently(patienceMillis),
        Effect.tapError(() => Effect.sync(() => doubt.openUnsafe()))
      )
    const guard = (expected: number) => line("Nats-Expected-Last-Subject-Sequence", expected)
    return {
      name,
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
      state: attempt(() => stateOf(manager, `KV_${name}`)).pipe(patiently(patienceMillis)),
      rewatch,
      onRewatch: (callback) =>
        Effect.acquireRelease(
          Effect.sync(() => void watches.add(callback)),
          () => Effect.sync(() => watches.delete(callback))
        )
    }
  })

/** Makes a bucket that is gone; not where the stream is gone, too: whoever removed that has to say what comes next. */
const remakeDeleted = (
  manager: JetStreamManager,
  name: string,
  belongsTo: string,
  make: Effect.Effect<void, ReadError>
): Effect.Effect<void, ReadError> =>
  Effect.gen(function* () {
    const find = (stream: string) => attempt(() => findStream(manager, stream))
    if ((yield* find(`KV_${name}`)) !== undefined || (yield* find(belongsTo)) === undefined) return
    yield* Effect.logError("the bucket was deleted: it is made anew, and all nodes join anew", { bucket: name })
    yield* make
  })

const whenInDoubt = (doubt: Latch.Latch, act: Effect.Effect<void, ReadError>): Effect.Effect<never> =>
  doubt.await.pipe(
    Effect.andThen(Effect.ignore(act)),
    Effect.andThen(Effect.sync(() => doubt.closeUnsafe())),
    Effect.andThen(Effect.sleep(REMAKE_AGAIN)),
    Effect.forever
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
  return { revision: message.seq, value: gone ? undefined : message.string(), time: message.time.getTime() }
}

const stateOf = async (manager: JetStreamManager, stream: string): Promise<BucketState> => {
  const { state, ts } = await manager.streams.info(stream)
  // An old server does not say what time it has: its newest message does.
  const time = [ts, state.last_ts].map((text) => Date.parse(text ?? "")).find((millis) => !Number.isNaN(millis))
  return { isEmpty: state.messages === 0, lastSequence: state.last_seq, time: time ?? 0 }
}

const asReadError = (error: AppendError): ReadError =>
  error._tag === "LogUnavailable" ? error : new LogRefused({ code: 0, detail: error.message })

const patiently =
  (millis: number) =>
  <A>(self: Effect.Effect<A, ReadError>): Effect.Effect<A, ReadError> =>
    Effect.timeoutOrElse(self, {
      duration: millis,
      orElse: () => Effect.fail(new LogUnavailable({ detail: `no answer within ${millis} ms` }))
    })

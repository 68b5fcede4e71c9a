import type { KvWatchEntry } from "@nats-io/kv"
import { Deferred, Effect, type Scope } from "effect"
import type { ReadError } from "../errors.ts"
import { Recurring } from "../recurring.ts"
import type { Bucket, BucketState, Entries } from "./bucket.ts"
import type { Nats } from "./connection.ts"
import { attempt } from "./stored.ts"

/** What is made of a bucket that is watched. */
export interface BucketObserver<View> {
  /** What there is to know of a bucket before its first entry. It is asked for at every new reading. */
  readonly begin: (state: BucketState) => View
  /** Takes an entry in. True if it changed what is known. */
  readonly take: (view: View, entry: KvWatchEntry) => boolean
  /** What is known is whole, now and after each later change of it. `view` goes on changing. */
  readonly whole: (view: View) => void
  /** What goes on beside a reading, and ends with it. */
  readonly beside?: (view: View) => Effect.Effect<never>
  /** A reading has ended: what is known is whole again after the next one. */
  readonly ended?: () => void
}

const AGAIN_AFTER = "100 millis"
const DEAF = "what is written into a bucket is not heard of any more: it is read again"
const GONE = "a bucket is gone: what was known of it holds until all processes are started anew"

/**
 * Watches a bucket until the scope closes: reads all there is, and then hears what changes. Returns once it is being read;
 * fails if the first reading fails before it is whole.
 *
 * It is read again
 * 1. after every reconnect: what expired meanwhile may have left nothing behind that would say so;
 * 2. where the bucket was made anew;
 * 3. where what its leader had was not heard of for a whole `patienceMillis`: a consumer in memory may be lost with its
 *    server of a cluster, while this process is connected to another one, and says nothing.
 */
export const watchBucket = <View>(
  nats: Nats["Service"],
  bucket: Bucket,
  patienceMillis: number,
  observer: BucketObserver<View>
): Effect.Effect<void, ReadError, Scope.Scope> =>
  Effect.gen(function* () {
    const isWhole = yield* Deferred.make<void, ReadError>()
    const recurring = new Recurring()
    const whole = (view: View) => {
      observer.whole(view)
      Deferred.doneUnsafe(isWhole, Effect.void)
    }
    const reading = Effect.scoped(read(nats, bucket, patienceMillis, { ...observer, whole })).pipe(
      Effect.tap(() => Effect.sync(() => recurring.over(GONE))),
      // While NATS is away, the connection says so.
      Effect.tapError(({ detail }) =>
        /not found/.test(detail) ? recurring.say("Error", GONE, { bucket: bucket.name, reason: detail }) : Effect.void
      )
    )
    const first = yield* Effect.forkScoped(
      reading.pipe(
        Effect.tapError((error) => Deferred.fail(isWhole, error)),
        Effect.ignore,
        Effect.andThen(Effect.delay(reading, AGAIN_AFTER).pipe(Effect.ignore, Effect.forever))
      )
    )
    yield* Deferred.await(isWhole).pipe(Effect.onError(() => Effect.sync(() => first.interruptUnsafe())))
  })

/** One reading, until there has to be another one. */
const read = <View>(
  nats: Nats["Service"],
  bucket: Bucket,
  patienceMillis: number,
  { begin, take, whole, beside, ended }: BucketObserver<View>
): Effect.Effect<void, ReadError, Scope.Scope> =>
  Effect.gen(function* () {
    const entries = yield* Effect.acquireRelease(bucket.watch, (open) => Effect.sync(() => open.stop()))
    yield* Effect.addFinalizer(() => Effect.sync(() => ended?.()))
    yield* nats.onReconnect(() => entries.stop())
    yield* bucket.onRewatch(() => entries.stop())
    const state = yield* bucket.state
    const view = begin(state)
    let heard = state.lastSequence
    let changed = true
    const hear = (entry: KvWatchEntry) => {
      heard = Math.max(heard, entry.revision)
      changed = take(view, entry) || changed
      if (!changed || !entry.isUpdate) return
      changed = false
      whole(view)
    }
    // A bucket with nothing in it gives no entry that would say so.
    if (state.isEmpty) whole(view)
    yield* Effect.raceAllFirst([
      hearAll(entries, hear),
      untilDeaf(bucket, patienceMillis, () => heard),
      beside?.(view) ?? Effect.never
    ])
  })

const hearAll = (entries: Entries, hear: (entry: KvWatchEntry) => void): Effect.Effect<void, ReadError> =>
  attempt(async () => {
    for await (const entry of entries) hear(entry)
  })

/** Ends when what the leader had has not been heard of a while later. */
const untilDeaf = (bucket: Bucket, patienceMillis: number, heard: () => number): Effect.Effect<void> =>
  bucket.state.pipe(
    // Who gets no answer knows nothing of what there is.
    Effect.match({ onFailure: () => 0, onSuccess: ({ lastSequence }) => lastSequence }),
    Effect.flatMap((stored) =>
      Effect.delay(
        Effect.sync(() => heard() >= stored),
        patienceMillis
      )
    ),
    Effect.repeat({ while: (isHeard) => isHeard }),
    Effect.andThen(Effect.logWarning(DEAF, { bucket: bucket.name }))
  )

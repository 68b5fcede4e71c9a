import type { KvWatchEntry } from "@nats-io/kv"
import { Effect, Latch, type Scope } from "effect"
import { LogUnavailable, type ReadError } from "../errors.ts"
import type { Membership } from "../leases.ts"
import type { Bucket, Entries } from "./bucket.ts"
import type { Nats } from "./connection.ts"
import { type Ghost, type Key, KeyView } from "./membership.ts"

const WATCH_AGAIN = "100 millis"
/** Shards that were given back together are taken together. */
const TOGETHER = "2 millis"

/** What is watched. */
export interface Watched {
  readonly nats: Nats["Service"]
  readonly bucket: Bucket
  /** How long a node lives without renewal, in milliseconds. */
  readonly ttlMillis: number
}

/** Who watches. */
export interface Watcher {
  readonly see: (membership: Membership) => void
  /** Is given what was read as soon as it is whole, and nothing while it is not. */
  readonly hold: (view: KeyView | undefined) => void
  /** What to do about a node that is dead and whose key is there. */
  readonly bury: (ghost: Ghost) => Effect.Effect<void, ReadError>
}

/**
 * Reads the bucket, and again after every reconnect: what expired meanwhile may have left nothing behind that would say
 * so. What comes together is seen together.
 *
 * It reads again, too, when it does not hear what this process itself wrote: its consumer is gone, and says nothing. That
 * happens where the server which held it dies while we are connected to another one.
 *
 * A membership is seen once it is whole: a node that is missing only because it was not read yet would lose its shards.
 */
export const watchMembership = (
  { nats, bucket, ttlMillis }: Watched,
  { see, hold, bury }: Watcher
): Effect.Effect<void, ReadError, Scope.Scope> => {
  const follow = (entries: Entries) =>
    Effect.gen(function* () {
      yield* Effect.addFinalizer(() => Effect.sync(() => entries.stop()))
      yield* nats.onReconnect(() => entries.stop())
      yield* bucket.onRewatch(() => entries.stop())
      const view = new KeyView(ttlMillis)
      const news = Latch.makeUnsafe(false)
      const whole = () => {
        hold(view)
        news.openUnsafe()
      }
      const state = yield* bucket.state
      view.now(state.time)
      if (state.isEmpty) whole()
      yield* Effect.raceAllFirst([
        readAll(entries, view, whole),
        showNews(news, view, see),
        untilDeaf(bucket, view, ttlMillis),
        buryGhosts(view, bury, ttlMillis)
      ])
    }).pipe(Effect.ensuring(Effect.sync(() => hold(undefined))), Effect.scoped)
  const again = Effect.delay(bucket.watch, WATCH_AGAIN).pipe(Effect.flatMap(follow))
  return bucket.watch.pipe(
    Effect.flatMap((entries) =>
      Effect.forkScoped(follow(entries).pipe(Effect.ignore, Effect.andThen(again.pipe(Effect.ignore, Effect.forever))))
    ),
    Effect.asVoid
  )
}

const readAll = (entries: Entries, view: KeyView, whole: () => void): Effect.Effect<void, ReadError> =>
  Effect.tryPromise({
    try: async () => {
      for await (const entry of entries) {
        view.take(entry.key, keyOf(entry))
        if (entry.isUpdate) whole()
      }
    },
    catch: (cause) => new LogUnavailable({ detail: String(cause) })
  })

const keyOf = (entry: KvWatchEntry): Key => ({
  revision: entry.revision,
  value: entry.operation === "PUT" ? entry.string() : undefined,
  time: entry.created.getTime()
})

const showNews = (news: Latch.Latch, view: KeyView, see: (membership: Membership) => void): Effect.Effect<never> =>
  Effect.forever(
    Effect.andThen(
      Effect.andThen(news.await, Effect.sleep(TOGETHER)),
      Effect.sync(() => {
        news.closeUnsafe()
        see(view.membership)
      })
    )
  )

const buryGhosts = (view: KeyView, bury: Watcher["bury"], ttlMillis: number): Effect.Effect<never> =>
  Effect.suspend(() => Effect.forEach(view.ghosts, (ghost) => Effect.ignore(bury(ghost)), { discard: true })).pipe(
    Effect.delay(ttlMillis / 3),
    Effect.forever
  )

/** Ends when what was written a lease's lifetime ago has not been heard of: a node writes three times in it. */
const untilDeaf = (bucket: Bucket, view: KeyView, ttlMillis: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const written = bucket.written()
    return Effect.delay(
      Effect.sync(() => view.revision >= written),
      ttlMillis
    )
  }).pipe(
    Effect.repeat({ while: (heard) => heard }),
    Effect.andThen(Effect.logWarning("the leases were not heard of any more: they are read again"))
  )

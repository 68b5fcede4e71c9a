import type { KvWatchEntry } from "@nats-io/kv"
import { Effect, Latch, type Scope } from "effect"
import { LogUnavailable, type ReadError } from "../errors.ts"
import type { Membership } from "../leases.ts"
import type { Bucket, Entries } from "./bucket.ts"
import type { Nats } from "./connection.ts"
import { type Key, View } from "./membership.ts"

const WATCH_AGAIN = "100 millis"
/** Shards that were given back together are taken together. */
const TOGETHER = "2 millis"

/**
 * Reads the bucket, and again after every reconnect: what expired meanwhile may have left nothing behind that would say
 * so. What comes together is seen together.
 *
 * A membership is seen once it is whole: a node that is missing only because it was not read yet would lose its shards.
 * `hold` is given what was read as soon as it is whole, and nothing while it is not.
 */
export const watchMembership = (
  nats: Nats["Service"],
  bucket: Bucket,
  see: (membership: Membership) => void,
  hold: (view: View | undefined) => void
): Effect.Effect<void, ReadError, Scope.Scope> => {
  const follow = (entries: Entries) =>
    Effect.gen(function* () {
      yield* Effect.addFinalizer(() => Effect.sync(() => entries.stop()))
      yield* nats.onReconnect(() => entries.stop())
      const view = new View()
      const news = Latch.makeUnsafe(false)
      const whole = () => {
        hold(view)
        news.openUnsafe()
      }
      if (yield* bucket.isEmpty) whole()
      yield* Effect.raceFirst(readAll(entries, view, whole), showNews(news, view, see))
    }).pipe(Effect.ensuring(Effect.sync(() => hold(undefined))), Effect.scoped)
  const again = Effect.delay(bucket.watch, WATCH_AGAIN).pipe(Effect.flatMap(follow))
  return bucket.watch.pipe(
    Effect.flatMap((entries) =>
      Effect.forkScoped(follow(entries).pipe(Effect.ignore, Effect.andThen(again.pipe(Effect.ignore, Effect.forever))))
    ),
    Effect.asVoid
  )
}

const readAll = (entries: Entries, view: View, whole: () => void): Effect.Effect<void, ReadError> =>
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
  value: entry.operation === "PUT" ? entry.string() : undefined
})

const showNews = (news: Latch.Latch, view: View, see: (membership: Membership) => void): Effect.Effect<never> =>
  Effect.forever(
    Effect.andThen(
      Effect.andThen(news.await, Effect.sleep(TOGETHER)),
      Effect.sync(() => {
        news.closeUnsafe()
        see(view.membership)
      })
    )
  )

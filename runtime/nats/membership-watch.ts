import type { KvWatchEntry } from "@nats-io/kv"
import { Effect, Latch, type Scope } from "effect"
import type { ReadError } from "../errors.ts"
import type { Membership } from "../leases.ts"
import type { Bucket } from "./bucket.ts"
import type { Nats } from "./connection.ts"
import { watchBucket } from "./kv-watch.ts"
import { type Ghost, type Key, KeyView } from "./membership.ts"

/** Shards that were given back together are taken together. */
const TOGETHER = "2 millis"

/** Who watches. */
export interface MembershipObserver {
  readonly see: (membership: Membership) => void
  /** Is given what was read as soon as it is whole, and nothing while it is not. */
  readonly hold: (view: KeyView | undefined) => void
  /** What to do about a node that is dead and whose key is there. */
  readonly bury: (ghost: Ghost) => Effect.Effect<void, ReadError>
}

interface Reading {
  readonly view: KeyView
  /** Open while there is something new to see. */
  readonly news: Latch.Latch
}

/**
 * Watches who is there. What comes together is seen together.
 *
 * A membership is seen once it is whole: a node that is missing only because it was not read yet would lose its shards.
 *
 * @param ttlMillis how long a node lives without renewal
 */
export const watchMembership = (
  nats: Nats["Service"],
  bucket: Bucket,
  ttlMillis: number,
  { see, hold, bury }: MembershipObserver
): Effect.Effect<void, ReadError, Scope.Scope> =>
  watchBucket<Reading>(nats, bucket, ttlMillis, {
    begin: ({ time }) => {
      const view = new KeyView(ttlMillis)
      view.now(time)
      return { view, news: Latch.makeUnsafe(false) }
    },
    take: ({ view }, entry) => {
      view.take(entry.key, keyOf(entry))
      return true
    },
    whole: ({ view, news }) => {
      hold(view)
      news.openUnsafe()
    },
    beside: ({ view, news }) => Effect.raceFirst(showNews(news, view, see), buryGhosts(view, bury, ttlMillis)),
    ended: () => hold(undefined)
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

const buryGhosts = (view: KeyView, bury: MembershipObserver["bury"], ttlMillis: number): Effect.Effect<never> =>
  Effect.suspend(() => Effect.forEach(view.ghosts, (ghost) => Effect.ignore(bury(ghost)), { discard: true })).pipe(
    Effect.delay(ttlMillis / 3),
    Effect.forever
  )

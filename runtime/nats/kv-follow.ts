import type { KV, KvWatchEntry } from "@nats-io/kv"
import { Deferred, Effect, type Scope } from "effect"
import type { ReadError } from "../errors.ts"
import { Recurring } from "../recurring.ts"
import type { Nats } from "./connection.ts"
import { attempt } from "./stored.ts"

/** How to follow a bucket. */
export interface Follower<State> {
  /** What the bucket is called. */
  readonly bucket: string
  /** What there is to know of an empty bucket. It is asked for at every new reading, and then changed by `apply`. */
  readonly empty: () => State
  /** Takes an entry in. True if it changed what is known. */
  readonly apply: (state: State, entry: KvWatchEntry) => boolean
  /** What is known now: whole or not at all. `state` goes on changing until `see` is called with another. */
  readonly see: (state: State) => void
}

const UNREAD = "a bucket is gone: what was known of it holds until all processes are started anew"
const AGAIN_AFTER = "100 millis"
/** A consumer in memory may be lost with its server of a cluster, and says nothing: so often the bucket is read anew. */
const READ_ANEW_EVERY = "30 seconds"

/**
 * Follows a bucket until the scope closes. Returns after the first call of `see`.
 *
 * It reads the bucket anew after every reconnect, because what went meanwhile may have left nothing behind that would say so.
 */
export const followKv = <State>(
  nats: Nats["Service"],
  kv: KV,
  { bucket, ...follower }: Follower<State>
): Effect.Effect<void, ReadError, Scope.Scope> =>
  Effect.gen(function* () {
    const seen = yield* Deferred.make<void, ReadError>()
    const recurring = new Recurring()
    const reading = Effect.scoped(read(nats, kv, follower, seen)).pipe(
      Effect.tap(() => Effect.sync(() => recurring.over(UNREAD))),
      // While NATS is away, the connection says so.
      Effect.tapError(({ detail }) =>
        /not found/.test(detail) ? recurring.say("Error", UNREAD, { bucket, reason: detail }) : Effect.void
      )
    )
    const first = yield* Effect.forkScoped(
      reading.pipe(
        Effect.tapError((error) => Deferred.fail(seen, error)),
        Effect.ignore,
        Effect.andThen(Effect.delay(reading, AGAIN_AFTER).pipe(Effect.ignore, Effect.forever))
      )
    )
    yield* Deferred.await(seen).pipe(Effect.onError(() => Effect.sync(() => first.interruptUnsafe())))
  })

/** One reading: all there is, and what changes, until it has to begin anew. */
const read = <State>(
  nats: Nats["Service"],
  kv: KV,
  { empty, apply, see }: Omit<Follower<State>, "bucket">,
  seen: Deferred.Deferred<void, ReadError>
) =>
  Effect.gen(function* () {
    const entries = yield* Effect.acquireRelease(
      attempt(() => kv.watch()),
      (open) => Effect.sync(() => open.stop())
    )
    yield* nats.onReconnect(() => entries.stop())
    const state = empty()
    const tell = () => {
      see(state)
      Deferred.doneUnsafe(seen, Effect.void)
    }
    // A bucket with nothing in it gives no entry that would say so.
    if ((yield* attempt(() => kv.status())).values === 0) tell()
    yield* attempt(async () => {
      let changed = true
      for await (const entry of entries) {
        changed = apply(state, entry) || changed
        if (!changed || !entry.isUpdate) continue
        changed = false
        tell()
      }
    }).pipe(Effect.timeoutOption(READ_ANEW_EVERY))
  })

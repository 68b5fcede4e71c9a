import { Deferred, Effect, type Scope } from "effect"

interface Looked<E> {
  readonly found: Deferred.Deferred<void, E>
  /** In milliseconds; not known yet while somebody looks. */
  doneAt: number | undefined
}

/** What a check has found, for all who ask within some milliseconds, and for those who ask while it is under way. */
export const fresh = <E>(
  check: Effect.Effect<void, E>,
  millis: number
): Effect.Effect<Effect.Effect<void, E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    let last: Looked<E> | undefined
    const look = Effect.gen(function* () {
      const looked: Looked<E> = { found: yield* Deferred.make<void, E>(), doneAt: undefined }
      last = looked
      // Who asked first may not wait for it, and the others do.
      const looking = Effect.onExit(check, (exit) => {
        looked.doneAt = performance.now()
        return Deferred.done(looked.found, exit)
      })
      yield* Effect.forkIn(Effect.ignoreCause(looking), scope)
      return looked
    })
    return Effect.gen(function* () {
      const known = last !== undefined && (last.doneAt === undefined || performance.now() - last.doneAt < millis)
      const { found } = known && last !== undefined ? last : yield* look
      return yield* Deferred.await(found)
    })
  })

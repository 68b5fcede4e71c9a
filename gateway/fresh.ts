import { Deferred, Effect, Exit, type Scope } from "effect"

interface Looked<E> {
  readonly found: Deferred.Deferred<void, E>
  /** Until when it holds, in milliseconds: for ever while somebody looks. */
  until: number
}

/** A check that is made once for all who ask while it is under way, and that holds for some milliseconds if it succeeded. */
export const fresh = <E>(
  check: Effect.Effect<void, E>,
  millis: number
): Effect.Effect<Effect.Effect<void, E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    let last: Looked<E> | undefined
    const look = Effect.gen(function* () {
      const looked: Looked<E> = { found: yield* Deferred.make<void, E>(), until: Number.POSITIVE_INFINITY }
      last = looked
      // Who asked first may not wait for it, and the others do.
      const looking = Effect.onExit(check, (exit) => {
        looked.until = Exit.isSuccess(exit) ? performance.now() + millis : 0
        return Deferred.done(looked.found, exit)
      })
      yield* Effect.forkIn(Effect.ignoreCause(looking), scope)
      return looked
    })
    return Effect.gen(function* () {
      const { found } = last !== undefined && performance.now() < last.until ? last : yield* look
      return yield* Deferred.await(found)
    })
  })

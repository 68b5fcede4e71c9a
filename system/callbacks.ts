import { Effect } from "effect"
import { InvalidOption } from "./options.ts"

/** Refuses what is no function. */
export const functionOnly = (option: string, given: unknown): Effect.Effect<void, InvalidOption> =>
  typeof given === "function" ? Effect.void : Effect.fail(new InvalidOption({ option, rule: "must be a function" }))

/**
 * A callback that is told something on the way. What it throws, or what its promise is rejected with, is logged and ends nothing.
 * Fails unless it is a function, where it is given.
 */
export const listener = <A>(
  option: string,
  given: ((value: A) => unknown) | undefined
): Effect.Effect<((value: A) => void) | undefined, InvalidOption> =>
  Effect.gen(function* () {
    if (given === undefined) return undefined
    yield* functionOnly(option, given)
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const failed = (error: unknown) => void fork(Effect.logError(`${option} failed`, error))
    return (value: A) => {
      try {
        Promise.resolve(given(value)).catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  })

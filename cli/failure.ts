// What is said of a command that fails.
import { Cause, Console, Effect } from "effect"
import { CliError } from "effect/cli"

/** One sentence, without a stack. Where nobody foresaw the failure it says so, and how to see where it happened. */
export const failureText = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  const text = (error instanceof Error ? error.message : String(error)).replaceAll(/\s*[\n\r]\s*/g, " ").trim()
  return Cause.hasDies(cause) ? `a defect of conclave: ${text} (LOG_LEVEL=Debug shows where)` : text
}

/** Says on standard error why a command failed, and fails. Wrong words on the command line were explained where they were read. */
export const explain = (cause: Cause.Cause<unknown>): Effect.Effect<never, unknown> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
  const error = Cause.squash(cause)
  if (CliError.isCliError(error)) return Effect.fail(error)
  return Console.error(`conclave: ${failureText(cause)}`).pipe(Effect.andThen(Effect.fail(error)))
}

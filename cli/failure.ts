// What is said of a command that fails.
import { Cause } from "effect"

/** One sentence, without a stack. Where nobody foresaw the failure it says so, and how to see where it happened. */
export const failureText = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  const text = (error instanceof Error ? error.message : String(error)).replaceAll(/\s*[\n\r]\s*/g, " ").trim()
  return Cause.hasDies(cause) ? `a defect of conclave: ${text} (LOG_LEVEL=Debug shows where)` : text
}

import { NewerVersion, TooLarge } from "../../errors.ts"
import type { Failure } from "../../supervision.ts"

/** A message could not be processed, and in which part of it. */
export class StepFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure, cause: unknown) {
    super(describe(cause), { cause })
    this.failure = failure
  }
}

const CAUSE_CHARACTERS_MAX = 1_000

const describe = (cause: unknown): string => {
  try {
    return String(cause instanceof Error ? cause.message : cause).slice(0, CAUSE_CHARACTERS_MAX)
  } catch {
    return "the cause cannot be put into words"
  }
}

/** Runs a part of a step. What it throws becomes a failure of that part, unless it is one already. */
export const inPart = <A>(failure: Failure, run: () => A): A => {
  try {
    return run()
  } catch (cause) {
    throw cause instanceof StepFailure || cause instanceof NewerVersion ? cause : new StepFailure(failure, cause)
  }
}

/** What was thrown while a message was decided, or what the log said of its step. */
export const asStepFailure = (cause: unknown): StepFailure =>
  cause instanceof StepFailure ? cause : new StepFailure(cause instanceof TooLarge ? "size" : "decide", cause)

import type { Mail } from "../../log.ts"
import { asStepFailure, type StepFailure } from "../step/failure.ts"
import type { CommitBuffer } from "./commit-buffer.ts"

/**
 * Finds the message for whose step the log refuses an actor's commits for good: after a refusal steps are committed one by
 * one, until one is refused alone. That message is to be parked.
 */
export class PoisonFinder {
  readonly #causes = new Map<number, StepFailure>()
  #singlyUntil = 0

  /** The log refused what was in flight. False if that was a message being parked: nothing more can be done about it. */
  add(flight: CommitBuffer, cause: Error): boolean {
    // Messages without a step may be around it: they are not at fault.
    if (flight.steps.length !== 1) {
      this.#singlyUntil = flight.stepSequence
      return true
    }
    const first = !this.#causes.has(flight.stepSequence)
    this.#causes.set(flight.stepSequence, asStepFailure(cause))
    return first
  }

  /** Why a message is to be parked, if it is. */
  causeOf({ sequence }: Mail): StepFailure | undefined {
    return this.#causes.size === 0 ? undefined : this.#causes.get(sequence)
  }

  /** Whether a message must not be committed together with others. */
  standsAlone({ sequence }: Mail): boolean {
    return sequence <= this.#singlyUntil
  }

  done(mails: ReadonlyArray<Mail>): void {
    if (this.#causes.size > 0) for (const { sequence } of mails) this.#causes.delete(sequence)
  }
}

import type { Mail } from "../../log.ts"
import type { Compiled } from "../step/compiled.ts"
import type { StepFailure } from "../step/failure.ts"
import { retryAfter } from "../step/supervise.ts"

/** So often it is looked whether what was decided before a message that failed is stored, and the actor may be read anew. */
export const RESTART_POLL_MILLIS = 20

/** Counts how often one actor's next message has failed, and says when it is tried again. */
export class Retries {
  readonly #compiled: Compiled
  #sequence = 0
  #attempts = 0
  #waiting = false

  constructor(compiled: Compiled) {
    this.#compiled = compiled
  }

  /** The message that failed is not to be tried again yet. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** How often the present message was tried. */
  get attempts(): number {
    return this.#attempts
  }

  /** A message failed. Gives how long to wait before it is tried again, in milliseconds; nothing if it is to be parked. */
  failed({ sequence }: Mail, { failure }: StepFailure): number | undefined {
    this.#attempts = sequence === this.#sequence ? this.#attempts + 1 : 1
    this.#sequence = sequence
    const millis = retryAfter(this.#compiled, failure, this.#attempts)
    this.#waiting = millis !== undefined
    return millis
  }

  /** The time has come. */
  again(): void {
    this.#waiting = false
  }
}

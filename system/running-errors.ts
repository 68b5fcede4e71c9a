// What a program that uses promises is told when something goes wrong.
import { inspect } from "node:util"
import { Schema } from "effect"

/** The system was shut down: it does nothing any more. */
export class SystemClosed extends Schema.TaggedError<SystemClosed>()("SystemClosed", {}) {
  override get message() {
    return "the system was shut down"
  }
}

/** The system cannot go on: its server has ended, or its node cannot hold what it holds. Shut it down and start another. */
export class SystemBroken extends Schema.TaggedError<SystemBroken>()("SystemBroken", { detail: Schema.String }) {
  override get message() {
    return `the system cannot go on: ${this.detail}`
  }
}

/**
 * The same error, printed by `console.log` as Node prints any error: with its sentence and its stack. An error that is an effect is
 * otherwise printed as the effect, which has neither.
 */
export const printable = <E>(error: E): E => {
  if (error instanceof Error && inspect.custom in error && Object.isExtensible(error)) {
    Object.defineProperty(error, inspect.custom, {
      configurable: true,
      value: (_depth: number, options: object) => inspect(error, { ...options, customInspect: false })
    })
  }
  return error
}

import { Clock, Effect } from "effect"
import { elapsedBy } from "./elapsed.ts"

const AGAIN_MILLIS = 30_000

interface LoggedAt {
  readonly at: number
  /** How often it was not said since. */
  readonly kept: number
}

type Level = "Warn" | "Error"

/**
 * Logs what may recur many times a second: the first time at once, and then no more than every 30 seconds, with how often
 * it came in between.
 */
export class Recurring {
  readonly #said = new Map<string, LoggedAt>()

  /** `message` tells what recurs; what is in `about` may differ each time. */
  say(level: Level, message: string, about: Readonly<Record<string, unknown>>): Effect.Effect<void> {
    return Effect.flatMap(Clock.Clock, (clock) => {
      const now = elapsedBy(clock)()
      const said = this.#said.get(message)
      if (said !== undefined && now - said.at < AGAIN_MILLIS) {
        this.#said.set(message, { ...said, kept: said.kept + 1 })
        return Effect.void
      }
      this.#said.set(message, { at: now, kept: 0 })
      const times = said === undefined || said.kept === 0 ? {} : { times: said.kept + 1 }
      return Effect.logWithLevel(level)(message, { ...about, ...times })
    })
  }

  /** What recurred is over: when it comes again, it is said at once. */
  over(message: string): void {
    this.#said.delete(message)
  }
}

import { Effect } from "effect"

/** Calls back at the end of this turn of the event loop, or, in tests, at once. */
export type MicrotaskBatch = (act: () => void) => void

/**
 * Calls back at the end of a turn of the event loop, in the order in which it was asked.
 *
 * One microtask serves all: Node makes objects for each, and with thousands of clients they are work for the collector.
 */
export const makeMicrotaskBatch = (): MicrotaskBatch => {
  let due: Array<() => void> = []
  const actAll = (): void => {
    const acts = due
    due = []
    for (const act of acts) {
      // An exception here would end the process, and what the others were to do with it.
      try {
        act()
      } catch (cause) {
        Effect.runFork(Effect.logError("the end of a turn failed", cause))
      }
    }
  }
  return (act) => {
    if (due.length === 0) queueMicrotask(actAll)
    due.push(act)
  }
}

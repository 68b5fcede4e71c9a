import { Effect } from "effect"
import { LogUnavailable } from "../errors.ts"
import type { PublishedEvent } from "../log.ts"

export const PAGE_EVENTS_MAX = 500
export const PAGE_BYTES_MAX = 256 * 1024
/** How long copies that are behind may take to come as far as they have to, and how often they are asked. */
const BEHIND_MILLIS = 2_000
const AGAIN_MILLIS = 50

/** How long copies that are behind are waited for, over all that is read with it, in milliseconds. */
export interface Patience {
  left: number
}

export const newPatience = (): Patience => ({ left: BEHIND_MILLIS })

/** Asks again while copies are behind, which say nothing of what is to come. */
export const patiently = <A>(
  read: Effect.Effect<A | undefined, LogUnavailable>,
  patience: Patience = newPatience()
): Effect.Effect<A, LogUnavailable> =>
  Effect.gen(function* () {
    while (true) {
      const found = yield* read
      if (found !== undefined) return found
      if (patience.left <= 0) return yield* new LogUnavailable({ detail: "the copy of the log that is read is behind" })
      patience.left -= AGAIN_MILLIS
      yield* Effect.sleep(AGAIN_MILLIS)
    }
  })

/** The first of some events, as many as a page holds. */
export const firstPage = (events: ReadonlyArray<PublishedEvent>): ReadonlyArray<PublishedEvent> => {
  let bytes = 0
  const end = events.findIndex(({ payload }, index) => {
    bytes += payload.length
    return index > 0 && (index >= PAGE_EVENTS_MAX || bytes > PAGE_BYTES_MAX)
  })
  return end < 0 ? events : events.slice(0, end)
}

import { Effect } from "effect"
import { LogUnavailable } from "../errors.ts"
import { openLatest } from "./latest.ts"
import type { History, HistoryPage, HistoryStart } from "./log.ts"
import { PAGE_BYTES_MAX, PAGE_EVENTS_MAX, patiently } from "./page.ts"
import type { EventFrom, EventReads } from "./reads.ts"

/**
 * Reads what is stored page by page; nothing stays on the server from one page to the next.
 *
 * Of a stream with copies any of them may answer, and one that is behind has nothing more to give before it has everything. So
 * where a copy has nothing left, the leader is asked what the newest event is: only then a page is complete.
 */
export const openHistory = (
  reads: EventReads["Service"],
  pattern: string,
  start: HistoryStart,
  pageEventsMax = PAGE_EVENTS_MAX
): History => {
  if (start.from !== "last") {
    return openFrom(reads, pattern, start.from === "time" ? { time: start.time } : start, pageEventsMax)
  }
  const latest = openLatest(reads, pattern)
  let rest: History | undefined
  return {
    next: (upTo) =>
      Effect.gen(function* () {
        const page = rest === undefined ? yield* latest.next(upTo) : undefined
        if (page !== undefined) return page
        rest ??= openFrom(reads, pattern, { sequence: latest.opening() + 1 }, pageEventsMax)
        return yield* rest.next(upTo)
      }),
    heldBytes: latest.heldBytes
  }
}

const openFrom = (reads: EventReads["Service"], pattern: string, start: EventFrom, max: number): History => {
  let from = start
  const read = (upTo: number): Effect.Effect<HistoryPage | undefined, LogUnavailable> =>
    Effect.gen(function* () {
      const { events, complete } = yield* reads.page(pattern, from, max, PAGE_BYTES_MAX)
      const last = events.at(-1)
      if (last !== undefined) from = { sequence: last.sequence + 1 }
      if (last !== undefined && last.sequence >= upTo) return { events, complete: true }
      if (!complete) return { events, complete: false }
      if (yield* isAll(reads, pattern, from, upTo)) return { events, complete: true }
      return last === undefined ? undefined : { events, complete: false }
    })
  return { next: (upTo) => patiently(read(upTo)), heldBytes: () => 0 }
}

/** Whether there is no event of a pattern from a place on, as far as the log is known to have come. */
const isAll = (
  { state, last }: EventReads["Service"],
  pattern: string,
  from: EventFrom,
  upTo: number
): Effect.Effect<boolean, LogUnavailable> =>
  Effect.gen(function* () {
    const { copies, lastSequence } = yield* state
    if (copies === 1) return true
    // A server that was silent for a while may still believe that it leads.
    if (lastSequence < upTo) return yield* new LogUnavailable({ detail: "the leader of the log is behind" })
    const newest = yield* last(pattern)
    if (newest === undefined) return true
    return "time" in from ? newest.time < from.time : newest.sequence < from.sequence
  })

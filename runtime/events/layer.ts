import { Effect, Layer, Semaphore } from "effect"
import { LogUnavailable } from "../errors.ts"
import { openHistory } from "./history.ts"
import { EventLog, type HistoryStart, type Retention } from "./log.ts"
import { EventReads } from "./reads.ts"

/** So many pages are read at a time, however many clients catch up. */
const PAGES_AT_ONCE = 32

/** The `EventLog` of whatever reads events; one for each gateway of a process. */
export const layerEventLog: Layer.Layer<EventLog, never, EventReads> = Layer.fresh(
  Layer.effect(
    EventLog,
    Effect.suspend(() => makeEventLog)
  )
)

const makeEventLog = Effect.gen(function* () {
  const reads = yield* EventReads
  const pages = yield* Semaphore.make(PAGES_AT_ONCE)
  /** The highest sequence of an event that was seen here: a server that says less of the stream is behind. */
  const newest = { sequence: 0 }
  return EventLog.of({
    follow: (pattern, see) =>
      reads.follow(pattern, (event) => {
        if (event.sequence > newest.sequence) newest.sequence = event.sequence
        see(event)
      }),
    history: (pattern, start) => {
      const { next, heldBytes } = openHistory(reads, pattern, start)
      return { next: (upTo) => pages.withPermits(1)(next(upTo)), heldBytes }
    },
    kept: (pattern) => kept(reads, newest, pattern)
  })
})

const kept = (
  reads: EventReads["Service"],
  newest: { readonly sequence: number },
  pattern: string
): Effect.Effect<Retention, LogUnavailable> =>
  Effect.gen(function* () {
    const { firstSequence, lastSequence, time, created, keptSeconds } = yield* reads.state
    // A server that was silent for a while may still believe that it leads.
    if (lastSequence < newest.sequence) return yield* new LogUnavailable({ detail: "the leader is behind" })
    const firstFrom = (start: HistoryStart) =>
      Effect.map(
        openHistory(reads, ">", start, 1).next(lastSequence),
        ({ events }) => events[0]?.sequence ?? lastSequence + 1
      )
    const first = Math.max(yield* firstFrom({ from: "sequence", sequence: 1 }), firstSequence)
    const seconds = keptSeconds(pattern)
    const all = { first, last: lastSequence }
    if (seconds === undefined || time === 0) return all
    // Others may be kept longer than these.
    const since = time - seconds * 1_000
    if (since <= created) return all
    return { ...all, first: Math.max(first, yield* firstFrom({ from: "time", time: since })) }
  })

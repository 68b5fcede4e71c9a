import { Effect, Layer } from "effect"
import { keptSeconds, LogUnavailable, type ServerUnsuitable } from "../../runtime/index.ts"
import { follow } from "./feed.ts"
import { openHistory } from "./history.ts"
import { EventLog, type HistoryStart, type Kept } from "./log.ts"
import { attempt, type EventLogOptions, type EventStream, openEventStream } from "./stream.ts"

/** The `EventLog` on the namespace's JetStream stream, which must be there. */
export const layerEventLog = (options: EventLogOptions): Layer.Layer<EventLog, ServerUnsuitable | LogUnavailable> =>
  // Fresh: two gateways in one process have a connection each.
  Layer.fresh(
    Layer.effect(
      EventLog,
      Effect.map(openEventStream(options), (events) =>
        EventLog.of({
          follow: (pattern, see) => follow(events, pattern, see),
          history: (pattern, start) => openHistory(events, pattern, start),
          kept: (pattern) => kept(events, pattern)
        })
      )
    )
  )

const kept = (events: EventStream, pattern: string): Effect.Effect<Kept, LogUnavailable> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { state, config, ts, created } = yield* attempt(() => events.manager.streams.info(events.stream))
      // A server that was silent for a while may still believe that it leads.
      if (state.last_seq < events.newest.sequence) return yield* new LogUnavailable({ detail: "the leader is behind" })
      const firstFrom = (start: HistoryStart) =>
        Effect.gen(function* () {
          const history = yield* openHistory(events, ">", start, 1)
          const { events: found } = yield* history.next(state.last_seq)
          return found[0]?.sequence ?? state.last_seq + 1
        })
      const first = Math.max(yield* firstFrom({ from: "sequence", sequence: 1 }), state.first_seq)
      const seconds = keptSeconds(config.metadata, pattern)
      const all = { first, last: state.last_seq }
      if (seconds === undefined || ts === undefined) return all
      // Others may be kept longer than these.
      const since = Date.parse(ts) - seconds * 1_000
      if (since <= new Date(created).getTime()) return all
      return { ...all, first: Math.max(first, yield* firstFrom({ from: "time", time: since })) }
    })
  )

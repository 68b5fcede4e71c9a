import { Effect, Layer } from "effect"
import { LogUnavailable, type ServerUnsuitable } from "../../runtime/index.ts"
import { follow } from "./feed.ts"
import { openHistory } from "./history.ts"
import { EventLog, type Kept } from "./log.ts"
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
          kept: kept(events)
        })
      )
    )
  )

const kept = (events: EventStream): Effect.Effect<Kept, LogUnavailable> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { state } = yield* attempt(() => events.manager.streams.info(events.stream))
      // A server that was silent for a while may still believe that it leads.
      if (state.last_seq < events.newest.sequence) return yield* new LogUnavailable({ detail: "the leader is behind" })
      const history = yield* openHistory(events, ">", { from: "sequence", sequence: 1 }, 1)
      const { events: found } = yield* history.next(state.last_seq)
      const first = found[0]?.sequence ?? state.last_seq + 1
      return { first: Math.max(first, state.first_seq), last: state.last_seq }
    })
  )

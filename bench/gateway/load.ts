import { Effect } from "effect"
import { percentile } from "../report.ts"
import type { Clients } from "./clients.ts"
import type { Server } from "./server.ts"
import { eventAt, nowMicros, subjectOf } from "./wire.ts"

/** Events that are published together, as a step stores them. */
const GROUP = 20
const WARM_MILLIS = 500
const FULL_MILLIS = 1_500
const PACED_MILLIS = 2_500
/** At most so many bytes are on their way to all clients together. */
const FLIGHT_EVENTS_MAX = 200_000
/** No server takes as long for its next event, however busy the machine is. */
const STUCK_MILLIS = 30_000

export interface Latency {
  readonly p50: number
  readonly p99: number
}

let published = 0
const publishGroup = (server: Server, size: number): void => {
  const payload = eventAt(nowMicros())
  for (let index = 0; index < size; index++) server.publish(subjectOf(published++), payload)
}

const until = (check: () => boolean): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const look = () => {
      if (check()) resume(Effect.void)
      else setTimeout(look, 1)
    }
    look()
  })

/** Waits until clients got all of so many events. A server that does not come forward any more has lost them. */
const drained = (clients: Clients, due: number): Effect.Effect<void, Error> => {
  let [seen, seenAt] = [clients.received(), performance.now()]
  return until(() => {
    const received = clients.received()
    if (received !== seen) [seen, seenAt] = [received, performance.now()]
    return received >= due || clients.lost() > 0 || performance.now() - seenAt > STUCK_MILLIS
  }).pipe(
    Effect.andThen(
      Effect.suspend(() =>
        seen === due && clients.lost() === 0
          ? Effect.void
          : Effect.fail(new Error(`clients got ${seen} events of ${due}; ${clients.lost()} of them were closed`))
      )
    )
  )
}

/** Events per second that all clients get together, when as many are published as they take. */
export const fullSpeed = (server: Server, clients: Clients, count: number): Effect.Effect<number, Error> =>
  Effect.gen(function* () {
    const ahead = Math.max(2 * GROUP, Math.min(2_000, Math.floor(FLIGHT_EVENTS_MAX / count)))
    const before = clients.received()
    let sent = 0
    const start = performance.now()
    let [markedAt, marked] = [start, before]
    yield* until(() => {
      while (sent - (clients.received() - before) / count < ahead) {
        publishGroup(server, GROUP)
        sent += GROUP
      }
      if (marked === before && performance.now() - start > WARM_MILLIS) {
        marked = clients.received()
        markedAt = performance.now()
      }
      return performance.now() - start > WARM_MILLIS + FULL_MILLIS
    })
    // To the last event: a slow server gets thousands of frames at a time, and a moment in between says little.
    yield* drained(clients, before + sent * count)
    return (clients.received() - marked) / ((performance.now() - markedAt) / 1_000)
  })

/** What events take from their publishing to the client, in milliseconds, at so many events a second. */
export const latencyAt = (
  server: Server,
  clients: Clients,
  count: number,
  eventsPerSecond: number
): Effect.Effect<Latency, Error> =>
  Effect.gen(function* () {
    const before = clients.received()
    clients.takeSamples()
    let sent = 0
    const start = performance.now()
    yield* until(() => {
      const due = ((performance.now() - start) * eventsPerSecond) / 1_000
      if (due - sent >= 1) {
        const size = Math.min(GROUP, Math.floor(due - sent))
        publishGroup(server, size)
        sent += size
      }
      return performance.now() - start > PACED_MILLIS
    })
    yield* drained(clients, before + sent * count)
    const millis = clients.takeSamples().map((micros) => micros / 1_000)
    return { p50: percentile(millis, 0.5), p99: percentile(millis, 0.99) }
  })

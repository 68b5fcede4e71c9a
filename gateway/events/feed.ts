import { createInbox, type Msg } from "@nats-io/transport-node"
import { Deferred, Effect, type Scope } from "effect"
import { LogUnavailable, type PublishedEvent } from "../../runtime/index.ts"
import { openConsumer, startConfig } from "./consumer.ts"
import { attempt, deliveryOf, type EventStream } from "./stream.ts"

/**
 * The events of a pattern from now on, by one push consumer without acks.
 *
 * 1. `position` is the sequence up to which every event of the pattern was shown. It only grows, and a new consumer
 *    starts after it.
 * 2. A consumer is given up, and a new one made, when it skips a place in its own order, when it is silent past two
 *    heartbeats, and after a reconnect. So nothing that a server forgot is lost.
 */
const HEARTBEAT_NANOS = 2_000_000_000
const SILENCE_MAX_MILLIS = 5_000
const AGAIN_AFTER = "200 millis"

export const follow = (
  events: EventStream,
  pattern: string,
  see: (event: PublishedEvent) => void
): Effect.Effect<number, LogUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const info = yield* attempt(() => events.manager.streams.info(events.stream))
    const from = info.state.last_seq
    const cursor = { position: from }
    const first = yield* Deferred.make<void, LogUnavailable>()
    const reading = Effect.scoped(read(events, pattern, cursor, see, first))
    const warn = (error: LogUnavailable) =>
      Effect.logWarning("events are read anew", { pattern, reason: error.message, after: cursor.position })
    yield* Effect.forkScoped(
      reading.pipe(
        Effect.tapError((error) => Deferred.fail(first, error)),
        Effect.catch(warn),
        Effect.andThen(reading.pipe(Effect.catch(warn), Effect.andThen(Effect.sleep(AGAIN_AFTER)), Effect.forever))
      )
    )
    yield* Deferred.await(first)
    return from
  })

/** One consumer for as long as it is good. Never succeeds. */
const read = (
  events: EventStream,
  pattern: string,
  cursor: { position: number },
  see: (event: PublishedEvent) => void,
  first: Deferred.Deferred<void, LogUnavailable>
): Effect.Effect<never, LogUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const { connection, prefix } = events
    const lost = yield* Deferred.make<never, LogUnavailable>()
    const giveUp = (detail: string) => Deferred.doneUnsafe(lost, Effect.fail(new LogUnavailable({ detail })))
    let order = 0
    let good = true
    let heardAt = performance.now()
    const take = (message: Msg) => {
      heardAt = performance.now()
      if (!good) return
      const code = message.headers?.code ?? 0
      if (code === 100 && message.data.length === 0) {
        // A heartbeat says how far it has sent: what is missing then was lost on the way.
        const sent = Number(message.headers?.get("Nats-Last-Consumer") || order)
        if (sent <= order) return
      } else {
        const delivery = deliveryOf(prefix, message)
        if (delivery.order === order + 1) {
          order++
          if (delivery.sequence <= cursor.position) return
          cursor.position = delivery.sequence
          if (delivery.sequence > events.newest.sequence) events.newest.sequence = delivery.sequence
          see(delivery)
          return
        }
      }
      good = false
      giveUp("a gap in the delivery")
    }
    const inbox = createInbox()
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        connection.subscribe(inbox, { callback: (error, message) => (error === null ? take(message) : undefined) })
      ),
      (subscription) => Effect.sync(() => subscription.unsubscribe())
    )
    yield* events.onReconnect(() => giveUp("reconnected"))
    const opening = openConsumer(events, pattern, {
      ...startConfig({ from: "sequence", sequence: cursor.position + 1 }),
      deliver_subject: inbox,
      idle_heartbeat: HEARTBEAT_NANOS
    })
    // A request that went under with its connection is not waited for.
    yield* Effect.raceFirst(opening, Deferred.await(lost))
    yield* Deferred.succeed(first, undefined)
    const silence: Effect.Effect<never, LogUnavailable> = Effect.suspend(() =>
      performance.now() - heardAt > SILENCE_MAX_MILLIS
        ? Effect.fail(new LogUnavailable({ detail: "no heartbeat" }))
        : Effect.andThen(Effect.sleep("1 second"), silence)
    )
    return yield* Effect.raceFirst(Deferred.await(lost), silence)
  })

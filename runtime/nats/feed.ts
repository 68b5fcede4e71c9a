import type { Msg } from "@nats-io/transport-node"
import { Clock, Deferred, Effect, type Scope } from "effect"
import { elapsedBy } from "../elapsed.ts"
import { LogUnavailable } from "../errors.ts"
import type { PublishedEvent } from "../log.ts"
import type { Nats } from "./connection.ts"
import type { EventConsumer } from "./event-consumer.ts"
import { inboxOf } from "./inbox.ts"
import type { StreamReader } from "./reader.ts"
import type { Subjects } from "./subjects.ts"

/** Where events come from. */
export interface FeedSource {
  readonly nats: Nats["Service"]
  readonly subjects: Subjects
  readonly reader: Pick<StreamReader, "state">
  /** Has the server send events to an inbox, and gives the name by which that is ended. */
  readonly send: (wanted: EventConsumer) => Effect.Effect<string, LogUnavailable>
  readonly end: (name: string) => Effect.Effect<void, LogUnavailable>
}

const SILENCE_MAX_MILLIS = 5_000
const AGAIN_AFTER = "200 millis"

/**
 * The events of a pattern from now on, by one push consumer without acks.
 *
 * 1. `position` is the sequence up to which every event of the pattern was shown. It only grows, and a new consumer
 *    starts after it.
 * 2. A consumer is given up, and a new one made, when it skips a place in its own order, when it is silent past two
 *    heartbeats, and after a reconnect. So nothing that a server forgot is lost.
 */
export const follow = (
  source: FeedSource,
  pattern: string,
  see: (event: PublishedEvent) => void
): Effect.Effect<number, LogUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const { lastSequence: from } = yield* source.reader.state
    const cursor = { position: from }
    const first = yield* Deferred.make<void, LogUnavailable>()
    const reading = Effect.scoped(read(source, pattern, cursor, see, first))
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
  { nats, subjects, send, end }: FeedSource,
  pattern: string,
  cursor: { position: number },
  see: (event: PublishedEvent) => void,
  first: Deferred.Deferred<void, LogUnavailable>
): Effect.Effect<never, LogUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const { connection } = nats
    const elapsed = elapsedBy(yield* Clock.Clock)
    const lost = yield* Deferred.make<never, LogUnavailable>()
    const giveUp = (detail: string) => Deferred.doneUnsafe(lost, Effect.fail(new LogUnavailable({ detail })))
    let order = 0
    let good = true
    let heardAt = elapsed()
    const take = (message: Msg) => {
      heardAt = elapsed()
      if (!good) return
      const code = message.headers?.code ?? 0
      if (code === 100 && message.data.length === 0) {
        // A heartbeat says how far it has sent: what is missing then was lost on the way.
        const sent = Number(message.headers?.get("Nats-Last-Consumer") || order)
        if (sent <= order) return
      } else {
        const delivery = deliveryOf(subjects.event(""), message)
        if (delivery.order === order + 1) {
          order++
          if (delivery.sequence <= cursor.position) return
          cursor.position = delivery.sequence
          see({ subject: delivery.subject, sequence: delivery.sequence, payload: delivery.payload })
          return
        }
      }
      good = false
      giveUp("a gap in the delivery")
    }
    const inbox = inboxOf(connection)
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        connection.subscribe(inbox, { callback: (error, message) => (error === null ? take(message) : undefined) })
      ),
      (subscription) => Effect.sync(() => subscription.unsubscribe())
    )
    yield* nats.onReconnect(() => giveUp("reconnected"))
    const sending = Effect.acquireRelease(
      send({ pattern, after: cursor.position, inbox }),
      // Nobody waits for it, and one that could not be removed goes by itself.
      (name) => Effect.asVoid(Effect.forkDetach(Effect.ignore(end(name)))),
      { interruptible: true }
    )
    // A request that went under with its connection is not waited for.
    yield* Effect.raceFirst(sending, Deferred.await(lost))
    heardAt = elapsed()
    yield* Deferred.succeed(first, undefined)
    const silence: Effect.Effect<never, LogUnavailable> = Effect.suspend(() =>
      elapsed() - heardAt > SILENCE_MAX_MILLIS
        ? Effect.fail(new LogUnavailable({ detail: "no heartbeat" }))
        : Effect.andThen(Effect.sleep("1 second"), silence)
    )
    return yield* Effect.raceFirst(Deferred.await(lost), silence)
  })

/** An event, and its place in what its consumer has sent. */
interface Delivery extends PublishedEvent {
  readonly order: number
}

/** The places are in the reply subject: `$JS.ACK.[domain.account.]stream.consumer.tries.sequence.order.nanos.pending`. */
const deliveryOf = (prefix: string, message: Msg): Delivery => {
  const tokens = (message.reply ?? "").split(".")
  const at = tokens.length > 9 ? 7 : 5
  return {
    subject: message.subject.slice(prefix.length),
    payload: message.string(),
    sequence: Number(tokens[at]),
    order: Number(tokens[at + 1])
  }
}

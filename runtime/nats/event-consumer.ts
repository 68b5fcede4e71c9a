import { AckPolicy, DeliverPolicy, type JetStreamManager, ReplayPolicy } from "@nats-io/jetstream"
import { Effect } from "effect"
import { LogUnavailable } from "../errors.ts"
import { secretId } from "./inbox.ts"
import { attempt } from "./stored.ts"
import type { Subjects } from "./subjects.ts"

/** What is sent of the events, and where to. */
export interface EventConsumer {
  readonly pattern: string
  /** The sequence after which it begins. */
  readonly after: number
  readonly inbox: string
}

/** The server gives a stream a thousand consumers unless it is told otherwise: nodes need one each, whoever reads events. */
const CONSUMERS_MAX = 500
/** One that could not be removed goes by itself, once nobody listens. */
const INACTIVE_NANOS = 10_000_000_000
const HEARTBEAT_NANOS = 2_000_000_000

/** Nobody else's consumer is called so. */
const NAME = /^events_[A-Za-z0-9]{22}$/

/** Removes a consumer of events, if there is one of that name; no other one. */
export const closeEventConsumer = (
  manager: JetStreamManager,
  { stream }: Subjects,
  name: string
): Effect.Effect<void, LogUnavailable> =>
  NAME.test(name)
    ? Effect.asVoid(attempt(() => manager.consumers.delete(stream, name)))
    : Effect.fail(new LogUnavailable({ detail: `there is no consumer of events ${name.slice(0, 64)}` }))

/**
 * Has the server send the events of a pattern to an inbox, each as it is stored, for as long as somebody listens there.
 *
 * @returns the consumer's name
 */
export const openEventConsumer = (
  manager: JetStreamManager,
  subjects: Subjects,
  { pattern, after, inbox }: EventConsumer
): Effect.Effect<string, LogUnavailable> =>
  Effect.gen(function* () {
    const { state } = yield* attempt(() => manager.streams.info(subjects.stream))
    if (state.consumer_count >= CONSUMERS_MAX) {
      return yield* new LogUnavailable({
        detail: `the stream has ${state.consumer_count} consumers: no more are made for readers of events`
      })
    }
    const name = `events_${secretId()}`
    yield* attempt(() =>
      manager.consumers.add(subjects.stream, {
        name,
        ack_policy: AckPolicy.None,
        replay_policy: ReplayPolicy.Instant,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: after + 1,
        filter_subject: subjects.event(pattern),
        deliver_subject: inbox,
        idle_heartbeat: HEARTBEAT_NANOS,
        inactive_threshold: INACTIVE_NANOS,
        mem_storage: true,
        num_replicas: 1
      })
    )
    return name
  })

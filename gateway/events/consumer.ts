import { AckPolicy, type ConsumerConfig, DeliverPolicy, ReplayPolicy } from "@nats-io/jetstream"
import { nuid } from "@nats-io/transport-node"
import { Effect, type Scope } from "effect"
import type { LogUnavailable } from "../../runtime/index.ts"
import type { HistoryStart } from "./log.ts"
import { attempt, type EventStream } from "./stream.ts"

const INACTIVE_NANOS = 60_000_000_000

/** A consumer in the server's memory. */
export interface Consumer {
  readonly name: string
  /** How many events it had to send when it was made. */
  readonly pending: number
}

/**
 * Makes a consumer of one pattern's events, until the scope closes.
 *
 * Its filter stands in the subject of the request, so that a NATS user may be allowed the events of this namespace and
 * nothing else: `$JS.API.CONSUMER.CREATE.<stream>.*.<namespace>.event.>`.
 */
export const openConsumer = (
  { manager, stream, prefix }: EventStream,
  pattern: string,
  config: Partial<ConsumerConfig>
): Effect.Effect<Consumer, LogUnavailable, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(() =>
      manager.consumers.add(stream, {
        name: nuid.next(),
        ack_policy: AckPolicy.None,
        replay_policy: ReplayPolicy.Instant,
        filter_subject: prefix + pattern,
        inactive_threshold: INACTIVE_NANOS,
        mem_storage: true,
        num_replicas: 1,
        ...config
      })
    ),
    // Nobody waits for it, and one that could not be removed goes by itself.
    ({ name }) => Effect.sync(() => void manager.consumers.delete(stream, name).catch(() => undefined)),
    { interruptible: true }
  ).pipe(Effect.map(({ name, num_pending }) => ({ name, pending: num_pending })))

/** Where a consumer starts. */
export const startConfig = (start: HistoryStart): Partial<ConsumerConfig> => {
  switch (start.from) {
    case "last":
      return { deliver_policy: DeliverPolicy.LastPerSubject }
    case "sequence":
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, start.sequence) }
    case "time":
      return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.time).toISOString() }
  }
}

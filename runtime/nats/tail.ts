import { AckPolicy, DeliverPolicy, type JetStreamManager } from "@nats-io/jetstream"
import type { Msg, Subscription } from "@nats-io/transport-node"
import { Effect, Queue, Schedule } from "effect"
import { LogUnavailable } from "../errors.ts"
import type { Mail } from "../log.ts"
import type { Nats } from "./connection.ts"
import { inboxOf } from "./inbox.ts"
import { Pulls, WINDOW } from "./pulls.ts"
import type { Subjects } from "./subjects.ts"
import type { Unread } from "./unread.ts"

/**
 * The mail of some shards in order, by one ephemeral pull consumer without acks. One for all of them: every consumer that
 * has to be told of a message costs the server as much as storing it.
 *
 * It owns its consumer and its inbox. Invariants:
 * 1. Mail is delivered in order of sequence; what was delivered is never asked for again, except after a restart.
 * 2. A gap in the consumer's own sequence, a lost consumer or silence past two heartbeats starts a new consumer
 *    after the last mail delivered.
 * 3. At most `WINDOW` messages, and about 8 MiB of them, are on their way or waiting here: only what was delivered makes
 *    room for a new pull. A server cuts off who has more on its way than it allows.
 * 4. `reached` is told only what the consumer itself says that it has passed, once all that it sent before is delivered.
 */
const SILENCE_MAX = "7 seconds"
const CONSUMER_INACTIVE_NANOS = 60_000_000_000
/** The part of a role's shards from which on a node is sent the mail of all of them. */
const SHARE_MIN = 1 / 4
/** A shard whole, and no lane of it. */
const PLAIN = /^([^.]+)\.\d+$/

interface Tail {
  readonly nats: Nats["Service"]
  readonly manager: JetStreamManager
  readonly subjects: Subjects
  readonly after: ReadonlyMap<string, number>
  /** How many shards each role has. */
  readonly shards: number
  readonly deliver: (mail: Mail) => Effect.Effect<void> | undefined
  readonly reached: (sequence: number) => void
  /** Is told whether there is mail to be had at all. */
  readonly unread: Unread
}

/** Runs until interrupted; what goes wrong on the way is mended by starting a new consumer. */
export const tail = (options: Tail): Effect.Effect<never> => {
  const cursor = { sequence: Math.min(...options.after.values()) }
  return Effect.scoped(session(options, cursor)).pipe(
    Effect.catch((error) => Effect.logDebug("tail restarted", { reason: error.detail })),
    Effect.repeat(Schedule.spaced("100 millis")),
    Effect.andThen(Effect.never),
    Effect.ensuring(options.unread.over)
  )
}

type Arrival = { readonly message: Msg } | { readonly lost: string }

const session = Effect.fnUntraced(function* (options: Tail, cursor: { sequence: number }) {
  const { nats, manager, subjects, after } = options
  const { connection } = nats
  const owned = [...after.keys()]
  const role = roleReadWhole(owned, options.shards)
  const foreign = role === undefined ? 0 : Number.POSITIVE_INFINITY
  const filters = role === undefined ? owned.map(subjects.mailOfShard) : [subjects.mailOfRole(role)]
  const opening = openConsumer(manager, subjects, filters, cursor.sequence + 1)
  const consumer = yield* Effect.catch(opening, (cause) =>
    Effect.andThen(options.unread.refused(cause), Effect.fail(new LogUnavailable({ detail: String(cause) })))
  )
  yield* options.unread.over
  const arrivals = yield* Queue.unbounded<Arrival>() // bounded by invariant 3
  const inbox = inboxOf(connection)
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      connection.subscribe(inbox, { callback: (error, message) => onMessage(error, message, arrivals) })
    ),
    (subscription: Subscription) => Effect.sync(() => subscription.unsubscribe())
  )
  // A consumer in memory does not outlive its server, and says nothing when it is gone.
  yield* nats.onReconnect(() => Queue.offerUnsafe(arrivals, { lost: "reconnected" }))
  const pulls = new Pulls(connection, `$JS.API.CONSUMER.MSG.NEXT.${subjects.stream}.${consumer}`, inbox)
  let consumed = 0
  pulls.fill()
  while (true) {
    const batch = yield* Queue.takeBetween(arrivals, 1, WINDOW).pipe(
      Effect.timeoutOrElse({
        duration: SILENCE_MAX,
        orElse: () => Effect.fail(new LogUnavailable({ detail: "no heartbeat" }))
      })
    )
    for (const arrival of batch) {
      if ("lost" in arrival) return yield* new LogUnavailable({ detail: arrival.lost })
      const status = arrival.message.headers?.code ?? 0
      if (status !== 0 && arrival.message.data.length === 0) {
        const passed = passedOf(arrival.message, consumed)
        if (passed !== undefined) {
          cursor.sequence = Math.max(cursor.sequence, passed) // what is after it goes first to a new consumer
          options.reached(cursor.sequence)
        }
        if (status !== 100 && !pulls.ended(arrival.message)) {
          return yield* new LogUnavailable({ detail: arrival.message.headers?.description ?? String(status) })
        }
        continue
      }
      const mail = toMail(subjects, arrival.message)
      consumed++
      pulls.served()
      if (mail.order !== consumed) return yield* new LogUnavailable({ detail: "a gap in the delivery" })
      cursor.sequence = mail.sequence
      if (mail.sequence <= (after.get(mail.shard) ?? foreign)) continue
      const full = options.deliver(mail)
      if (full !== undefined) yield* full
    }
    pulls.fill()
  }
})

/**
 * The role whose mail is read by one filter, while what is others' is dropped: where a node owns a good part of its shards, and no
 * lanes. With several filters a server searches all subjects of a block for each message, as soon as a consumer is some thousand
 * messages behind, while all that is to be stored waits: a node that is behind would stay so.
 */
const roleReadWhole = (owned: ReadonlyArray<string>, shards: number): string | undefined => {
  const [role, ...others] = new Set(owned.map((shard) => PLAIN.exec(shard)?.[1]))
  return others.length === 0 && owned.length >= shards * SHARE_MIN ? role : undefined
}

const openConsumer = (manager: JetStreamManager, subjects: Subjects, filters: ReadonlyArray<string>, from: number) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        manager.consumers.add(subjects.stream, {
          ack_policy: AckPolicy.None,
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: from,
          filter_subjects: [...filters],
          inactive_threshold: CONSUMER_INACTIVE_NANOS,
          mem_storage: true,
          num_replicas: 1
        }),
      catch: (cause) => cause
    }),
    // Nobody waits for it: mail of all shards would, when one tail takes the place of another.
    (consumer) =>
      Effect.sync(() => void manager.consumers.delete(subjects.stream, consumer.name).catch(() => undefined))
  ).pipe(Effect.map((consumer) => consumer.name))

const onMessage = (error: Error | null, message: Msg, arrivals: Queue.Queue<Arrival>) => {
  if (error !== null) Queue.offerUnsafe(arrivals, { lost: error.message })
  // 100 is the idle heartbeat: it carries nothing, but ends the silence
  else Queue.offerUnsafe(arrivals, { message })
}

/**
 * Up to where the consumer has looked, as an idle heartbeat says: other messages than ours came in between. Nothing, if it
 * has sent something that did not arrive.
 */
const passedOf = (message: Msg, consumed: number): number | undefined => {
  if (message.headers?.code !== 100 || Number(message.headers.get("Nats-Last-Consumer") || -1) !== consumed) {
    return undefined
  }
  return Number(message.headers.get("Nats-Last-Stream"))
}

/** The message's place is in its reply subject: `$JS.ACK.[domain.account.]stream.consumer.tries.sequence.order.nanos.pending`. */
const toMail = (subjects: Subjects, message: Msg): Mail & { readonly order: number } => {
  const tokens = (message.reply ?? "").split(".")
  const at = tokens.length > 9 ? 7 : 5
  return {
    ...subjects.parseMail(message.subject),
    sequence: Number(tokens[at]),
    order: Number(tokens[at + 1]),
    time: Math.floor(Number(tokens[at + 2]) / 1e6),
    payload: message.string()
  }
}

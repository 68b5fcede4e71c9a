import { AckPolicy, DeliverPolicy, type JetStreamManager } from "@nats-io/jetstream"
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node"
import { Effect, Queue, Schedule } from "effect"
import { LogUnavailable } from "../errors.ts"
import type { Mail } from "../log.ts"
import type { Nats } from "./connection.ts"
import type { Subjects } from "./subjects.ts"

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
const WINDOW = 2_048
const PULL = WINDOW / 2
/** A prime: the server ends a pull without a word if its bytes come out even. */
const PULL_BYTES = 4_194_301
/** What a message may have beside its payload. */
const HEADERS_BYTES_MAX = 65_537
const PULL_EXPIRES_NANOS = 30_000_000_000
const HEARTBEAT_NANOS = 2_000_000_000
const SILENCE_MAX = "7 seconds"
const CONSUMER_INACTIVE_NANOS = 60_000_000_000

interface Tail {
  readonly nats: Nats["Service"]
  readonly manager: JetStreamManager
  readonly subjects: Subjects
  readonly after: ReadonlyMap<string, number>
  readonly deliver: (mail: Mail) => Effect.Effect<void> | undefined
  readonly reached: (sequence: number) => void
}

/** Runs until interrupted; what goes wrong on the way is mended by starting a new consumer. */
export const tail = (options: Tail): Effect.Effect<never> => {
  const cursor = { sequence: Math.min(...options.after.values()) }
  return Effect.scoped(session(options, cursor)).pipe(
    Effect.catch((error) => Effect.logDebug("tail restarted", { reason: error.detail })),
    Effect.repeat(Schedule.spaced("100 millis")),
    Effect.andThen(Effect.never)
  )
}

type Arrival = { readonly message: Msg } | { readonly lost: string }

const session = Effect.fnUntraced(function* (options: Tail, cursor: { sequence: number }) {
  const { nats, manager, subjects, after } = options
  const { connection } = nats
  const consumer = yield* openConsumer(manager, subjects, [...after.keys()], cursor.sequence + 1)
  const arrivals = yield* Queue.unbounded<Arrival>() // bounded by invariant 3
  const inbox = `_INBOX.${subjects.bucket}.${consumer}`
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
      if (mail.sequence <= (after.get(mail.shard) ?? 0)) continue
      const full = options.deliver(mail)
      if (full !== undefined) yield* full
    }
    pulls.fill()
  }
})

/**
 * What is asked of the consumer: two pulls at most, so that one is served while another is asked for. The server serves them
 * in turn, and says of one that it ends early how much it did not bring.
 */
class Pulls {
  readonly #connection: NatsConnection
  readonly #subject: string
  readonly #inbox: string
  #open = 0
  /** So many pulls ended, one after the other, before a message that was larger than what was left of their bytes. */
  #barren = 0

  constructor(connection: NatsConnection, subject: string, inbox: string) {
    this.#connection = connection
    this.#subject = subject
    this.#inbox = inbox
  }

  /** Asks for as much as there is room for. */
  fill(): void {
    while (this.#open <= WINDOW - PULL) {
      const alone = this.#barren >= BARREN_MAX
      if (alone && this.#open > 0) return
      const largest = (this.#connection.info?.max_payload ?? 0) + HEADERS_BYTES_MAX
      this.#pull(alone ? { batch: 1 } : { batch: PULL, max_bytes: Math.max(PULL_BYTES, largest) })
      if (alone) return
    }
  }

  served(): void {
    this.#open--
    this.#barren = 0
  }

  /** The server says that a pull has ended. False if that is no end that another pull would follow. */
  ended(status: Msg): boolean {
    const code = status.headers?.code
    const tooMuch = code === 409 && TOO_MUCH.test(status.headers?.description ?? "")
    if (code !== 408 && !tooMuch) return false
    if (tooMuch) this.#barren++
    this.#open = Math.max(0, this.#open - Number(status.headers?.get("Nats-Pending-Messages") || 0))
    return true
  }

  #pull(wanted: { readonly batch: number; readonly max_bytes?: number }): void {
    this.#open += wanted.batch
    const terms = { ...wanted, expires: PULL_EXPIRES_NANOS, idle_heartbeat: HEARTBEAT_NANOS }
    this.#connection.publish(this.#subject, JSON.stringify(terms), { reply: this.#inbox })
  }
}

/** Two that were half empty, and two that were asked for after them: such a message is asked for alone. */
const BARREN_MAX = 4
/** Of a 409: the next message is larger than what is left of the bytes that were asked for. */
const TOO_MUCH = /exceeds maxbytes/i

const openConsumer = (manager: JetStreamManager, subjects: Subjects, shards: ReadonlyArray<string>, from: number) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        manager.consumers.add(subjects.stream, {
          ack_policy: AckPolicy.None,
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: from,
          filter_subjects: shards.map((shard) => subjects.mailOfShard(shard)),
          inactive_threshold: CONSUMER_INACTIVE_NANOS,
          mem_storage: true,
          num_replicas: 1
        }),
      catch: (cause) => new LogUnavailable({ detail: String(cause) })
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

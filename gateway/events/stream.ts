import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node"
import { Effect, type Scope } from "effect"
import { LogUnavailable, type PublishedEvent, ServerUnsuitable } from "../../runtime/index.ts"

export interface EventLogOptions {
  /** `nats://user:password@host:port`, or several with commas between them. */
  readonly url: string
  readonly namespace: string
  /** What the connection is called in the server's monitoring. */
  readonly name: string
}

/** The namespace's stream, and the connection over which its events are read. */
export interface EventStream {
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  readonly stream: string
  /** What the subjects of events begin with. */
  readonly prefix: string
  /** The highest sequence of an event that was seen here: a server that says less of the stream is behind. */
  readonly newest: { sequence: number }
  /** Calls back after every reconnect, until the scope closes: consumers in the server's memory may be gone then. */
  readonly onReconnect: (callback: () => void) => Effect.Effect<void, never, Scope.Scope>
}

/** Connects, until the scope closes. A connection of its own: what clients catch up on does not delay the actors' mail. */
export const openEventStream = (
  options: EventLogOptions
): Effect.Effect<EventStream, ServerUnsuitable | LogUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const connection = yield* Effect.acquireRelease(open(options), (open) =>
      Effect.promise(() => open.drain().catch(() => undefined))
    )
    const manager = yield* attempt(() => jetstreamManager(connection, { checkAPI: false }))
    const callbacks = new Set<() => void>()
    yield* Effect.forkScoped(
      Effect.promise(async () => {
        for await (const { type } of connection.status()) {
          if (type === "reconnect") for (const callback of callbacks) callback()
        }
      })
    )
    return {
      connection,
      manager,
      stream: options.namespace.toUpperCase(),
      prefix: `${options.namespace}.event.`,
      newest: { sequence: 0 },
      onReconnect: (callback) =>
        Effect.acquireRelease(
          Effect.sync(() => void callbacks.add(callback)),
          () => Effect.sync(() => callbacks.delete(callback))
        )
    }
  })

const open = ({ url, name }: EventLogOptions) =>
  Effect.tryPromise({
    try: () => {
      const urls = url.split(",").map((part) => new URL(part.includes("://") ? part.trim() : `nats://${part.trim()}`))
      const { username = "", password = "" } = urls[0] ?? {}
      return connect({
        servers: urls.map(({ hostname, port }) => `${hostname}:${port || "4222"}`),
        ...(urls.some(({ protocol }) => protocol === "tls:") && { tls: {} }),
        ...(username !== "" && { user: decodeURIComponent(username) }),
        ...(password !== "" && { pass: decodeURIComponent(password) }),
        name,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        noAsyncTraces: true,
        timeout: 5_000
      })
    },
    catch: (cause) => new ServerUnsuitable({ detail: `no NATS server for events: ${reasonOf(cause)}` })
  })

/** A request whose failure says nothing of what is stored. */
export const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, LogUnavailable> =>
  Effect.tryPromise({ try: run, catch: (cause) => new LogUnavailable({ detail: reasonOf(cause) }) })

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** An event, and its place in what its consumer has sent. */
export interface Delivery extends PublishedEvent {
  readonly order: number
}

/** The places are in the reply subject: `$JS.ACK.[domain.account.]stream.consumer.tries.sequence.order.nanos.pending`. */
export const deliveryOf = (prefix: string, message: Msg): Delivery => {
  const tokens = (message.reply ?? "").split(".")
  const at = tokens.length > 9 ? 7 : 5
  return {
    subject: message.subject.slice(prefix.length),
    payload: message.string(),
    sequence: Number(tokens[at]),
    order: Number(tokens[at + 1])
  }
}

import { connect, type NatsConnection, type Status } from "@nats-io/transport-node"
import { Context, Effect, Layer, type Scope, Stream } from "effect"
import { ServerUnsuitable } from "../errors.ts"
import { Recurring } from "../recurring.ts"
import { parseServers, showServers } from "./address.ts"
import { connectionLost } from "./disconnect.ts"
import { checkDurability, type DurabilityOptions } from "./durability.ts"
import { type InboxOptions, inboxPrefix, keepPrefix } from "./inbox.ts"

export interface NatsOptions extends DurabilityOptions, InboxOptions {
  /** Everything of one system lives under it; several can share a server. */
  readonly namespace: string
  /** What the connection is called in the server's monitoring. */
  readonly name: string
  /** It is not the only one of its process to these servers: of its loss another one says so. */
  readonly secondary?: boolean
  /** Once it completes nobody waits for the servers any more: the connection is closed as it is. Never, unless given. */
  readonly abandoned?: Effect.Effect<void>
}

/** A connection to a server that can carry the runtime. It reconnects for ever, and drains when its scope closes. */
export class Nats extends Context.Service<
  Nats,
  {
    readonly connection: NatsConnection
    readonly options: NatsOptions
    /** Calls back after every reconnect, until the scope closes. What lived in the server's memory may be gone then. */
    readonly onReconnect: (callback: () => void) => Effect.Effect<void, never, Scope.Scope>
  }
>()("conclave/runtime/Nats") {
  static readonly layer = (options: NatsOptions): Layer.Layer<Nats, ServerUnsuitable> =>
    Layer.effect(
      this,
      Effect.gen(function* () {
        const connection = yield* Effect.acquireRelease(open(options), (connection) =>
          Effect.raceFirst(
            // Where it cannot drain, as without a server, it would go on trying to connect.
            Effect.promise(() =>
              connection
                .drain()
                .catch(() => connection.close())
                .catch(() => undefined)
            ),
            closeWhen(options, connection)
          )
        )
        yield* Effect.forkScoped(closeWhen(options, connection))
        yield* checkServer(connection, showServers(options.url))
        if (options.secondary !== true) yield* checkDurability(options, connection.info?.server_id ?? "")
        const callbacks = new Set<() => void>()
        yield* Effect.forkScoped(followStatus(connection, callbacks, options.secondary === true))
        return Nats.of({
          connection,
          options,
          onReconnect: (callback) =>
            Effect.acquireRelease(
              Effect.sync(() => void callbacks.add(callback)),
              () => Effect.sync(() => callbacks.delete(callback))
            )
        })
      })
    )
}

const closeWhen = ({ abandoned = Effect.never }: NatsOptions, connection: NatsConnection) =>
  Effect.andThen(
    abandoned,
    Effect.promise(() => connection.close().catch(() => undefined))
  )

/** Message schedules that can be cancelled, and batches, came with 2.14. */
const SERVER_MINOR_MIN = 14

const open = (options: NatsOptions) =>
  Effect.tryPromise({
    try: async () => {
      const { servers, tls, user, pass } = parseServers(options.url)
      const prefix = inboxPrefix(options)
      const connection = await connect({
        servers: [...servers],
        inboxPrefix: prefix,
        ...(tls && { tls: {} }),
        ...(user !== undefined && { user }),
        ...(pass !== undefined && { pass }),
        name: options.name,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        noAsyncTraces: true,
        timeout: 5_000
      })
      keepPrefix(connection, prefix)
      return connection
    },
    catch: (cause) => new ServerUnsuitable({ detail: unconnected(options.url, cause) })
  })

const unconnected = (url: string, cause: unknown): string => {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return /authorization violation/i.test(reason)
    ? `the NATS server at ${showServers(url)} lets nobody in as that: user or password are wrong or missing`
    : `no NATS server answers at ${showServers(url)}: ${reason}`
}

const checkServer = (connection: NatsConnection, url: string) => {
  const { version = "0.0", jetstream } = connection.info ?? {}
  const [major = 0, minor = 0] = version.split(".").map(Number)
  if (major < 2 || (major === 2 && minor < SERVER_MINOR_MIN)) {
    return Effect.fail(
      new ServerUnsuitable({
        detail: `the NATS server at ${url} is ${version}; 2.${SERVER_MINOR_MIN} or newer is needed`
      })
    )
  }
  if (jetstream !== true) {
    return Effect.fail(new ServerUnsuitable({ detail: `the NATS server at ${url} has JetStream switched off` }))
  }
  return Effect.void
}

const LOST = "the connection to NATS was lost"
const BACK = "connected to NATS again"

/** Tells those who wait, and says in the log once that it was lost, and once that it is back. */
const followStatus = (connection: NatsConnection, callbacks: ReadonlySet<() => void>, quiet: boolean) => {
  const recurring = new Recurring()
  const say = (message: string, server: string) => (quiet ? Effect.void : recurring.say("Warn", message, { server }))
  const take = (status: Status): Effect.Effect<void> => {
    switch (status.type) {
      case "disconnect":
        connectionLost(connection)
        return say(LOST, status.server)
      case "reconnect":
        for (const callback of callbacks) callback()
        // As loud as the loss: who reads of one has to read of the other.
        return say(BACK, status.server)
      case "slowConsumer":
        return recurring.say("Warn", "slow consumer: this process reads more slowly than the server sends", {})
      case "error":
        return /slow consumer/i.test(status.error.message)
          ? recurring.say("Warn", "slow consumer: the server cut the connection", { reason: status.error.message })
          : /permissions violation/i.test(status.error.message)
            ? recurring.say("Error", "the NATS server refuses a right", { reason: status.error.message })
            : Effect.void
      default:
        return Effect.void
    }
  }
  return Stream.runForEach(Stream.fromAsyncIterable(connection.status(), String), take).pipe(Effect.ignore)
}

// The composition root: which parts a process is made of, and how they hang together.
import { hostname } from "node:os"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Schema, Scope } from "effect"
import { allActors, openModels, quantPolicy } from "../actors/index.ts"
import { Gateway, type GatewayOptions, layerEventLog, NotReady, SERVING, statusProbe } from "../gateway/index.ts"
import type { ExperimentPlan, ModelName } from "../protocols/index.ts"
import {
  ActorLog,
  layerNats,
  layerNatsClient,
  layerNode,
  layerOperators,
  type SystemOptions
} from "../runtime/index.ts"
import { type Configuration, tellHeaderBytes } from "./config.ts"
import { modelConfiguration } from "./config-models.ts"
import { gatewayOptions } from "./gateway-options.ts"
import { type EmbeddedError, embeddedNats } from "./nats-server.ts"
import { Storage } from "./storage.ts"

export const VERSION = "0.1.0"

/** A NATS server to use. */
export interface Server {
  readonly url: string
  /** Fails once the server is gone for good; one that is not ours never is. */
  readonly gone: Effect.Effect<never, Error>
  /** Known to write to the disk before it confirms; of one that is not ours it is not known. */
  readonly syncAlways: boolean | undefined
  /** Of one that is ours: what is done when it stores nothing. */
  readonly storage?: Storage
}

/** A server that is not ours. */
export const namedServer = (url: string): Server => ({ url, gone: Effect.never, syncAlways: undefined })

/** The server that is named, or else one of our own on the data folder, until the scope closes. */
export const openServer = (
  config: Configuration,
  url: string | undefined,
  dataDir: string
): Effect.Effect<Server, EmbeddedError, Scope.Scope> =>
  Effect.gen(function* () {
    if (url !== undefined) return namedServer(url)
    const server = yield* embeddedNats({ dataDir, binary: config.natsServer })
    const gone = Effect.flatMap(server.exited, (reason) =>
      Effect.fail(new Error(`the NATS server has ended: ${reason}; its log is ${server.logFile}`))
    )
    return { url: server.url, gone, syncAlways: true, storage: new Storage(dataDir, server) }
  })

/** Something did not come to its end and was left behind, which happens where a NATS server is gone. */
export class StopTimeout extends Schema.TaggedError<StopTimeout>()("StopTimeout", {}) {
  override get message() {
    return `not everything stopped in order within ${STOP_GRACE}`
  }
}

const STOP_GRACE = "10 seconds"
/** Without its server, or a disk, a system cannot hand anything over. */
const STOP_GRACE_ALONE = "1 second"

/**
 * Runs parts of a system in a scope of their own, and closes that. What does not stop is waited for no longer than 10
 * seconds, or one second once the server is gone or stores nothing, and then left to the end of the process.
 *
 * Fails with `StopTimeout` if that happened and nothing else went wrong.
 */
export const withParts = <A, E, R>(
  server: Server,
  use: Effect.Effect<A, E, R>
): Effect.Effect<A, E | StopTimeout, Exclude<R, Scope.Scope>> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const exit = yield* restore(Scope.provide(use, scope)).pipe(Effect.exit)
      const stopped = yield* Deferred.make<boolean>()
      const useless = server.storage?.failed === undefined ? Effect.exit(server.gone) : Effect.void
      const alone = Effect.andThen(useless, Effect.sleep(STOP_GRACE_ALONE))
      const deadline = Effect.raceFirst(Effect.sleep(STOP_GRACE), alone)
      // In fibers of their own: this one may have been interrupted, and could not wait with a limit.
      const tell = (inTime: boolean) => Deferred.succeed(stopped, inTime)
      yield* Effect.forkDetach(Effect.ensuring(Scope.close(scope, exit), tell(true)))
      const timer = yield* Effect.forkDetach(Effect.andThen(deadline, tell(false)))
      const inTime = yield* Deferred.await(stopped)
      yield* Fiber.interrupt(timer)
      if (!inTime && Exit.isSuccess(exit)) return yield* new StopTimeout()
      return yield* exit
    })
  )

/** A connection, and what talks to actors and runs them over it. */
export const connect = (config: Configuration, server: Server, name: string) =>
  layerNats(systemOf(config, server, name))

/** A connection, and what talks to actors over it. */
export const connectClient = (config: Configuration, server: Server, name: string) =>
  layerNatsClient(systemOf(config, server, name))

/** A connection, and what people do to a system over it. */
export const connectOperators = (config: Configuration, server: Server) =>
  // They store nothing that a server without its disk could lose.
  layerOperators(systemOf({ ...config, durability: "warn", natsMonitorUrl: undefined }, server, "operators"))

const systemOf = (config: Configuration, server: Server, name: string): SystemOptions => ({
  url: server.url,
  monitorUrl: config.natsMonitorUrl,
  durability: config.durability,
  syncAlways: server.syncAlways,
  namespace: config.namespace,
  name: `conclave ${name}`,
  shards: config.shards,
  replicas: config.replicas,
  ttlSeconds: Math.ceil(Duration.toSeconds(config.leaseTtl)),
  eventSecondsMax: Math.ceil(Duration.toSeconds(config.eventRetention))
})

export interface ServeOptions {
  readonly labels?: ReadonlyArray<string>
  /** What the analyses are held by. */
  readonly experiment?: ExperimentPlan
  /** The model of all agents, in place of those of the environment. */
  readonly model?: ModelName
}

/** All actors of the house, in this process, with the panel, the accounts and the language models of the environment. */
export const serveActors = (
  name: string,
  { panel, accounts }: Pick<Configuration, "panel" | "accounts">,
  { labels = [], experiment, model }: ServeOptions = {}
) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const models = yield* openModels(yield* modelConfiguration(model))
      const actors = allActors({
        policy: quantPolicy,
        agent: { models },
        panel,
        accounts,
        ...(experiment === undefined ? {} : { experiment })
      })
      return layerNode({ name, labels, actors })
    })
  )

/** What people are told of a gateway that knows no clients. */
export const OPEN = "anybody on this machine: no secret, public key or keys are set (GATEWAY_JWT_SECRET …)"

/** Whether the log answers, is the one that it was, and stores. */
export const logReady = (server: Server) =>
  Effect.map(ActorLog, (log) =>
    Effect.suspend(() => {
      const failed = server.storage?.failed
      if (failed !== undefined) return Effect.fail(new NotReady({ detail: failed }))
      return log.check.pipe(Effect.mapError(({ message, detail }) => new NotReady({ detail: detail || message })))
    })
  )

/** The gateway; it is ready while the log answers and is the one that it was, and while nodes answer. It reads events over a connection of its own. */
export const serveGateway = (config: Configuration, server: Server, options: Pick<GatewayOptions, "host" | "port">) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const ready = yield* logReady(server)
      yield* tellHeaderBytes(config)
      const serving = { ...SERVING, probe: statusProbe }
      const events = layerEventLog({ url: server.url, namespace: config.namespace, name: "conclave gateway events" })
      return Gateway.layer({ ...gatewayOptions(config), ...options, ready, serving, version: VERSION }).pipe(
        Layer.provide(events)
      )
    })
  )

/** A name that no other live node has: the host's and the process's. */
export const nodeName = (): string => `${hostname().replace(/[^A-Za-z0-9-]/g, "-")}-${process.pid}`

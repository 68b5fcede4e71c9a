// The composition root: which parts a process is made of, and how they hang together.
import { hostname } from "node:os"
import { Duration, Effect, Layer, type Scope } from "effect"
import { allActors, quantPolicy } from "../actors/index.ts"
import { Gateway, type GatewayOptions } from "../gateway/index.ts"
import { ActorLog, type Actors, type Leases, layerNats, layerNode } from "../runtime/index.ts"
import type { Configuration } from "./config.ts"
import { type EmbeddedError, embeddedNats } from "./nats-server.ts"

export const VERSION = "0.1.0"

/** What it takes to talk to actors, and to run some. */
export type System = Actors | ActorLog | Leases

/** A NATS server to use. */
export interface Server {
  readonly url: string
  /** Fails once the server is gone for good; one that is not ours never is. */
  readonly gone: Effect.Effect<never, Error>
}

/** The server that is named, or else one of our own on the data folder, until the scope closes. */
export const openServer = (
  config: Configuration,
  url: string | undefined,
  dataDir: string
): Effect.Effect<Server, EmbeddedError, Scope.Scope> =>
  Effect.gen(function* () {
    if (url !== undefined) return { url, gone: Effect.never }
    const server = yield* embeddedNats({ dataDir, binary: config.natsServer })
    const gone = Effect.flatMap(server.exited, (reason) =>
      Effect.fail(new Error(`the NATS server has ended: ${reason}; its log is ${server.logFile}`))
    )
    return { url: server.url, gone }
  })

/** A connection, and what talks to actors over it. */
export const connect = (config: Configuration, url: string, name: string) =>
  layerNats({
    url,
    namespace: config.namespace,
    name: `conclave ${name}`,
    shards: config.shards,
    replicas: config.replicas,
    ttlSeconds: Math.ceil(Duration.toSeconds(config.leaseTtl))
  })

/** All actors of the house, in this process. */
export const serveActors = (name: string) => layerNode({ name, actors: allActors({ policy: quantPolicy }) })

/** The gateway; it is ready while the log answers. */
export const serveGateway = (options: Pick<GatewayOptions, "host" | "port">) =>
  Layer.unwrap(
    Effect.map(ActorLog, (log) => {
      const ready = log.readJournal({ type: "readiness", id: "check" }).pipe(
        Effect.as(true),
        Effect.orElseSucceed(() => false)
      )
      return Gateway.layer({ ...options, ready, version: VERSION })
    })
  )

/** A name that no other live node has: the host's and the process's. */
export const nodeName = (): string => `${hostname().replace(/[^A-Za-z0-9-]/g, "-")}-${process.pid}`

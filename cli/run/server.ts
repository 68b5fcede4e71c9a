// What a process connects to its NATS server with.
import { Duration, Effect, Layer } from "effect"
import { ServerUnsuitable } from "../../runtime/index.ts"
import {
  layerNats,
  layerNatsOutside,
  layerOperators,
  layerOperatorsOutside,
  NO_NODE,
  type SystemOptions
} from "../../runtime/nats/index.ts"
import type { Server } from "../../server/index.ts"
import type { Configuration } from "../config.ts"

/** A connection, and what talks to actors and runs them over it. */
export const connect = (config: Configuration, server: Server, name: string) =>
  layerNats(systemOf(config, server, name))

/** A connection, and what talks to actors over it: nodes store what it sends. */
export const connectClient = (config: Configuration, server: Server, name: string) =>
  layerNatsOutside(systemOf(config, server, name))

/** A connection, and what is done to a system over it with the rights of a node. */
export const connectOperators = (config: Configuration, server: Server) => layerOperators(operatorsOf(config, server))

/**
 * What people do to a system: through its nodes, with the rights that people have. Where no node is there, by itself, which takes the
 * rights of a node, or a server without users.
 */
export const connectPeople = (config: Configuration, server: Server) =>
  Layer.build(layerOperatorsOutside(operatorsOf(config, server))).pipe(
    Effect.catchTag("LogUnavailable", (error) =>
      error.detail === NO_NODE
        ? Effect.mapError(Layer.build(connectOperators(config, server)), alone)
        : Effect.fail(error)
    )
  )

const alone = (error: Error): Error =>
  /permissions violation/i.test(error.message)
    ? new ServerUnsuitable({
        detail: `no node is alive, and only nodes may do this: start one, or name the servers with the user of nodes (${error.message})`
      })
    : error

const operatorsOf = (config: Configuration, server: Server): SystemOptions =>
  // They store nothing that a server without its disk could lose.
  systemOf({ ...config, durability: "warn", natsMonitorUrl: undefined }, server, "operators")

const systemOf = (config: Configuration, server: Server, name: string): SystemOptions => ({
  url: server.url,
  inbox: config.natsInbox,
  monitorUrl: config.natsMonitorUrl,
  durability: config.durability,
  syncAlways: server.syncAlways,
  namespace: config.namespace,
  name: `conclave ${name}`,
  shards: config.shards,
  replicas: config.replicas,
  ttlSeconds: Math.ceil(Duration.toSeconds(config.leaseTtl)),
  eventSecondsMax: config.eventRetention.seconds,
  eventSecondsByKind: config.eventRetention.byKind
})

import { Layer } from "effect"
import type { Archive } from "../archive.ts"
import { Actors } from "../client.ts"
import type { Controls } from "../controls.ts"
import type { LogUnavailable, ReadError, ServerUnsuitable } from "../errors.ts"
import { layerEventLog } from "../events/layer.ts"
import type { EventLog } from "../events/log.ts"
import type { Leases } from "../leases.ts"
import { type ActorLog, ClientLog } from "../log.ts"
import { Operators } from "../operators.ts"
import { layerArchive } from "./archive.ts"
import { Nats, type NatsOptions } from "./connection.ts"
import { layerControls } from "./controls.ts"
import { layerDoors, layerRemoteEvents, layerRemoteOperators } from "./door/layer.ts"
import { layerRemoteLog } from "./door/remote-log.ts"
import { layerEventReads } from "./events.ts"
import { type LeaseOptions, layerLeases } from "./leases.ts"
import { type LogOptions, layerLog } from "./log.ts"

export interface SystemOptions extends NatsOptions, Partial<LogOptions>, Partial<LeaseOptions> {}

const DEFAULTS = {
  shards: 64,
  replicas: 1,
  eventSecondsMax: 7 * 24 * 3_600,
  reads: true,
  ttlSeconds: 5
} as const

/** What a process needs to talk to actors on one NATS server or cluster, and to store what it sends by itself. */
export const layerNatsClient = (options: SystemOptions): Layer.Layer<Actors | ActorLog, ServerUnsuitable | ReadError> =>
  clientOn({ ...options, reads: false }).pipe(Layer.provide(Nats.layer(options)))

/**
 * What a process needs to talk to actors that may not touch what is stored: nodes store what it sends. It needs the rights of a
 * gateway and no more, and cannot send while no node is there.
 */
export const layerNatsOutside = (options: NatsOptions): Layer.Layer<Actors | ClientLog, ServerUnsuitable | ReadError> =>
  Layer.fresh(Actors.layerOutside).pipe(
    Layer.provideMerge(Layer.fresh(layerRemoteLog)),
    Layer.provide(Nats.layer(options))
  )

/** What a process needs to talk to actors, and to run some. It also serves those who may not touch what is stored. */
export const layerNats = (
  options: SystemOptions
): Layer.Layer<Actors | ActorLog | ClientLog | Leases | Controls, ServerUnsuitable | ReadError> => {
  const given = { ...DEFAULTS, ...options }
  const ports = Layer.mergeAll(
    clientOn({ ...options, tellsRetention: true }),
    layerLeases(given),
    layerControls(given)
  ).pipe(Layer.provide(Nats.layer(options)))
  const doors = Layer.fresh(layerDoors).pipe(
    Layer.provide(Nats.layer({ ...options, name: `${options.name} doors`, secondary: true }))
  )
  return Layer.merge(Layer.fresh(ClientLog.inside), doors).pipe(Layer.provideMerge(ports))
}

/**
 * What a process needs to read events, over a connection of its own, so that reading delays nobody's mail: by itself or, `outside`,
 * through nodes where it may not.
 */
export const layerEvents = (
  options: NatsOptions & { readonly outside?: boolean }
): Layer.Layer<EventLog, ServerUnsuitable> =>
  layerEventLog.pipe(
    Layer.provide(Layer.fresh(options.outside === true ? layerRemoteEvents : layerEventReads)),
    Layer.provide(Nats.layer({ ...options, secondary: true }))
  )

/** What a process needs to look at a system and to hold parts of it, as people do. It runs no actors and asks none. */
export const layerOperators = (
  options: SystemOptions
): Layer.Layer<Operators | Archive | Controls, ServerUnsuitable | ReadError> => {
  const given = { ...DEFAULTS, ...options }
  // The archive first: it finds out whether there is such a namespace, which the others would make.
  const ports = Layer.mergeAll(layerControls(given), layerLeases(given), layerLog(given)).pipe(
    Layer.provideMerge(Layer.fresh(layerArchive))
  )
  return Layer.fresh(Operators.layer).pipe(Layer.provideMerge(ports), Layer.provide(Nats.layer(options)))
}

/** The same through nodes, with the rights of a viewer or an operator and no more. It fails where no node is there. */
export const layerOperatorsOutside = (
  options: NatsOptions
): Layer.Layer<Operators, ServerUnsuitable | LogUnavailable> =>
  Layer.fresh(layerRemoteOperators).pipe(Layer.provide(Nats.layer(options)))

const clientOn = (options: SystemOptions) =>
  // Fresh: layers are built once per reference, and two systems in one process must not share a client.
  Layer.fresh(Actors.layer).pipe(Layer.provideMerge(layerLog({ ...DEFAULTS, ...options })))

import { Layer } from "effect"
import type { Archive } from "../archive.ts"
import { Actors } from "../client.ts"
import type { Controls } from "../controls.ts"
import type { ReadError, ServerUnsuitable } from "../errors.ts"
import type { Leases } from "../leases.ts"
import type { ActorLog } from "../log.ts"
import { Operators } from "../operators.ts"
import { layerArchive } from "./archive.ts"
import { Nats, type NatsOptions } from "./connection.ts"
import { layerControls } from "./controls.ts"
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

/** What a process needs to talk to actors on one NATS server or cluster. It needs no right to journals or leases. */
export const layerNatsClient = (options: SystemOptions): Layer.Layer<Actors | ActorLog, ServerUnsuitable | ReadError> =>
  clientOn({ ...options, reads: false }).pipe(Layer.provide(Nats.layer(options)))

/** What a process needs to talk to actors, and to run some. */
export const layerNats = (
  options: SystemOptions
): Layer.Layer<Actors | ActorLog | Leases | Controls, ServerUnsuitable | ReadError> => {
  const given = { ...DEFAULTS, ...options }
  return Layer.mergeAll(clientOn({ ...options, tellsRetention: true }), layerLeases(given), layerControls(given)).pipe(
    Layer.provide(Nats.layer(options))
  )
}

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

const clientOn = (options: SystemOptions) =>
  // Fresh: layers are built once per reference, and two systems in one process must not share a client.
  Layer.fresh(Actors.layer).pipe(Layer.provideMerge(layerLog({ ...DEFAULTS, ...options })))

import { Layer } from "effect"
import { Actors } from "../client.ts"
import type { ReadError, ServerUnsuitable } from "../errors.ts"
import type { Leases } from "../leases.ts"
import type { ActorLog } from "../log.ts"
import { Nats, type NatsOptions } from "./connection.ts"
import { type LeaseOptions, layerLeases } from "./leases.ts"
import { type LogOptions, layerLog } from "./log.ts"

export interface SystemOptions extends NatsOptions, Partial<LogOptions>, Partial<LeaseOptions> {}

const DEFAULTS = {
  shards: 64,
  replicas: 1,
  eventSecondsMax: 7 * 24 * 3_600,
  ttlSeconds: 5
} as const

/** Everything a process needs to talk to actors, and to run some, on one NATS server or cluster. */
export const layerNats = (
  options: SystemOptions
): Layer.Layer<Actors | ActorLog | Leases, ServerUnsuitable | ReadError> => {
  const all = { ...DEFAULTS, ...options }
  // Fresh: layers are built once per reference, and two systems in one process must not share a client.
  return Layer.fresh(Actors.layer).pipe(
    Layer.provideMerge(Layer.merge(layerLog(all), layerLeases(all))),
    Layer.provide(Nats.layer(options))
  )
}

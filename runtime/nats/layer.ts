import { Effect, Layer } from "effect"
import { Actors } from "../client.ts"
import { Controls } from "../controls.ts"
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

/** What a process needs to talk to actors on one NATS server or cluster. It needs no right to journals or leases. */
export const layerNatsClient = (options: SystemOptions): Layer.Layer<Actors | ActorLog, ServerUnsuitable | ReadError> =>
  clientOn(options).pipe(Layer.provide(Nats.layer(options)))

/** What a process needs to talk to actors, and to run some. */
export const layerNats = (
  options: SystemOptions
): Layer.Layer<Actors | ActorLog | Leases | Controls, ServerUnsuitable | ReadError> =>
  Layer.mergeAll(clientOn(options), layerLeases({ ...DEFAULTS, ...options }), noControls).pipe(
    Layer.provide(Nats.layer(options))
  )

const noControls = Layer.succeed(Controls, {
  pause: () => Effect.succeed(true),
  resume: () => Effect.succeed(false),
  read: Effect.succeed({ all: [], of: () => undefined }),
  watch: () => Effect.void
})

const clientOn = (options: SystemOptions) =>
  // Fresh: layers are built once per reference, and two systems in one process must not share a client.
  Layer.fresh(Actors.layer).pipe(Layer.provideMerge(layerLog({ ...DEFAULTS, ...options })))

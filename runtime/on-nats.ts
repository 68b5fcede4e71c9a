// The layers on NATS by the names that programs import from here. What they stand on is loaded when they are built.
import { Effect, Layer } from "effect"
import type * as Nats from "./nats/index.ts"

const nats = Effect.promise(() => import("./nats/index.ts"))

/** As that of `runtime/nats/index.ts`. */
export const layerNats = (options: Nats.SystemOptions): ReturnType<typeof Nats.layerNats> =>
  Layer.unwrap(Effect.map(nats, (on) => on.layerNats(options)))

/** As that of `runtime/nats/index.ts`. */
export const layerNatsClient = (options: Nats.SystemOptions): ReturnType<typeof Nats.layerNatsClient> =>
  Layer.unwrap(Effect.map(nats, (on) => on.layerNatsClient(options)))

/** As that of `runtime/nats/index.ts`. */
export const layerNatsOutside = (options: Nats.NatsOptions): ReturnType<typeof Nats.layerNatsOutside> =>
  Layer.unwrap(Effect.map(nats, (on) => on.layerNatsOutside(options)))

/** As that of `runtime/nats/index.ts`. */
export const layerOperators = (options: Nats.SystemOptions): ReturnType<typeof Nats.layerOperators> =>
  Layer.unwrap(Effect.map(nats, (on) => on.layerOperators(options)))

/** As that of `runtime/nats/index.ts`. */
export const layerOperatorsOutside = (options: Nats.NatsOptions): ReturnType<typeof Nats.layerOperatorsOutside> =>
  Layer.unwrap(Effect.map(nats, (on) => on.layerOperatorsOutside(options)))

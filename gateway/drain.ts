import { Effect, FiberSet } from "effect"
import type { ConnectionRegistry } from "./connection-registry.ts"
import type { GatewayLimits } from "./policy.ts"
import { goingAway } from "./socket/close-frames.ts"
import type { Unauthenticated } from "./socket/unauthenticated.ts"
import type { Listening } from "./uws.ts"

/** How far a gateway has come that stops: it says that it is not ready, and a moment later takes nobody any more. */
export interface Phase {
  ready: boolean
  draining: boolean
}

export interface DrainOptions {
  readonly phase: Phase
  readonly limits: Pick<GatewayLimits, "graceMillis" | "drainMillis">
  readonly requests: FiberSet.FiberSet
  readonly registry: ConnectionRegistry
  readonly unauthenticated: Unauthenticated
}

// RFC 6455, section 7.4.1.
const GOING_AWAY = 1001
/** Another gateway is there at once, and this one soon; clients add a time of their own, so that not all come together. */
const RETRY_AFTER_MILLIS = 200

/**
 * Stops in this order: `/readyz` says no, and for `graceMillis` that is all, until those who send clients here have seen it; then
 * no connection is taken, requests get up to `drainMillis` to be answered, and clients are told when to come back.
 */
export const drain = (
  { phase, limits, requests, registry, unauthenticated }: DrainOptions,
  listening: Listening
): Effect.Effect<void> =>
  Effect.gen(function* () {
    phase.ready = false
    if (limits.graceMillis > 0) yield* Effect.sleep(limits.graceMillis)
    phase.draining = true
    listening.stop()
    yield* FiberSet.awaitEmpty(requests).pipe(Effect.timeoutOption(limits.drainMillis))
    yield* FiberSet.clear(requests)
    for (const connection of [...[...registry].map(({ connection }) => connection), ...unauthenticated]) {
      connection.leave(goingAway(RETRY_AFTER_MILLIS), GOING_AWAY, "the gateway is stopping")
    }
    yield* clientsGone(registry).pipe(Effect.timeoutOption(limits.drainMillis))
    yield* Effect.logInfo("gateway stopped")
  })

// A client that has read everything is gone as soon as it is told; the others need a moment.
const clientsGone = (registry: ConnectionRegistry): Effect.Effect<void> =>
  Effect.suspend(() =>
    registry.size === 0 ? Effect.void : Effect.sleep("10 millis").pipe(Effect.andThen(clientsGone(registry)))
  )

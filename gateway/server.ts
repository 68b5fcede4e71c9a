import { Context, Effect, FiberSet, Layer, type Scope } from "effect"
import type { Actors } from "../runtime/index.ts"
import { Census } from "./census.ts"
import type { EventLog } from "./events/log.ts"
import { makeFanout } from "./fanout.ts"
import { addRoutes } from "./http.ts"
import { addMetricsRoute } from "./metrics.ts"
import { defaultLimits, type GatewayLimits, type OriginPolicy } from "./policy.ts"
import { type ListenFailed, type Listening, listen, makeApp, type PortTaken } from "./uws.ts"
import { addSocketRoute } from "./websocket.ts"

export interface GatewayOptions {
  /** The address to listen on; 127.0.0.1 unless given. There is no authentication yet, so keep it on loopback. */
  readonly host?: string
  /** 0 takes any free port. */
  readonly port: number
  /** Origins of web pages elsewhere that may use the gateway; none unless given. */
  readonly allowedOrigins?: ReadonlyArray<string>
  /** What `/readyz` asks; always true unless given. */
  readonly ready?: Effect.Effect<boolean>
  /** Told by `/healthz`. */
  readonly version?: string
  readonly limits?: Partial<GatewayLimits>
}

/** The gateway as it listens. */
export class Gateway extends Context.Service<
  Gateway,
  { readonly host: string; readonly port: number; readonly url: string }
>()("conclave/gateway/Gateway") {
  /** The gateway for as long as the layer lives. See `serveGateway`. */
  static readonly layer = (options: GatewayOptions) => Layer.effect(this, serveGateway(options))
}

// RFC 6455, section 7.4.1.
const GOING_AWAY = 1001

/**
 * Serves WebSocket and HTTP until the scope closes.
 *
 * When it closes: no more connections are taken, requests under way get up to `drainMillis` to be answered, every client is
 * told (close code 1001), and the port is free once the scope is closed.
 *
 * @throws PortTaken, ListenFailed: with a sentence for people.
 */
export const serveGateway = (
  options: GatewayOptions
): Effect.Effect<Gateway["Service"], PortTaken | ListenFailed, Scope.Scope | EventLog | Actors> =>
  Effect.gen(function* () {
    const host = options.host ?? "127.0.0.1"
    const limits = { ...defaultLimits, ...options.limits }
    const origins: OriginPolicy = { host, allowedOrigins: options.allowedOrigins ?? [] }
    const fanout = yield* makeFanout()
    const app = yield* Effect.acquireRelease(Effect.sync(makeApp), (app) => Effect.sync(() => app.close()))
    const requests = yield* FiberSet.make()
    const census = new Census()
    const startedAt = performance.now()
    let draining = false

    addSocketRoute(app, {
      census,
      fanout,
      limits,
      origins,
      draining: () => draining,
      run: yield* FiberSet.runtime(yield* FiberSet.make<void>())()
    })
    addMetricsRoute(app, { census, status: fanout.status })
    addRoutes(app, {
      origins,
      bodyBytesMax: limits.bodyBytesMax,
      ready: Effect.suspend(() => (draining ? Effect.succeed(false) : (options.ready ?? Effect.succeed(true)))),
      run: yield* FiberSet.runtime(requests)<Actors>(),
      health: () => ({
        version: options.version ?? "unknown",
        uptime_seconds: Math.round((performance.now() - startedAt) / 1000),
        connections: census.size,
        ...fanout.status()
      })
    })

    const drain = (listening: Listening) =>
      Effect.gen(function* () {
        draining = true
        listening.stop()
        yield* FiberSet.awaitEmpty(requests).pipe(Effect.timeoutOption(limits.drainMillis))
        yield* FiberSet.clear(requests)
        for (const { connection } of census) connection.close(GOING_AWAY, "the gateway is stopping")
        yield* clientsGone(census).pipe(Effect.timeoutOption(limits.drainMillis))
        yield* Effect.logInfo("gateway stopped")
      })
    const { port } = yield* Effect.acquireRelease(listen(app, host, options.port), drain)
    const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`
    yield* Effect.logInfo("gateway listening").pipe(Effect.annotateLogs({ url }))
    return { host, port, url }
  })

// A client that has read everything is gone as soon as it is told; the others need a moment.
const clientsGone = (census: Census): Effect.Effect<void> =>
  Effect.suspend(() =>
    census.size === 0 ? Effect.void : Effect.sleep("10 millis").pipe(Effect.andThen(clientsGone(census)))
  )

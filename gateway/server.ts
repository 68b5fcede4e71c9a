import { Context, Effect, FiberSet, Layer, Schedule, type Scope } from "effect"
import { Actors, EventLog } from "../runtime/index.ts"
import { Buckets } from "./admission/bucket.ts"
import { SharedCosts } from "./admission/costs.ts"
import { Offences } from "./admission/offences.ts"
import { makeAuthenticator } from "./auth/authenticator.ts"
import type { Grant } from "./auth/grant.ts"
import { type AuthOptions, InvalidAuth } from "./auth/options.ts"
import { BodyRoom } from "./body.ts"
import { ConnectionRegistry } from "./connection-registry.ts"
import { drain, type Phase } from "./drain.ts"
import { socketsAllowed } from "./files.ts"
import { fresh } from "./fresh.ts"
import { addRest } from "./http/addresses.ts"
import { makeGate } from "./http/gate.ts"
import { addClientsRoute, addMetricsRoute, metricsText } from "./http/metrics.ts"
import { addOperations } from "./http/operations.ts"
import { addPages } from "./http/pages.ts"
import { Budgets } from "./operations/budget.ts"
import type { Caller } from "./operations/caller.ts"
import { GatewayState } from "./operations/gateway-state.ts"
import { Keys } from "./operations/keys.ts"
import { Quotas } from "./operations/quota.ts"
import { systemStatusOf } from "./operations/system.ts"
import { type TaskRunners, Tasks } from "./operations/tasks.ts"
import { defaultLimits, type GatewayLimits, isLoopback, limitNames, type OriginPolicy } from "./policy.ts"
import { NotReady, type Serving, type ServingOptions, watchServing } from "./serving.ts"
import { ask } from "./socket/asking.ts"
import type { Question } from "./socket/question.ts"
import { Unauthenticated } from "./socket/unauthenticated.ts"
import { addSocketRoute } from "./socket/websocket.ts"
import { countSockets, type Sockets } from "./sockets.ts"
import { addEventsRoute } from "./sse/sse.ts"
import { makeFanout } from "./streams/fanout.ts"
import { QueueMemory } from "./streams/queue-memory.ts"
import { type ListenFailed, listen, makeApp, type PortTaken, type TemplatedApp, type TlsFiles } from "./uws.ts"

export interface GatewayOptions {
  /** The address to listen on; 127.0.0.1 unless given. Any other needs `auth`. */
  readonly host?: string
  /** 0 takes any free port. */
  readonly port: number
  /** Origins of web pages elsewhere that may use the gateway; none unless given. */
  readonly allowedOrigins?: ReadonlyArray<string>
  /** Further names under which the gateway is reached, such as that of a proxy; none unless given. */
  readonly hosts?: ReadonlyArray<string>
  /** What `/readyz` asks; always ready unless given. */
  readonly ready?: Effect.Effect<void, NotReady>
  /**
   * Finds out whether actors answer: while none does, `/readyz` says no, and what is asked is refused at once. Nobody finds out
   * unless given.
   */
  readonly serving?: ServingOptions
  /** What runs tests of agents and simulated markets for clients; none are offered unless given. */
  readonly tasks?: TaskRunners
  /** Told by `/healthz`. */
  readonly version?: string
  readonly limits?: Partial<GatewayLimits>
  /** How clients prove who they are; whoever reaches the gateway may do everything unless given. */
  readonly auth?: AuthOptions
  /** Files of a certificate and its key in PEM: with them the gateway speaks TLS, and nothing else. */
  readonly tls?: TlsFiles
}

/** The gateway as it listens. */
export class Gateway extends Context.Service<
  Gateway,
  {
    readonly host: string
    readonly port: number
    readonly url: string
    /** Whether anybody who reaches it may do everything. */
    readonly open: boolean
    /** What `/metrics` shows. */
    readonly metrics: () => string
    /** How many are connected. */
    readonly clients: () => number
    /** What `/readyz` says. */
    readonly ready: Effect.Effect<void, NotReady>
  }
>()("conclave/gateway/Gateway") {
  /** The gateway for as long as the layer lives. See `serveGateway`. */
  static readonly layer = (options: GatewayOptions) => Layer.effect(this, serveGateway(options))
}

/**
 * Serves WebSocket and HTTP until the scope closes.
 *
 * When it closes: `/readyz` says no, `graceMillis` later no more connections are taken, requests under way get up to `drainMillis`
 * to be answered, every client is told when to come back (`going_away`, close code 1001), and the port is free once it is closed.
 *
 * @throws PortTaken, ListenFailed, InvalidAuth: with a sentence for people.
 */
export const serveGateway = (
  options: GatewayOptions
): Effect.Effect<Gateway["Service"], PortTaken | ListenFailed | InvalidAuth, Scope.Scope | EventLog | Actors> =>
  Effect.gen(function* () {
    const host = options.host ?? "127.0.0.1"
    const limits = { ...defaultLimits, ...options.limits }
    const { allowedOrigins = [], hosts = [] } = options
    const origins: OriginPolicy = { host, hosts, allowedOrigins }
    const authenticator = yield* makeAuthenticator(options.auth)
    if (!authenticator.required) yield* onlyLoopback(host)
    const fanout = yield* makeFanout(undefined, limits)
    const serving = options.serving && (yield* watchServing(options.serving))
    const actors = serving?.actors ?? (yield* Actors)
    const app = yield* Effect.acquireRelease(openApp(options.tls), (app) => Effect.sync(() => app.close()))
    const underWay = yield* FiberSet.make()
    const registry = new ConnectionRegistry()
    const bounds = boundsOf(limits)
    const startedAt = performance.now()
    const phase: Phase = { ready: true, draining: false }
    const draining = () => phase.draining

    const run = yield* FiberSet.runtime(yield* FiberSet.make<void>())()
    const callerOf = callersOf(limits, authenticator.required)
    const { bodyBytesMax, bodyBytesPerSecond } = limits
    const gate = makeGate({ authenticator, limits, origins, run, ...bounds })
    const sockets = yield* boundSockets(app, limits)
    const ready = readiness(phase, yield* fresh(options.ready ?? Effect.void, READY_MILLIS), serving)
    const events = yield* EventLog
    const uptimeSeconds = () => Math.round((performance.now() - startedAt) / 1000)
    const version = options.version ?? "unknown"
    const state = GatewayState.of({
      events: fanout,
      system: yield* systemStatusOf({ events, ready, uptimeSeconds, clients: () => registry.size }),
      tasks: new Tasks(options.tasks, yield* Effect.scope),
      ready,
      health: () => ({ version, uptime_seconds: uptimeSeconds(), connections: registry.size, ...fanout.status() })
    })
    const services = Context.make(Actors, actors).pipe(Context.add(GatewayState, state))
    const askFor = (question: Question) => Effect.provideContext(ask(callerOf, question), services)
    const shared = { registry, limits, origins, fanout, draining, ask: askFor, run, ...bounds }
    addSocketRoute(app, { ...shared, sockets, authenticator })
    addEventsRoute(app, { ...shared, gate })
    yield* checkClients(registry, limits)
    addPages(app, gate, origins)
    const counted = { registry, status: fanout.status }
    addMetricsRoute(app, counted, gate)
    addClientsRoute(app, registry, gate)
    addOperations(app, {
      gate,
      callerOf,
      origins,
      bodyBytesMax,
      bodyBytesPerSecond,
      bodyBytes: bounds.bodyBytes,
      run: yield* FiberSet.runtime(underWay)<Actors | GatewayState>().pipe(Effect.provideContext(services))
    })
    addRest(app, gate)

    const { port } = yield* Effect.acquireRelease(listen(app, host, options.port), (listening) =>
      drain({ phase, limits, requests: underWay, registry, unauthenticated: bounds.unauthenticated }, listening)
    )
    const url = `http${options.tls === undefined ? "" : "s"}://${host.includes(":") ? `[${host}]` : host}:${port}`
    yield* Effect.logInfo("gateway listening").pipe(Effect.annotateLogs({ url, open: !authenticator.required }))
    const clients = () => registry.size
    return { host, port, url, open: !authenticator.required, metrics: () => metricsText(counted), clients, ready }
  })

/** Who asks, as operations know it, by its token or key and by what names the operation. `told`: clients are told apart. */
const callersOf = (limits: GatewayLimits, told: boolean) => {
  const now = () => performance.now()
  const quotas = new Quotas(limits, now)
  const budgets = new Budgets(limits, now)
  const keys = new Keys(now)
  return (grant: Grant, key: string | undefined, address: string): Caller => {
    const { subject } = grant
    const known = told ? grant : undefined
    return {
      subject,
      grant: known,
      address,
      key,
      keys,
      quota: quotas.of(subject),
      budget: budgets.of(subject),
      analysisMillis: limits.analysisMillis
    }
  }
}

/** What keeps clients from taking more than their part. */
const boundsOf = (limits: GatewayLimits) => ({
  requests: new Buckets(limits.requestsPerSecond),
  strangers: new Buckets(limits.requestsPerSecond),
  handshakes: new Buckets(limits.handshakesPerSecond),
  bodyBytes: new Buckets(limits.bodyBytesPerSecond, Math.max(limits.bodyBytesPerSecond, limits.bodyBytesMax)),
  room: new BodyRoom(limits.bodiesBytesMax, limits.bodyMillis),
  queueMemory: new QueueMemory(limits.queueBytesMax),
  costs: new SharedCosts(limits),
  unauthenticated: new Unauthenticated(limits),
  offences: new Offences()
})

/** How long it is known that the log answers. */
const READY_MILLIS = 1_000
/** How many times a client is looked at in the time that it may take nothing. */
const CHECKS = 6

/** Looks at all clients now and then, until the scope closes. */
const checkClients = (registry: ConnectionRegistry, { stallMillis }: GatewayLimits) => {
  const check = Effect.sync(() => {
    for (const { connection } of [...registry]) connection.check()
  })
  return Effect.forkScoped(Effect.repeat(check, Schedule.spaced(stallMillis / CHECKS)))
}

/** Takes no more connections than there are files for, and says so at the start and when it happens. */
const boundSockets = (app: TemplatedApp, limits: GatewayLimits): Effect.Effect<Sockets> =>
  Effect.gen(function* () {
    const allowed = socketsAllowed()
    const max = Math.min(limits.socketsMax, allowed?.sockets ?? Number.POSITIVE_INFINITY)
    const needed = limits.connectionsMax + (allowed === undefined ? 0 : allowed.files - allowed.sockets)
    const remedy = `raise the limit of open files before the start (ulimit -n ${needed}), or lower ${limitNames.connectionsMax}`
    if (allowed !== undefined && allowed.sockets < limits.connectionsMax) {
      yield* Effect.logWarning("fewer open files are allowed than clients").pipe(
        Effect.annotateLogs({ files: allowed.files, clients: limits.connectionsMax, taken: allowed.sockets, remedy })
      )
    }
    const run = Effect.runForkWith(yield* Effect.context())
    const full = Effect.logWarning(
      "no more connections are taken: the files that the process may open are used up"
    ).pipe(Effect.annotateLogs({ connections: max, remedy }))
    return countSockets(app, max, () => run(full))
  })

/** Everything that has to be so before requests may come, in the order in which one thing is the cause of the next. */
const readiness = (phase: Phase, log: Effect.Effect<void, NotReady>, serving: Serving | undefined) =>
  Effect.gen(function* () {
    if (!phase.ready) return yield* new NotReady({ detail: "the gateway is stopping" })
    yield* log
    if (serving !== undefined) yield* serving.ready
  })

const onlyLoopback = (host: string): Effect.Effect<void, InvalidAuth> =>
  isLoopback(host)
    ? Effect.void
    : Effect.fail(
        new InvalidAuth({
          detail: `the gateway listens on loopback only, and not on ${host}, unless it knows its clients: set GATEWAY_JWT_SECRET, GATEWAY_JWT_PUBLIC_KEY, GATEWAY_JWKS or GATEWAY_KEYS`
        })
      )

const openApp = (tls: TlsFiles | undefined): Effect.Effect<TemplatedApp, InvalidAuth> =>
  Effect.mapError(
    makeApp(tls),
    () => new InvalidAuth({ detail: `the certificate ${tls?.certificate} and its key ${tls?.key} cannot be used` })
  )

// What a system is made of, and in which order it begins and ends.
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Deferred, Duration, Effect, Layer, Schedule, Scope } from "effect"
import { ACCOUNT_DEFAULTS, AHEAD_MILLIS, allActors, openModels, quantPolicy } from "../actors/index.ts"
import {
  Gateway,
  type NotReady,
  type ProgramOperations,
  programOperations,
  SERVING,
  statusProbe
} from "../gateway/index.ts"
import { Actors, ClientLog, EventLog, LocalNode, layerNode } from "../runtime/index.ts"
import { layerEvents, layerNats } from "../runtime/nats/index.ts"
import { closeParts, openServer, type Server } from "../server/index.ts"
import { type AgentSystemOptions, resolved } from "./options.ts"
import { analysisMillisOf, logReady } from "./readiness.ts"
import { SimulatedSymbols } from "./simulation.ts"
import { taskRunners } from "./tasks.ts"

type Resolved = Effect.Success<ReturnType<typeof resolved>>

/** A system as it runs. */
export interface Parts {
  readonly server: Server
  readonly actors: Actors["Service"]
  readonly events: EventLog["Service"]
  readonly gateway: Gateway["Service"] | undefined
  readonly operations: ProgramOperations
  /** Of which symbols markets are simulated, for programs and for clients. */
  readonly simulated: SimulatedSymbols
  /** Fails once the system cannot go on: its server has ended, or its node cannot hold what it holds. */
  readonly broken: Effect.Effect<never, Error>
}

const DATA_FOLDER = "./data"

/** Starts everything; when the scope closes the parts end in order, and their server after them. */
export const startParts = (options: AgentSystemOptions) =>
  Effect.gen(function* () {
    const given = yield* resolved(options)
    const { natsServer, temporary = false } = given
    const folder = temporary ? yield* temporaryFolder : (given.dataDir ?? DATA_FOLDER)
    const server = yield* openServer({ natsServer, temporary }, given.nats, folder)
    const scope = yield* Scope.make()
    const abandoned = yield* Deferred.make<void>()
    const leave = Effect.andThen(
      Effect.logWarning("not everything of the system stopped in order"),
      Deferred.succeed(abandoned, undefined)
    )
    yield* Effect.addFinalizer((exit) =>
      Effect.flatMap(closeParts(server, scope, exit), (inTime) => (inTime ? Effect.void : leave))
    )
    return yield* Scope.provide(startOn(server, given, Deferred.await(abandoned)), scope)
  })

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "conclave-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Of two systems in one process each has a name of its own. */
const nodeName = () =>
  `${hostname()
    .replace(/[^A-Za-z0-9-]/g, "-")
    .slice(0, 40)}-${process.pid}-${randomBytes(3).toString("hex")}`

const startOn = (
  server: Server,
  given: Resolved,
  abandoned: Effect.Effect<void>
): Effect.Effect<Parts, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const { namespace, roundTimeoutMs } = given
    const nats = { url: server.url, namespace, syncAlways: server.syncAlways, abandoned }
    const base = yield* Layer.build(layerNats({ ...nats, name: "conclave system" }))
    const node = yield* Layer.build(serveActors(given)).pipe(Effect.provide(base))
    const events = yield* Layer.build(layerEvents({ ...nats, name: "conclave system events" }))
    const reach = Context.merge(base, events)
    const ready = yield* Effect.provide(logReady(server), base)
    const analysisMillis = analysisMillisOf(roundTimeoutMs)
    const simulated = new SimulatedSymbols()
    const gateway = yield* Effect.provide(openGateway(given, ready, analysisMillis, simulated), reach)
    const operations = yield* Effect.provide(
      programOperations({
        ready,
        analysisMillis,
        gateway: gateway === undefined ? { status: "unknown" } : { status: "healthy" },
        clients: gateway?.clients ?? (() => 0)
      }),
      reach
    )
    if (server.storage !== undefined) yield* Effect.forkScoped(server.storage.watch(Context.get(base, ClientLog).check))
    return {
      server,
      actors: Context.get(base, Actors),
      events: Context.get(events, EventLog),
      gateway,
      operations,
      simulated,
      broken: Effect.raceFirst(server.gone, Context.get(node, LocalNode).broken)
    }
  })

const openGateway = (
  { gateway }: Resolved,
  ready: Effect.Effect<void, NotReady>,
  analysisMillis: number,
  simulated: SimulatedSymbols
) =>
  gateway === undefined
    ? Effect.succeed(undefined)
    : Effect.gen(function* () {
        const options = {
          tasks: taskRunners(yield* Actors, simulated),
          ...gateway,
          limits: { analysisMillis, ...gateway.limits },
          ready,
          serving: { ...SERVING, probe: statusProbe }
        }
        const opened = Context.get(yield* Layer.build(Gateway.layer(options)), Gateway)
        yield* untilReady(opened.ready)
        return opened
      })

const READY_AGAIN = Schedule.spaced("20 millis")
const READY_PATIENCE = "10 seconds"

/** Who is told that the system runs is not told by its gateway that it is not ready. What takes longer is no reason not to run. */
const untilReady = (ready: Effect.Effect<void, NotReady>) =>
  Effect.timeoutOrElse(Effect.retry(ready, READY_AGAIN), {
    duration: READY_PATIENCE,
    orElse: () =>
      Effect.catch(ready, ({ detail }) => Effect.logWarning(`the gateway is open and not ready yet: ${detail}`))
  }).pipe(Effect.orDie)

const serveActors = ({ panel, accounts, accountRules, models, roundTimeoutMs }: Resolved) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const actors = yield* Actors
      const access =
        models === undefined
          ? undefined
          : yield* openModels({ ...models, round: Duration.millis(roundTimeoutMs), actors })
      return layerNode({
        name: nodeName(),
        actors: allActors({
          policy: quantPolicy,
          ...(access === undefined ? {} : { agent: { models: access } }),
          ...(panel === undefined ? {} : { panel }),
          ...(accounts === undefined ? {} : { accounts }),
          portfolio: { rules: { ...ACCOUNT_DEFAULTS, ...accountRules } },
          aheadMillis: AHEAD_MILLIS,
          roundTimeoutMillis: roundTimeoutMs
        })
      })
    })
  )

// What the long tests have in common: a server whose power can be cut, processes on it, and how many actors answer.
import { join } from "node:path"
import { Clock, Effect, Exit, Layer, References, Schedule, Scope } from "effect"
import { Actors, type Operators } from "../../runtime/index.ts"
import { layerNatsClient, layerOperators } from "../../runtime/nats/index.ts"
import { embeddedNats } from "../../server/nats-server.ts"
import { temporaryFolder } from "./nats.ts"
import { startNode } from "./node-process.ts"

const NODE = new URL("./long-node.ts", import.meta.url).pathname

export const NAMESPACE = "long"

export interface DurableServer {
  readonly url: string
  /** Where it keeps its streams. */
  readonly store: string
  readonly stop: Effect.Effect<void>
  /** On its port and store. */
  readonly start: Effect.Effect<void>
  /** `kill -9`: it saves nothing. */
  readonly cut: Effect.Effect<void>
}

/** A server that can be stopped, lose its power, and be started again; it is gone with the scope. */
export const durableServer = (syncInterval = "always") =>
  Effect.gen(function* () {
    const dataDir = yield* temporaryFolder
    let life = yield* Scope.make()
    let pid = 0
    const launch = (port?: number) =>
      embeddedNats({ binary: process.env.NATS_SERVER, syncInterval, dataDir, port }).pipe(
        Effect.tap((server) => Effect.sync(() => (pid = server.pid))),
        Scope.provide(life)
      )
    const { url, port } = yield* launch()
    const stop = Effect.suspend(() => Scope.close(life, Exit.void))
    yield* Effect.addFinalizer(() => stop)
    const server: DurableServer = {
      url,
      store: join(dataDir, "nats", "store"),
      stop,
      start: Effect.gen(function* () {
        life = yield* Scope.make()
        yield* Effect.orDie(launch(port))
      }),
      cut: Effect.andThen(
        Effect.sync(() => process.kill(pid, "SIGKILL")),
        stop
      )
    }
    return server
  })

/** A node with a set of `long-actors.ts` as a process of its own. */
export const node = (url: string, name: string, set = "counter", nodeArgs: ReadonlyArray<string> = []) =>
  startNode(url, NAMESPACE, name, set, NODE, nodeArgs)

const quiet = Layer.succeed(References.MinimumLogLevel, "None")

/** Who asks and tells, without a node. */
export const client = (url: string) =>
  Layer.build(
    Layer.fresh(layerNatsClient({ url, namespace: NAMESPACE, name: "client" })).pipe(Layer.provide(quiet))
  ).pipe(Effect.flatMap((services) => Actors.pipe(Effect.provide(services))))

/** Does something as an operator. */
export const operate = <A, E>(url: string, use: Effect.Effect<A, E, Operators>) =>
  use.pipe(
    Effect.provide(
      layerOperators({ url, namespace: NAMESPACE, name: "operator" }).pipe(Layer.fresh, Layer.provide(quiet))
    )
  )

export const upTo = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index)

/** How many of so many succeed, all at once. */
export const countOf = <E, R>(count: number, each: (index: number) => Effect.Effect<unknown, E, R>) =>
  Effect.map(
    Effect.forEach(upTo(count), (index) => Effect.isSuccess(each(index)), { concurrency: "unbounded" }),
    (all) => all.filter((one) => one).length
  )

/** Looks again until all of so many succeed, or it took too long; gives how many did the last time. */
export const allOf = <E, R>(count: number, seconds: number, each: (index: number) => Effect.Effect<unknown, E, R>) =>
  Effect.gen(function* () {
    let last = 0
    yield* countOf(count, each).pipe(
      Effect.tap((found) => Effect.sync(() => (last = found))),
      Effect.repeat({ until: (found) => found === count, schedule: Schedule.spaced("1 second") }),
      Effect.timeoutOption(seconds * 1_000)
    )
    return last
  })

/** Runs on the real clock, in a scope of its own. */
export const real = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  effect.pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))

const started = performance.now()

/** What a test saw, for who reads the log of a run. */
export const saw = (text: string): Effect.Effect<void> =>
  Effect.sync(() => console.log(`    ${((performance.now() - started) / 1_000).toFixed(1)} s  ${text}`))

// What goes wrong in the chaos test: nodes and servers killed, stopped and started, one fault after the other, by a seed.
import { Effect, Exit, Option, Schedule, Scope } from "effect"
import { CHAOS_TTL_SECONDS } from "./chaos-load.ts"
import type { NatsCluster } from "./nats-cluster.ts"
import { isStoreAck, type NatsProxy, type Passing } from "./nats-proxy.ts"
import { type NodeProcess, startNode } from "./node-process.ts"

const NODES = 3
/** How long a server that is well may take to follow all streams again. */
const RECOVERY = "25 seconds"
const MAIN = new URL("./chaos-node.ts", import.meta.url).pathname

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A place for a node: one process after the other runs there, each under a name of its own. */
interface Berth {
  process: NodeProcess
  scope: Scope.Closeable
}

const NONE: Record<Kind, number> = {
  "node killed": 0,
  "node paused": 0,
  "leader killed": 0,
  "leader paused": 0,
  "server killed": 0,
  "answers lost": 0,
  "connections cut": 0
}

export interface Faults {
  /** One fault, chosen by chance, from its beginning to its end. Says what it is as it begins. */
  readonly next: Effect.Effect<void, Error>
  /** What happened so far. */
  readonly counts: Readonly<Record<Kind, number>>
  /** What the nodes that run now have printed. */
  readonly outputs: () => ReadonlyArray<string>
}

export type Kind =
  | "node killed"
  | "node paused"
  | "leader killed"
  | "leader paused"
  | "server killed"
  | "answers lost"
  | "connections cut"

const KINDS: ReadonlyArray<Kind> = [
  "node killed",
  "node killed",
  "node killed",
  "node paused",
  "node paused",
  "leader killed",
  "leader killed",
  "leader paused",
  "server killed",
  "answers lost",
  "answers lost",
  "connections cut"
]

/** Starts the nodes, whose processes end with the scope, and gives what can go wrong with them and with the cluster. */
export const makeFaults = (options: {
  readonly cluster: NatsCluster
  /** The ways that nodes and senders take to the servers, and their addresses. */
  readonly ways: ReadonlyArray<NatsProxy>
  readonly url: string
  readonly namespace: string
  readonly random: () => number
  readonly say: (line: string) => Effect.Effect<void>
}): Effect.Effect<Faults, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const { cluster, namespace, random, say } = options
    let started = 0
    const start = Effect.gen(function* () {
      const scope = yield* Scope.make()
      const process = yield* Effect.suspend(() =>
        startNode(options.url, namespace, `node-${++started}`, "chaos", MAIN)
      ).pipe(
        Scope.provide(scope),
        // A node that starts while the cluster has no leader may give up; whoever runs it starts it again.
        Effect.tapError((error) => say(`a node did not start: ${error.message.split("\n").slice(0, 3).join(" ")}`)),
        Effect.retry(Schedule.spaced("1 second").pipe(Schedule.upTo({ times: 20 })))
      )
      return { process, scope }
    })
    const berths: ReadonlyArray<Berth> = yield* Effect.forEach(Array.from({ length: NODES }), () => start, {
      concurrency: NODES
    })
    yield* Effect.addFinalizer(() => Effect.forEach(berths, ({ scope }) => Scope.close(scope, Exit.void)))

    const { pick, wait } = chance(random)
    const counts = { ...NONE }
    const faults = faultsOn({ cluster, ways: options.ways, stream: namespace.toUpperCase(), berths, start, random })
    return {
      counts,
      outputs: () => berths.map(({ process }) => process.output()),
      next: Effect.suspend(() => {
        const kind = pick(KINDS)
        counts[kind]++
        return Effect.andThen(say(kind), faults[kind]).pipe(Effect.andThen(wait(0.5, 3)))
      })
    }
  })

const chance = (random: () => number) => ({
  pick: <A>(from: ReadonlyArray<A>): A => from[Math.floor(random() * from.length)]!,
  /** So many seconds. */
  wait: (low: number, high: number) => Effect.suspend(() => Effect.sleep((low + random() * (high - low)) * 1_000))
})

const faultsOn = (options: {
  readonly cluster: NatsCluster
  readonly ways: ReadonlyArray<NatsProxy>
  readonly stream: string
  readonly berths: ReadonlyArray<Berth>
  readonly start: Effect.Effect<Berth, Error>
  readonly random: () => number
}): Record<Kind, Effect.Effect<void, Error>> => {
  const { cluster, berths, start } = options
  const { pick, wait } = chance(options.random)
  const leader = cluster.leaderOf(options.stream)
  const signal = (berth: Berth, name: NodeJS.Signals) => Effect.sync(() => void process.kill(berth.process.pid, name))
  const killNode = Effect.gen(function* () {
    const berth = pick(berths)
    yield* berth.process.kill
    yield* Scope.close(berth.scope, Exit.void)
    yield* wait(0, 1.5 * CHAOS_TTL_SECONDS)
    Object.assign(berth, yield* start)
  })
  const pauseNode = Effect.gen(function* () {
    const berth = pick(berths)
    yield* signal(berth, "SIGSTOP")
    yield* Effect.ensuring(wait(CHAOS_TTL_SECONDS + 0.5, 2 * CHAOS_TTL_SECONDS + 1), signal(berth, "SIGCONT"))
  })
  /**
   * nats-server 2.15.1 may come back without following a stream ("monitor goroutine not running") and stay so: an operator, who
   * sees it in /healthz, starts it again.
   */
  const recovered = (server: NatsCluster["servers"][number]) =>
    Effect.timeoutOption(server.healthy, RECOVERY).pipe(
      Effect.flatMap(
        Option.match({
          onSome: () => Effect.void,
          onNone: () => Effect.andThen(Effect.andThen(server.kill, server.start), server.healthy)
        })
      )
    )
  const killServer = (server: NatsCluster["servers"][number]) =>
    Effect.gen(function* () {
      yield* server.kill
      yield* wait(0.5, 4)
      yield* server.start
      yield* recovered(server)
    })
  return {
    "node killed": killNode,
    "node paused": pauseNode,
    "leader killed": Effect.flatMap(leader, killServer),
    "leader paused": Effect.flatMap(leader, (server) =>
      Effect.andThen(server.pause, Effect.ensuring(wait(0.5, 7), server.resume)).pipe(Effect.andThen(recovered(server)))
    ),
    "answers lost": Effect.gen(function* () {
      const share = 0.1 + 0.4 * options.random()
      const lost = (message: Passing) => isStoreAck(options.stream, message) && options.random() < share
      for (const way of options.ways) way.swallow(lost)
      yield* wait(0.5, 2)
      for (const way of options.ways) way.swallow(() => false)
    }),
    "connections cut": Effect.sync(() => pick(options.ways).cut()),
    "server killed": Effect.suspend(() => killServer(pick(cluster.servers)))
  }
}

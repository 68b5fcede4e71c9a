import { Clock, Context, Effect, Layer, type Scope } from "effect"
import { type Actor, Actors, Leases, layerNode, type Membership, type NodeOptions } from "../runtime/index.ts"
import { layerNats } from "../runtime/nats/index.ts"
import { CounterProtocol, counter } from "../test/support/counter.ts"
import { board, longPage, page, voter } from "./actors.ts"
import { type NodeProcess, startNode } from "./node-process.ts"
import { mustBe } from "./report.ts"

/** Where the work is done: in this process, or in so many of their own. */
export type Nodes = "here" | number

export interface SystemOptions {
  readonly url: string
  /** One in this process, or so many in processes of their own. */
  readonly nodes: Nodes
  /** How the node in this process is to be. */
  readonly node?: Pick<NodeOptions, "passivateAfter" | "sweepEvery">
  readonly ttlSeconds?: number
}

/** Nodes with the actors that are measured, in a namespace of their own, and a client in this process. */
export interface System {
  readonly actors: Actors["Service"]
  readonly namespace: string
  /** Starts a node with this name. */
  readonly start: (name: string) => Effect.Effect<NodeProcess, never, Scope.Scope>
  /** Waits until all shards are held, by these nodes and in halfway equal parts. */
  readonly settled: (nodes: ReadonlyArray<string>) => Effect.Effect<void>
}

const ACTORS: ReadonlyArray<Actor> = [counter, board, voter, page, longPage]
const SHARDS = 64
/** How many tells wait for their confirmation at one time. */
const TELLS_AT_ONCE = 4_000
const ASKS_AT_ONCE = 500
/** How many actors are asked to learn that what was told before is done. */
const LAST = 128

let namespaces = 0

export const openSystem = (options: SystemOptions): Effect.Effect<System, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const { url, nodes, ttlSeconds = 5 } = options
    const namespace = `bench${process.pid}x${++namespaces}`
    const nats = layerNats({ url, namespace, name: "bench", ttlSeconds })
    const node = layerNode({ name: "here", actors: ACTORS, ...options.node })
    const services = yield* Layer.build(nodes === "here" ? Layer.provideMerge(node, nats) : nats)
    const start = (name: string) => startNode({ url, namespace, name, ttlSeconds })
    const names = nodes === "here" ? [] : range(nodes).map((index) => `node${index}`)
    yield* Effect.forEach(names, start, { concurrency: "unbounded" })
    const settled = yield* followShards(Context.get(services, Leases))
    if (nodes !== 0) yield* settled(nodes === "here" ? ["here"] : names)
    return { actors: Context.get(services, Actors), namespace, start, settled }
  })

const followShards = Effect.fnUntraced(function* (leases: Leases["Service"]) {
  let latest: Membership | undefined
  yield* leases.watch((membership) => {
    latest = membership
  })
  const areSettled = (nodes: ReadonlyArray<string>) => {
    const holders = [...(latest?.holders.values() ?? [])]
    const fair = SHARDS / nodes.length / 2
    return (
      holders.length === SHARDS && nodes.every((node) => holders.filter((holder) => holder === node).length >= fair)
    )
  }
  return (nodes: ReadonlyArray<string>): Effect.Effect<void> =>
    Effect.sleep("50 millis").pipe(
      Effect.repeat({ until: () => areSettled(nodes) }),
      // The last to move has to be read from its new owner.
      Effect.andThen(Effect.sleep("300 millis"))
    )
})

/** Tells `count` counters in turn, and waits until what was told is committed. */
export const tellAll = (actors: Actors["Service"], keys: number, count: number): Effect.Effect<void, unknown> =>
  Effect.forEach(range(count), (index) => actors.tell(CounterProtocol, `k${index % keys}`, "Add", { n: 1 }), {
    concurrency: TELLS_AT_ONCE,
    discard: true
  }).pipe(
    // Commits leave in the order in which their steps were ready: when these are answered, what came before is stored.
    Effect.andThen(
      Effect.forEach(
        range(Math.min(keys, LAST)),
        (index) => actors.ask(CounterProtocol, `k${(count - 1 - index) % keys}`, "Add", { n: 0 }),
        { concurrency: LAST, discard: true }
      )
    )
  )

/** Dies unless the counters add up to what they were told. */
export const verifyCounts = (actors: Actors["Service"], keys: number, total: number): Effect.Effect<void, unknown> =>
  Effect.forEach(range(keys), (index) => actors.ask(CounterProtocol, `k${index}`, "Get", {}), {
    concurrency: ASKS_AT_ONCE
  }).pipe(Effect.flatMap((counts) => mustBe("tells counted", sum(counts), total)))

/** How long an effect takes, in milliseconds. */
export const measured = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const start = clock.monotonicTimeNanosUnsafe()
    yield* effect
    return Number(clock.monotonicTimeNanosUnsafe() - start) / 1e6
  })

export const sum = (values: ReadonlyArray<number>): number => values.reduce((all, value) => all + value, 0)

export const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index)

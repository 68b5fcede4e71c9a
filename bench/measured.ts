import { Clock, Effect, Layer } from "effect"
import { Actors, layerNats, layerNode } from "../runtime/index.ts"
import { CounterProtocol, counter } from "../test/support/counter.ts"

export interface Measured {
  /** Tells `count` actors in turn, and waits until the last of what was told is committed. */
  readonly tellAll: (keys: number, count: number) => Effect.Effect<void, unknown>
  /** Asks one after the other. Gives milliseconds each. */
  readonly askEach: (count: number) => Effect.Effect<ReadonlyArray<number>, unknown>
  /** Dies unless the counts of all actors add up to what was told. */
  readonly verify: (keys: number, total: number) => Effect.Effect<void, unknown>
}

/** How many tells wait for their confirmation at one time. */
const TELLS_AT_ONCE = 4_000
const ASKS_AT_ONCE = 500
const ASKS_FIRST = 200

let namespaces = 0

/** A node with counting actors in a namespace of its own, and a client, both in this process. */
export const withActors = <A, E>(url: string, use: (measured: Measured) => Effect.Effect<A, E>) =>
  Effect.suspend(() => {
    const nats = layerNats({ url, namespace: `bench${process.pid}x${++namespaces}`, name: "bench" })
    const node = layerNode({ name: "bench", actors: [counter] }).pipe(Layer.provideMerge(nats))
    return Actors.use((actors) => use(makeMeasured(actors))).pipe(Effect.provide(node))
  })

const makeMeasured = (actors: Actors["Service"]): Measured => ({
  tellAll: (keys, count) =>
    Effect.forEach(range(count), (index) => actors.tell(CounterProtocol, `k${index % keys}`, "Add", { n: 1 }), {
      concurrency: TELLS_AT_ONCE,
      discard: true
    }).pipe(
      // Commits leave in the order in which their steps were ready: when these are answered, all before them are stored.
      Effect.andThen(
        Effect.forEach(range(32), (index) => actors.ask(CounterProtocol, `k${keys - 1 - index}`, "Add", { n: 0 }), {
          concurrency: 32,
          discard: true
        })
      )
    ),
  askEach: (count) =>
    Effect.gen(function* () {
      // A node that has just started is still taking its shards.
      yield* Effect.forEach(range(ASKS_FIRST), () => actors.ask(CounterProtocol, "ask", "Add", { n: 1 }))
      yield* Effect.sleep("1 second")
      return yield* Effect.forEach(range(count), () => measured(actors.ask(CounterProtocol, "ask", "Add", { n: 1 })))
    }),
  verify: (keys, total) =>
    Effect.forEach(range(keys), (index) => actors.ask(CounterProtocol, `k${index}`, "Get", {}), {
      concurrency: ASKS_AT_ONCE
    }).pipe(
      Effect.flatMap((counts) => {
        const sum = counts.reduce((all, count) => all + count, 0)
        return sum === total ? Effect.void : Effect.die(new Error(`counted ${sum} of ${total} tells`))
      })
    )
})

/** How long an effect takes, in milliseconds. */
export const measured = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const start = clock.monotonicTimeNanosUnsafe()
    yield* effect
    return Number(clock.monotonicTimeNanosUnsafe() - start) / 1e6
  })

const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index)

import { cpSync, rmSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Layer, Logger, Scope } from "effect"
import { ActorLog, Actors, layerNode } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { embeddedNats } from "../../server/nats-server.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { counting } from "../support/counting.ts"
import { manage } from "../support/manage.ts"
import { temporaryFolder } from "../support/nats.ts"

const NAMESPACE = "precious"
const STREAM = "PRECIOUS"

/** A node with its client on a server that can be stopped, its store changed by hand, and started again. */
const onStore = <A, E>(
  test: (given: {
    readonly url: string
    readonly store: string
    readonly errors: ReadonlyArray<string>
    readonly stop: Effect.Effect<void>
    readonly start: Effect.Effect<void>
    /** Ends the node and the client, as if their process ended. */
    readonly end: Effect.Effect<void>
    /** Another process like it. */
    readonly again: Effect.Effect<Actors["Service"], unknown, Scope.Scope>
  }) => Effect.Effect<A, E, Actors | ActorLog | Scope.Scope>
) =>
  Effect.gen(function* () {
    const dataDir = yield* temporaryFolder
    let scope = yield* Scope.make()
    const launch = (port?: number) =>
      Effect.suspend(() =>
        embeddedNats({ binary: process.env.NATS_SERVER, syncInterval: "2m", dataDir, port }).pipe(Scope.provide(scope))
      )
    const { url, port } = yield* launch()
    yield* Effect.addFinalizer(() => Effect.suspend(() => Scope.close(scope, Exit.void)))
    const errors: Array<string> = []
    const capture = Logger.layer([
      Logger.make(({ logLevel, message }) => {
        if (logLevel === "Error") errors.push(JSON.stringify(message))
      })
    ])
    const open = () =>
      Layer.build(
        Layer.fresh(
          Layer.provideMerge(
            layerNode({ name: "node", actors: [counter] }),
            layerNats({ url, namespace: NAMESPACE, name: "node", ttlSeconds: 1, shards: 8 })
          ).pipe(Layer.provide(capture))
        )
      )
    const first = yield* Scope.make()
    const services = yield* open().pipe(Scope.provide(first))
    const end = Effect.suspend(() => Scope.close(first, Exit.void))
    yield* Effect.addFinalizer(() => end)
    return yield* test({
      url,
      store: join(dataDir, "nats", "store"),
      errors,
      stop: Effect.suspend(() => Scope.close(scope, Exit.void)),
      start: Effect.gen(function* () {
        scope = yield* Scope.make()
        yield* Effect.orDie(launch(port))
      }),
      end,
      again: Effect.suspend(open).pipe(Effect.flatMap((other) => Actors.pipe(Effect.provide(other))))
    }).pipe(Effect.provide(services))
  }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))

const complaint = Effect.gen(function* () {
  const log = yield* ActorLog
  const error = yield* Effect.flip(log.check)
  return `${error._tag}: ${error.detail}`
})

const isThere = (url: string) =>
  manage(url, async (manager) => {
    const names = []
    for await (const name of manager.streams.names()) names.push(name)
    return names.includes(STREAM)
  })

describe("a stream that an operator deletes while nodes run", () => {
  it.live(
    "is said to be gone, once, and is not made anew; restored as it was last seen, all goes on by itself",
    () =>
      onStore(({ url, store, errors, stop, start }) =>
        Effect.gen(function* () {
          const counters = counting(10)
          yield* counters.ask(100)
          yield* counters.verify
          yield* stop
          cpSync(store, `${store}-backup`, { recursive: true })
          yield* start
          yield* Effect.sleep("1 second")

          yield* manage(url, (manager) => manager.streams.delete(STREAM))
          assert.include(yield* complaint, `LogReplaced: the stream ${STREAM} was deleted: stop all processes`)
          const refused = yield* Effect.flip((yield* Actors).tell(CounterProtocol, "any", "Add", { n: 1 }))
          assert.strictEqual(refused._tag, "LogReplaced")
          yield* Effect.sleep("5 seconds")
          assert.isFalse(yield* isThere(url), "nobody makes it anew")
          const said = errors.filter((line) => line.includes(`the stream ${STREAM} was deleted`))
          assert.strictEqual(said.length, 1)

          yield* stop
          rmSync(store, { recursive: true })
          cpSync(`${store}-backup`, store, { recursive: true })
          yield* start
          yield* ActorLog.use((log) => log.check).pipe(Effect.eventually, Effect.timeout("10 seconds"))
          yield* counters.ask(50)
          yield* counters.verify
          yield* ActorLog.use((log) => log.check)
        })
      ),
    60_000
  )

  it.live(
    "and that another process makes anew is not the one that this process knows: it stores nothing until all are restarted",
    () =>
      onStore(({ url, errors, again }) =>
        Effect.gen(function* () {
          yield* counting(10).ask(20)
          yield* manage(url, (manager) => manager.streams.delete(STREAM))
          const actors = yield* again
          assert.strictEqual(
            yield* complaint,
            `LogReplaced: the stream ${STREAM} is not the one that this process started with: stop all processes, then start them`
          )
          const refused = yield* Effect.flip((yield* Actors).tell(CounterProtocol, "fresh", "Add", { n: 1 }))
          assert.strictEqual(refused._tag, "LogReplaced")
          yield* Effect.sleep("3 seconds")
          assert.isTrue(errors.some((line) => line.includes("stop all processes, then start them")))
          // The node that knows it has left its shards to the other.
          assert.strictEqual(yield* actors.ask(CounterProtocol, "fresh", "Add", { n: 3 }, { timeout: "20 seconds" }), 3)
        })
      ),
    60_000
  )

  it.live(
    "and restores from an older backup: who knows the later one stores nothing, and what others store then is not lost",
    () =>
      onStore(({ url, store, stop, start, again }) =>
        Effect.gen(function* () {
          const last = manage(url, async (manager) => (await manager.streams.info(STREAM)).state.last_seq)
          yield* counting(10).ask(20)
          yield* stop
          cpSync(store, `${store}-backup`, { recursive: true })
          yield* start
          yield* counting(10).ask(20)
          const before = yield* last
          yield* stop
          rmSync(store, { recursive: true })
          cpSync(`${store}-backup`, store, { recursive: true })
          yield* start
          const refused = yield* Effect.flip((yield* Actors).tell(CounterProtocol, "late0", "Add", { n: 1 }))
          assert.strictEqual(refused._tag, "LogReplaced")

          const actors = yield* again
          const late = Array.from({ length: 10 }, (_, index) => `late${index}`)
          const told = late.flatMap((key) => [key, key, key, key, key, key])
          // Their sequences are those up to which the first node had done all mail.
          yield* Effect.forEach(told, (key) => actors.tell(CounterProtocol, key, "Add", { n: 1 }), { concurrency: 10 })
          yield* Effect.sleep("3 seconds")
          const counts = yield* Effect.forEach(
            late,
            (key) => actors.ask(CounterProtocol, key, "Get", {}, { timeout: "20 seconds" }),
            { concurrency: 10 }
          )
          assert.deepStrictEqual(
            counts,
            late.map(() => 6)
          )
          assert.isAbove(yield* last, before, "the stream has grown beyond what it was")
          const still = yield* Effect.flip((yield* Actors).tell(CounterProtocol, "late0", "Add", { n: 1 }))
          assert.strictEqual(still._tag, "LogReplaced")
        })
      ),
    60_000
  )

  it.live(
    "is begun anew by processes that are restarted",
    () =>
      Effect.scoped(
        onStore(({ url, end, again }) =>
          Effect.gen(function* () {
            yield* counting(10).ask(20)
            yield* manage(url, (manager) => manager.streams.delete(STREAM))
            yield* end
            const actors = yield* again
            assert.strictEqual(
              yield* actors.ask(CounterProtocol, "fresh", "Add", { n: 3 }, { timeout: "20 seconds" }),
              3
            )
          })
        )
      ),
    60_000
  )
})

describe("a stream on which an operator sets a limit while nodes run", () => {
  it.live("is no longer said to be well", () =>
    onStore(({ url }) =>
      Effect.gen(function* () {
        yield* ActorLog.use((log) => log.check)
        yield* manage(url, (manager) => manager.streams.update(STREAM, { max_bytes: 50_000_000 }))
        assert.include(yield* complaint, `the stream ${STREAM} has max_bytes=50000000`)
        yield* manage(url, (manager) => manager.streams.update(STREAM, { max_bytes: -1 }))
        yield* ActorLog.use((log) => log.check)
      })
    )
  )
})

import { assert, describe, it, layer } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Clock, Effect, Layer, Schedule } from "effect"
import { Controls, type Pause, type Pauses, type Target } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { cuttable, killableServer } from "../support/broken.ts"
import { NatsServer, natsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

const EVERYTHING: Target = { kind: "everything" }
const ofType = (type: string): Target => ({ kind: "type", type })
const one = (type: string, id: string): Target => ({ kind: "actor", address: { type, id } })
const because = (target: Target, cause = "test", since = 1): Pause => ({ target, by: "operator", cause, since })

layer(NatsServer.layer, { excludeTestServices: true })("controls", (it) => {
  it.effect("pause once and resume once, whoever asks", () =>
    Effect.gen(function* () {
      const controls = yield* Controls
      const pauses = Array.from({ length: 10 }, (_, index) => controls.pause(because(ofType("a"), `try ${index}`)))
      const made = yield* Effect.all(pauses, { concurrency: 10 })
      assert.strictEqual(made.filter(Boolean).length, 1)
      const { all } = yield* controls.read
      assert.deepStrictEqual(
        all.map(({ cause }) => cause),
        [`try ${made.indexOf(true)}`]
      )
      const resumed = yield* Effect.all(
        Array.from({ length: 10 }, () => controls.resume(ofType("a"))),
        { concurrency: 10 }
      )
      assert.strictEqual(resumed.filter(Boolean).length, 1)
      assert.deepStrictEqual((yield* controls.read).all, [])
      assert.isTrue(yield* controls.pause(because(ofType("a"), "again")))
    }).pipe(Effect.provide(client({ namespace: "once" })))
  )

  it.effect("keep actors with odd ids apart, for another process too", () =>
    Effect.gen(function* () {
      const ids = ["a", "A", "漢字", "a/b:c#d@e", "$JS", "é\u0301", "😀".repeat(60), "x".repeat(128), "type", "-_="]
      const controls = yield* Controls
      for (const id of ids) assert.isTrue(yield* controls.pause(because(one("counter", id), id)), id)
      const other = yield* Layer.build(Layer.fresh(client({ namespace: "odd" })))
      const pauses = yield* Controls.use(({ read }) => read).pipe(Effect.provide(other))
      for (const id of ids) assert.strictEqual(pauses.of({ type: "counter", id })?.cause, id)
      assert.isUndefined(pauses.of({ type: "counter", id: "b" }))
      assert.isUndefined(pauses.of({ type: "other", id: "a" }))
      for (const id of ids) assert.isTrue(yield* controls.resume(one("counter", id)), id)
      assert.deepStrictEqual((yield* controls.read).all, [])
    }).pipe(Effect.provide(client({ namespace: "odd" })), Effect.scoped)
  )

  it.effect("name the widest pause that holds an actor, and give them in the order in which they were made", () =>
    Effect.gen(function* () {
      const controls = yield* Controls
      const address = { type: "a", id: "b", role: "gpu" }
      const holding = Effect.map(controls.read, (pauses) => pauses.of(address)?.cause)
      yield* controls.pause(because(one("a", "b"), "actor", 3))
      assert.strictEqual(yield* holding, "actor")
      yield* controls.pause(because(ofType("a"), "type", 2))
      yield* controls.pause(because(ofType("ab"), "another", 4))
      assert.strictEqual(yield* holding, "type")
      yield* controls.pause(because(EVERYTHING, "everything", 1))
      assert.strictEqual(yield* holding, "everything")
      const { all } = yield* controls.read
      assert.deepStrictEqual(
        all.map(({ cause }) => cause),
        ["everything", "type", "actor", "another"]
      )
      yield* controls.resume(EVERYTHING)
      yield* controls.resume(ofType("a"))
      assert.strictEqual(yield* holding, "actor")
    }).pipe(Effect.provide(client({ namespace: "widest" })))
  )

  it.effect("hold what a key names whose value cannot be read, and ignore keys that name nothing", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const controls = yield* Controls
      yield* Effect.promise(async () => {
        const connection = await connect({ servers: url })
        for (const key of ["type.a", "rubbish", "actor.b.!", "actor.B.YQ", "type"]) {
          connection.publish(`$KV.BYHAND_CONTROLS.${key}`, "now!")
        }
        await connection.drain()
      })
      const { all, of } = yield* controls.read
      assert.deepStrictEqual(
        all.map(({ target }) => target),
        [ofType("a")]
      )
      assert.isDefined(of({ type: "a", id: "x" }))
      assert.isTrue(yield* controls.resume(ofType("a")))
    }).pipe(Effect.provide(client({ namespace: "byhand" })))
  )
})

describe("who watches the controls", () => {
  it.live(
    "sees them at once and after every change, also of a server that was killed and started again",
    () =>
      Effect.gen(function* () {
        const { url, killAndStart } = yield* killableServer
        const system = layerNats({ url, namespace: "watched", name: "test", ttlSeconds: 1, shards: 8 })
        yield* Effect.gen(function* () {
          const controls = yield* Controls
          const { seen, seenBecomes } = watching()
          yield* controls.watch((pauses) => seen.push(pauses))
          assert.deepStrictEqual(seen.at(0)?.all, [], "it is told of nothing, too, before anything happens")
          yield* controls.pause(because(ofType("a")))
          yield* seenBecomes("a")
          yield* killAndStart
          yield* persistently(controls.pause(because(ofType("b"), "", 2)))
          yield* seenBecomes("a", "b")
          yield* controls.resume(ofType("a"))
          yield* seenBecomes("b")
          const late = watching()
          yield* controls.watch((pauses) => late.seen.push(pauses))
          assert.strictEqual(typesOf(late.seen.at(0)), "b")
          assert.isTrue(late.seen.every(({ all }) => all.length === 1))
        }).pipe(Effect.provide(system))
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    30_000
  )

  it.live(
    "forgets what was resumed while it could not hear, and left no trace",
    () =>
      Effect.gen(function* () {
        const server = yield* natsServer()
        const proxy = yield* cuttable(server.port)
        const options = { namespace: "traces", name: "test", ttlSeconds: 1, shards: 8 }
        const near = yield* Layer.build(Layer.fresh(layerNats({ ...options, url: server.url })))
        const far = yield* Layer.build(Layer.fresh(layerNats({ ...options, url: proxy.url })))
        const { seen, seenBecomes } = watching()
        yield* Controls.use((all) => all.pause(because(ofType("a")))).pipe(Effect.provide(near))
        yield* Controls.use((all) => all.watch((pauses) => seen.push(pauses))).pipe(Effect.provide(far))
        yield* seenBecomes("a")
        proxy.cut()
        yield* Controls.use((all) => all.resume(ofType("a"))).pipe(Effect.provide(near))
        yield* Effect.promise(async () => {
          const connection = await connect({ servers: server.url })
          await (await jetstreamManager(connection)).streams.purge("KV_TRACES_CONTROLS")
          await connection.close()
        })
        proxy.mend()
        yield* seenBecomes()
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    30_000
  )
})

const typesOf = (pauses: Pauses | undefined) =>
  pauses?.all.map(({ target }) => (target.kind === "type" ? target.type : target.kind)).join()

const watching = () => {
  const seen: Array<Pauses> = []
  const seenBecomes = (...types: ReadonlyArray<string>) =>
    Effect.sync(() => typesOf(seen.at(-1))).pipe(
      Effect.repeat({ until: (now) => now === types.join(), schedule: Schedule.spaced("20 millis") }),
      Effect.timeout("10 seconds")
    )
  return { seen, seenBecomes }
}

const persistently = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.retry(effect, Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "10 seconds" })))

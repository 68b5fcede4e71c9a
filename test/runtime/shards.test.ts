import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ActorLog, Actors, type Leases, layerNode, shardOf } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { DeskProtocol, desk } from "../support/desk.ts"
import { leasesOfOne } from "../support/leases.ts"
import { NatsServer } from "../support/nats.ts"
import { client, system } from "../support/system.ts"

type Log = ActorLog["Service"]

/** Ids of counters that live in one shard of the eight that tests have. */
const idsIn = (shard: number): ReadonlyArray<string> =>
  Array.from({ length: 200 }, (_, index) => `k${index}`).filter(
    (id) => shardOf({ type: "counter", id }, 8) === `any.${shard}`
  )

const [inShard0 = ""] = idsIn(0)
const [elsewhere = ""] = idsIn(7)

/** Leases that the test gives and takes. */
const makeLeases = (ttlMillis: number) => {
  const control = { refused: new Set<string>() }
  const leases = leasesOfOne({ ttlMillis, acquire: (shard) => Effect.sync(() => !control.refused.has(shard)) })
  return { leases, control }
}

/** The same log, but for some of what it does. */
const changedLog = (change: (log: Log) => Partial<Log>) =>
  Layer.effect(
    ActorLog,
    Effect.map(ActorLog, (log) => ActorLog.of({ ...log, ...change(log) }))
  )

const nodeWith = (leases: Layer.Layer<Leases>, change: (log: Log) => Partial<Log>) =>
  layerNode({ name: "one", actors: [counter] }).pipe(Layer.provide([leases, changedLog(change)]))

const add = (id: string) => Actors.use((all) => all.tell(CounterProtocol, id, "Add", { n: 1 }))
const count = (id: string) => Actors.use((all) => all.ask(CounterProtocol, id, "Get", {}, { timeout: "4 seconds" }))

layer(NatsServer.layer, { excludeTestServices: true })("mail is not removed before it is processed", (it) => {
  it.effect("when it was there before its shard was acquired", () => {
    const { leases, control } = makeLeases(300)
    control.refused.add("any.0")
    const slowToEnd = (log: Log): Partial<Log> => ({
      tail: (after, deliver, reached) =>
        log.tail(after, deliver, reached).pipe(Effect.andThen(Effect.addFinalizer(() => Effect.sleep("1 second"))))
    })
    return Effect.gen(function* () {
      yield* Effect.sleep("200 millis")
      yield* add(inShard0)
      yield* add(elsewhere)
      yield* Effect.sleep("300 millis")
      control.refused.clear()
      yield* Effect.sleep("500 millis")
      assert.strictEqual(yield* count(inShard0), 1)
    }).pipe(Effect.provide(nodeWith(leases, slowToEnd)), Effect.provide(client({ namespace: "taking" })))
  })
})

layer(NatsServer.layer, { excludeTestServices: true })("a node", (it) => {
  it.effect("whose engine breaks leaves, and another one does its work", () => {
    const breaking = layerNode({ name: "one", actors: [counter] }).pipe(
      Layer.provide(
        changedLog((log) => ({
          append: (group, id) =>
            group.some((entry) => entry.kind === "journal") ? Effect.die(new Error("a bug")) : log.append(group, id)
        }))
      ),
      Layer.provide(client({ namespace: "breaks" }))
    )
    const ids = Array.from({ length: 20 }, (_, index) => `k${index}`)
    return Effect.gen(function* () {
      yield* Effect.gen(function* () {
        yield* Effect.sleep("300 millis")
        yield* Effect.forEach(ids, add)
        yield* Effect.sleep("3 seconds")
        assert.deepStrictEqual(
          yield* Effect.forEach(ids, count, { concurrency: 20 }),
          ids.map(() => 1)
        )
      }).pipe(
        Effect.provide(Layer.fresh(system({ namespace: "breaks", node: "two", actors: [counter] }))),
        Effect.provide(Layer.fresh(breaking))
      )
    })
  })
})

layer(NatsServer.layer, { excludeTestServices: true })("an activity that is replaced before it began", (it) => {
  it.effect("begins after the commit of the step that replaced it", () => {
    const { leases } = makeLeases(3_000)
    let commits = 0
    const slow = (log: Log): Partial<Log> => ({
      append: (group, id) =>
        group.some((entry) => entry.kind === "journal")
          ? Effect.tap(Effect.delay(log.append(group, id), "300 millis"), () => Effect.sync(() => commits++))
          : log.append(group, id)
    })
    const begun: Array<number> = []
    const working = desk(() => Effect.sync(() => String(begun.push(commits))))
    const node = layerNode({ name: "one", actors: [working] }).pipe(Layer.provide([leases, changedLog(slow)]))
    return Effect.gen(function* () {
      const all = yield* Actors
      yield* all.tell(DeskProtocol, "a", "Work", { key: "k", task: "first" })
      yield* Effect.sleep("100 millis")
      yield* all.tell(DeskProtocol, "a", "StopWork", { key: "k" })
      yield* all.tell(DeskProtocol, "a", "Work", { key: "k", task: "second" })
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(begun, [2])
    }).pipe(Effect.provide(node), Effect.provide(client({ namespace: "replaced" })))
  })
})

import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ActorLog, Actors, LogUnavailable, layerNode } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { leasesOfOne } from "../support/leases.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

const TTL_MILLIS = 300

/** Leases that are never lost, but whose renewal hangs once for twice their lifetime when `stall` says so. */
const stallingLeases = (stall: () => boolean) =>
  leasesOfOne({
    ttlMillis: TTL_MILLIS,
    renew: () => Effect.suspend(() => (stall() ? Effect.sleep(2 * TTL_MILLIS) : Effect.void)).pipe(Effect.as(true))
  })

layer(NatsServer.layer, { excludeTestServices: true })("a node whose leases may have run out", (it) => {
  let stalled = 0
  let stalling = false
  const stall = () => {
    if (stalling) stalled++
    return stalling
  }
  const node = layerNode({ name: "node", actors: [counter] }).pipe(Layer.provide(stallingLeases(stall)))

  it.effect("decides nothing until it has renewed them, and then goes on by itself", () =>
    Effect.gen(function* () {
      const actors = yield* Actors
      assert.strictEqual(yield* actors.ask(CounterProtocol, "a", "Add", { n: 1 }), 1)
      stalling = true
      yield* Effect.sleep(1.5 * TTL_MILLIS)
      const late = actors.ask(CounterProtocol, "a", "Add", { n: 1 }, { messageId: "late", timeout: "100 millis" })
      assert.strictEqual((yield* Effect.flip(late))._tag, "AskTimeout", "nothing is decided meanwhile")
      stalling = false
      assert.isAbove(stalled, 0)
      const again = actors.ask(CounterProtocol, "a", "Add", { n: 1 }, { messageId: "late", timeout: "3 seconds" })
      assert.strictEqual(yield* again, 2, "the message waited, and counts once")
    }).pipe(Effect.provide(Layer.provideMerge(node, client({ namespace: "stall" }))))
  )

  it.effect("waits at its start for a log that has nobody to answer yet", () => {
    let tries = 0
    const late = leasesOfOne({
      join: () =>
        Effect.suspend(() => (++tries < 3 ? new LogUnavailable({ detail: "no responders" }) : Effect.succeed(true)))
    })
    const starting = layerNode({ name: "node", actors: [counter] }).pipe(
      Layer.provide(late),
      Layer.provideMerge(client({ namespace: "patient" }))
    )
    return Effect.gen(function* () {
      assert.strictEqual(yield* Actors.use((actors) => actors.ask(CounterProtocol, "a", "Add", { n: 1 })), 1)
      assert.strictEqual(tries, 3)
    }).pipe(Effect.provide(starting))
  })

  it.effect("decides nothing that it was given before, either", () => {
    const slowJournals = Layer.effect(
      ActorLog,
      Effect.map(ActorLog, (log) =>
        ActorLog.of({ ...log, readJournal: (owner) => Effect.delay(log.readJournal(owner), 1.5 * TTL_MILLIS) })
      )
    )
    const slow = layerNode({ name: "node", actors: [counter] }).pipe(
      Layer.provide([stallingLeases(stall), slowJournals]),
      Layer.provideMerge(client({ namespace: "queued" }))
    )
    return Effect.gen(function* () {
      const actors = yield* Actors
      yield* Effect.sleep("300 millis")
      stalling = true
      const asked = { messageId: "queued", timeout: `${2.5 * TTL_MILLIS} millis` } as const
      const late = actors.ask(CounterProtocol, "a", "Add", { n: 1 }, asked)
      assert.strictEqual((yield* Effect.flip(late))._tag, "AskTimeout")
      stalling = false
      assert.strictEqual(yield* actors.ask(CounterProtocol, "a", "Add", { n: 1 }, { messageId: "queued" }), 1)
    }).pipe(Effect.provide(slow))
  })
})

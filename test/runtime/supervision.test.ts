import { assert, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { ActorLog, Actors, escalate, restart, type Supervision, stopActor } from "../../runtime/index.ts"
import { FragileProtocol, fragileWith, WatchmanProtocol, watchman } from "../support/fragile.ts"
import { lettersIn } from "../support/letters.ts"
import { NatsServer } from "../support/nats.ts"
import { system } from "../support/system.ts"

const soon = { timeout: "4 seconds" } as const
const nodeOf = (namespace: string, supervision: Supervision) =>
  system({ namespace, actors: [fragileWith(supervision), watchman] })

const add = (id: string, n = 1) => Actors.use((all) => all.ask(FragileProtocol, id, "Add", { n }, soon))
const fail = (id: string, times: number) => Actors.use((all) => all.ask(FragileProtocol, id, "Fail", { times }, soon))
const heard = Actors.use((all) => all.ask(WatchmanProtocol, "w", "Read", {}, soon))
const failuresIn = (namespace: string) =>
  Effect.map(lettersIn(namespace), (letters) =>
    letters.map(({ message, failure, attempts }) => [message, failure, attempts])
  )

layer(NatsServer.layer, { excludeTestServices: true })("a message that fails", (it) => {
  it.effect("is parked with its cause and kind unless its type says otherwise, and the actor goes on", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const log = yield* ActorLog
      const alerts: Array<string> = []
      yield* log.watch("alert.warning", ({ payload }) => alerts.push(payload))
      assert.strictEqual(yield* add("a"), 1)
      const error = yield* Effect.flip(fail("a", 1))
      assert.strictEqual(error._tag, "ActorFailed")
      yield* Effect.flip(all.ask(FragileProtocol, "a", "Spoil", {}, soon))
      const to = { type: "fragile", id: "a" }
      const body = JSON.stringify({ kind: "message", message: "Add", body: { n: "one" }, correlation: "c" })
      yield* log.append([{ kind: "mail", to, payload: body }])
      assert.strictEqual(yield* add("a"), 2)
      assert.deepStrictEqual(yield* failuresIn("plain"), [
        ["Fail", "decide", 1],
        ["Spoil", "evolve", 1],
        ["Add", "decode", 1]
      ])
      const [first] = yield* lettersIn("plain")
      assert.strictEqual(first?.cause, "failed 1")
      assert.containSubset(first?.original, { message: "Fail", body: { times: 1 } })
      assert.strictEqual(alerts.length, 3)
    }).pipe(Effect.provide(nodeOf("plain", {})), Effect.scoped)
  )

  it.effect("is tried again with growing waits where its type restarts, and the others wait behind it", () =>
    Effect.gen(function* () {
      yield* add("a")
      const before = yield* Clock.currentTimeMillis
      const [third, next] = yield* Effect.all([fail("a", 2), Effect.delay(add("a", 10), "20 millis")], {
        concurrency: 2
      })
      assert.strictEqual(third, 2)
      assert.strictEqual(next, 12, "it came later, and was decided later")
      assert.isAtLeast((yield* Clock.currentTimeMillis) - before, 300, "100 and 200 milliseconds")
      assert.deepStrictEqual(yield* failuresIn("again"), [])
    }).pipe(Effect.provide(nodeOf("again", { decide: restart({ attempts: 3, backoff: "100 millis" }) })))
  )

  it.effect("is parked after as many attempts as its type makes", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(fail("a", 100))
      assert.strictEqual(error._tag, "ActorFailed")
      assert.strictEqual(yield* add("a"), 1)
      assert.deepStrictEqual(yield* failuresIn("enough"), [["Fail", "decide", 3]])
    }).pipe(Effect.provide(nodeOf("enough", { decide: restart({ attempts: 3, backoff: "10 millis" }) })))
  )

  it.effect("stops its actor where its type says so: asks are refused, and tells parked", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      yield* add("a")
      yield* Effect.flip(fail("a", 1))
      assert.strictEqual((yield* Effect.flip(add("a")))._tag, "ActorStopped")
      yield* all.tell(FragileProtocol, "a", "Add", { n: 1 })
      assert.strictEqual(yield* add("b"), 1)
      yield* Effect.sleep("200 millis")
      assert.deepStrictEqual(yield* failuresIn("stops"), [
        ["Fail", "decide", 1],
        ["Add", "stopped", 1]
      ])
    }).pipe(Effect.provide(nodeOf("stops", { decide: stopActor })))
  )

  it.effect("is reported to the supervisor where its type escalates, once", () =>
    Effect.gen(function* () {
      yield* Effect.flip(fail("a", 1))
      assert.strictEqual(yield* add("a"), 1)
      yield* Effect.sleep("100 millis")
      assert.deepStrictEqual(yield* heard, ["fragile/a Fail decide 1"])
    }).pipe(Effect.provide(nodeOf("escalates", { decide: escalate })))
  )

  it.effect("too often within a time stops the actor; spread out it does not", () =>
    Effect.gen(function* () {
      for (let time = 0; time < 2; time++) yield* Effect.flip(fail("a", 100))
      assert.strictEqual(yield* add("a"), 1)
      yield* Effect.sleep("1200 millis")
      for (let time = 0; time < 2; time++) yield* Effect.flip(fail("a", 100))
      assert.strictEqual(yield* add("a"), 2)
      yield* Effect.flip(fail("a", 100))
      assert.strictEqual((yield* Effect.flip(add("a")))._tag, "ActorStopped")
    }).pipe(Effect.provide(nodeOf("limit", { limit: { failures: 2, within: "1 second", directive: "stop" } })))
  )
})

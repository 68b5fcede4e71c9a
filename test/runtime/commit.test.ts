import { assert, describe, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Ref } from "effect"
import { ActorLog, Actors, type Entry, LogFull, LogUnavailable, layerNode } from "../../runtime/index.ts"
import { sealRecord } from "../../runtime/journal.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { DeskProtocol, plainDesk } from "../support/desk.ts"
import { NatsServer } from "../support/nats.ts"
import { client, system } from "../support/system.ts"

type Append = ActorLog["Service"]["append"]

/** A node whose commits go through `wrap`; what clients send does not. */
const nodeWith = (namespace: string, wrap: (append: Append) => Append) => {
  const wrapped = Layer.effect(
    ActorLog,
    Effect.map(ActorLog, (log) =>
      ActorLog.of({ ...log, append: (group, id) => (isCommit(group) ? wrap(log.append) : log.append)(group, id) })
    )
  )
  return layerNode({ name: "node", actors: [counter, plainDesk] }).pipe(
    Layer.provide(wrapped),
    Layer.provideMerge(client({ namespace }))
  )
}

const isCommit = (group: ReadonlyArray<Entry>) => group.some((entry) => entry.kind === "journal")

const add = (id: string, n: number) => Actors.use((all) => all.ask(CounterProtocol, id, "Add", { n }))
const get = (id: string) => Actors.use((all) => all.ask(CounterProtocol, id, "Get", {}))

layer(NatsServer.layer, { excludeTestServices: true })("a commit", (it) => {
  describe("that takes its time", () => {
    it.effect("keeps every answer back that tells of it, those to reads too", () =>
      Effect.gen(function* () {
        const open = yield* Ref.make(false)
        const held = nodeWith(
          "held",
          (append) => (group, id) =>
            Ref.get(open).pipe(Effect.repeat({ until: (is) => is }), Effect.andThen(append(group, id)))
        )
        yield* Effect.gen(function* () {
          const adding = yield* Effect.forkChild(add("a", 2))
          yield* Effect.sleep("100 millis")
          const reading = yield* Effect.forkChild(get("a"))
          yield* Effect.sleep("200 millis")
          assert.isUndefined(adding.pollUnsafe())
          assert.isUndefined(reading.pollUnsafe())
          yield* Ref.set(open, true)
          assert.deepStrictEqual([yield* Fiber.join(adding), yield* Fiber.join(reading)], [2, 2])
        }).pipe(Effect.provide(held))
      })
    )
  })

  describe("that fails", () => {
    it.effect("is tried again while the log is away or full, and counts once", () => {
      const failures = [new LogUnavailable({ detail: "test" }), new LogFull({ detail: "test", retry_after_ms: 1 })]
      const flaky = nodeWith(
        "flaky",
        (append) => (group, id) =>
          Effect.suspend(() => {
            const failure = failures.pop()
            return failure === undefined ? append(group, id) : Effect.fail(failure)
          })
      )
      return Effect.gen(function* () {
        assert.strictEqual(yield* add("a", 2), 2)
        assert.strictEqual(yield* add("a", 2), 4)
      }).pipe(Effect.provide(flaky))
    })

    it.effect("although it was stored, its answer lost, counts once and is answered", () => {
      let lost = 3
      const lossy = nodeWith(
        "lossy",
        (append) => (group, id) =>
          append(group, id).pipe(
            Effect.flatMap((sequence) =>
              lost-- > 0 ? Effect.fail(new LogUnavailable({ detail: "the answer was lost" })) : Effect.succeed(sequence)
            )
          )
      )
      return Effect.gen(function* () {
        const ids = ["a", "b", "c"]
        const sums = yield* Effect.forEach(ids, (id) => add(id, 2), { concurrency: 3 })
        assert.deepStrictEqual(sums, [2, 2, 2])
        assert.deepStrictEqual(yield* Effect.forEach(ids, get), [2, 2, 2])
        assert.isBelow(lost, 3)
      }).pipe(Effect.provide(lossy))
    })
  })

  it.effect("that another owner has overtaken is given up, and the actor goes on from what that one wrote", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const owner = { type: "counter", id: "a" }
      yield* add("a", 1)
      const { sequence } = (yield* log.readJournal(owner)).at(-1)!
      const step = {
        sequence: sequence + 1,
        message: "Add",
        time: 0,
        correlation: "",
        events: [{ _tag: "Added", data: { n: 100 } }]
      }
      const payload = sealRecord(JSON.stringify({ version: 1, kept: 2, previous: sequence, steps: [step] }))
      yield* log.append([{ kind: "journal", owner, payload, expected: sequence, snapshot: false, truncate: false }])
      assert.strictEqual(yield* add("a", 1), 102)
      assert.strictEqual(yield* get("a"), 102)
    }).pipe(Effect.provide(system({ namespace: "overtaken", actors: [counter] })))
  )

  it.effect("of several steps that set and cancel one timer is not refused", () => {
    const refusals: Array<string> = []
    const watched = nodeWith(
      "folded",
      (append) => (group, id) =>
        append(group, id).pipe(Effect.tapError((error) => Effect.sync(() => refusals.push(error.message))))
    )
    return Effect.gen(function* () {
      const all = yield* Actors
      yield* all.ask(DeskProtocol, "a", "Note", { text: "awake" })
      const steps = Array.from({ length: 10 }).flatMap(() => [
        all.tell(DeskProtocol, "a", "Remind", { name: "tea", at: 4_000_000_000_000 }),
        all.tell(DeskProtocol, "a", "Forget", { name: "tea" })
      ])
      yield* Effect.all(steps, { concurrency: "unbounded", discard: true })
      assert.deepStrictEqual(yield* all.ask(DeskProtocol, "a", "Read", {}), ["awake"])
      assert.deepStrictEqual(refusals, [])
    }).pipe(Effect.provide(watched))
  })
})

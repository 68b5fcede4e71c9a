import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schedule } from "effect"
import { type ActivityContext, Actors } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { DeskProtocol, desk } from "../support/desk.ts"
import { NatsServer } from "../support/nats.ts"
import { system } from "../support/system.ts"

const notesBecome = (expected: ReadonlyArray<string>) =>
  Actors.use((all) => all.ask(DeskProtocol, "a", "Read", {})).pipe(
    Effect.repeat({ until: (notes) => notes.length >= expected.length, schedule: Schedule.spaced("20 millis") }),
    Effect.timeout("10 seconds"),
    Effect.map((notes) => assert.deepStrictEqual(notes, expected))
  )

const work = (key: string, task: string) => Actors.use((all) => all.tell(DeskProtocol, "a", "Work", { key, task }))

layer(NatsServer.layer, { excludeTestServices: true })("an activity", (it) => {
  it.effect("gives its outcome to its actor: a value, a failure, or that it took too long", () =>
    Effect.gen(function* () {
      yield* work("1", "sum")
      yield* notesBecome(["1 gave SUM"])
      yield* work("2", "fail")
      yield* notesBecome(["1 gave SUM", "2 failed: failure"])
      yield* work("3", "hang")
      yield* notesBecome(["1 gave SUM", "2 failed: failure", "3 failed: timeout"])
    }).pipe(
      Effect.provide(
        system({
          namespace: "outcomes",
          actors: [
            desk((task) => {
              if (task === "hang") return Effect.never
              return task === "fail" ? Effect.fail(new Error("no")) : Effect.succeed(task.toUpperCase())
            })
          ]
        })
      )
    )
  )

  it.effect("does not keep its actor from answering", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      yield* work("slow", "hang")
      assert.strictEqual(yield* all.ask(DeskProtocol, "a", "Note", { text: "still here" }), 1)
      yield* notesBecome(["still here", "slow failed: timeout"])
    }).pipe(Effect.provide(system({ namespace: "answering", actors: [desk(() => Effect.never)] })))
  )

  it.effect("that is cancelled is interrupted, and its outcome ignored", () => {
    let interrupted = 0
    const hanging = desk(() => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)))
    return Effect.gen(function* () {
      const all = yield* Actors
      yield* work("x", "hang")
      yield* all.ask(DeskProtocol, "a", "Note", { text: "one" })
      yield* all.tell(DeskProtocol, "a", "StopWork", { key: "x" })
      yield* Effect.sleep("900 millis")
      yield* notesBecome(["one"])
      assert.strictEqual(interrupted, 1)
    }).pipe(Effect.provide(system({ namespace: "cancelled", actors: [hanging] })))
  })

  it.effect("that is open when its node goes is run by the next one, and taken once", () => {
    const runs: Array<string> = []
    const withDesk = (node: string, run: (task: string) => Effect.Effect<string>) =>
      Layer.fresh(
        system({
          namespace: "moved",
          node,
          actors: [
            desk((task) =>
              Effect.andThen(
                Effect.sync(() => runs.push(node)),
                run(task)
              )
            )
          ]
        })
      )
    return Effect.gen(function* () {
      yield* work("job", "sum").pipe(
        Effect.andThen(Effect.sleep("200 millis")),
        Effect.provide(withDesk("first", () => Effect.never))
      )
      yield* notesBecome(["job gave SUM"]).pipe(
        Effect.andThen(Effect.sleep("300 millis")),
        Effect.andThen(notesBecome(["job gave SUM"])),
        Effect.provide(withDesk("second", (task) => Effect.succeed(task.toUpperCase())))
      )
      assert.deepStrictEqual(runs, ["first", "second"])
    })
  })

  it.effect("tells its own actor while it runs, and is heard before its outcome", () =>
    Effect.gen(function* () {
      yield* work("1", "sum")
      yield* notesBecome(["adding", "1 gave SUM"])
    }).pipe(
      Effect.provide(
        system({
          namespace: "telling",
          actors: [
            desk((task, _, { tell }) => Effect.as(tell(DeskProtocol, "Note", { text: "adding" }), task.toUpperCase()))
          ]
        })
      )
    )
  )

  it.effect("that was told of and lost with its node is told of again by the next one", () => {
    const withDesk = (node: string, rest: Effect.Effect<string>) =>
      Layer.fresh(
        system({
          namespace: "told",
          node,
          actors: [desk((_, __, { tell }) => Effect.andThen(tell(DeskProtocol, "Note", { text: node }), rest))]
        })
      )
    return Effect.gen(function* () {
      yield* work("job", "sum").pipe(
        Effect.andThen(notesBecome(["first"])),
        Effect.provide(withDesk("first", Effect.never))
      )
      yield* notesBecome(["first", "second", "job gave done"]).pipe(
        Effect.provide(withDesk("second", Effect.succeed("done")))
      )
    })
  })

  it.effect("fails where what it tells does not fit, or is another actor's", () => {
    const told: { readonly [task: string]: (context: ActivityContext) => Effect.Effect<void, unknown> } = {
      // What does not compile can still come from elsewhere.
      misfit: ({ tell }) => tell(DeskProtocol, "Note", JSON.parse('{ "text": 1 }')),
      stranger: ({ tell }) => tell(CounterProtocol, "Add", { n: 1 })
    }
    return Effect.gen(function* () {
      yield* work("1", "misfit")
      yield* notesBecome(["1 failed: failure"])
      yield* work("2", "stranger")
      yield* notesBecome(["1 failed: failure", "2 failed: failure"])
    }).pipe(
      Effect.provide(
        system({
          namespace: "misfits",
          actors: [counter, desk((task, _, context) => Effect.as(told[task]!(context), task))]
        })
      )
    )
  })
})

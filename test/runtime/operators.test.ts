import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Stream } from "effect"
import {
  ActorLog,
  Archive,
  type Entry,
  LogUnavailable,
  Operators,
  type RetryOptions,
  type Selection
} from "../../runtime/index.ts"
import { lettersOf, menderSystem, notesOf, owner, tell } from "../support/mender.ts"
import { NatsServer } from "../support/nats.ts"
import { operatorsOf } from "../support/operators.ts"

const retryAll = (selection: Selection, options?: RetryOptions) =>
  Operators.use((all) => all.retryAll(selection, options).pipe(Stream.runCollect))

layer(NatsServer.layer, { excludeTestServices: true })("a dead letter that is retried", (it) => {
  it.effect("has its effect once it can, once, however often and by how many it is tried", () => {
    const broken = new Set(["b", "c"])
    return Effect.gen(function* () {
      const operators = yield* Operators
      yield* tell("x", "a", "b", "c", "d")
      const [first, second] = yield* lettersOf("x", 2)
      const { sequence } = first!
      broken.clear()
      const tries = yield* Effect.all(
        Array.from({ length: 5 }, () => Effect.exit(operators.retry(sequence))),
        { concurrency: 5 }
      )
      assert.isTrue(tries.some(({ _tag }) => _tag === "Success"))
      assert.deepStrictEqual(yield* notesOf("x", 3), ["a", "d", "b"])
      assert.deepStrictEqual(yield* operators.letters({}, 0, 10), [second!], "the other one stays")
      assert.strictEqual((yield* Effect.flip(operators.retry(sequence)))._tag, "NoSuchLetter")
      yield* operators.retry(second!.sequence)
      assert.deepStrictEqual(yield* notesOf("x", 4), ["a", "d", "b", "c"])
      assert.deepStrictEqual(yield* operators.letters({}, 0, 10), [])
    }).pipe(Effect.provide(menderSystem("once", broken)))
  })

  it.effect("counts once where the letter could not be removed, and is removed by the next try", () => {
    const broken = new Set(["b"])
    let failing = true
    const forgetful = Layer.effect(
      Archive,
      Effect.map(Archive, (archive) =>
        Archive.of({
          ...archive,
          drop: (sequence) => (failing ? Effect.fail(new LogUnavailable({ detail: "away" })) : archive.drop(sequence))
        })
      )
    )
    const system = menderSystem("halfway", broken)
    const halfway = Layer.fresh(Operators.layer).pipe(Layer.provide(Layer.provideMerge(forgetful, system)))
    return Effect.gen(function* () {
      yield* tell("x", "b")
      const [letter] = yield* lettersOf("x", 1)
      broken.clear()
      yield* Effect.gen(function* () {
        const operators = yield* Operators
        assert.strictEqual((yield* Effect.flip(operators.retry(letter!.sequence)))._tag, "LogUnavailable")
        failing = false
        yield* operators.retry(letter!.sequence)
      }).pipe(Effect.provide(halfway))
      yield* tell("x", "end")
      assert.deepStrictEqual(yield* notesOf("x", 2), ["b", "end"])
      assert.deepStrictEqual(yield* Operators.use((all) => all.letters({}, 0, 10)), [])
    }).pipe(Effect.provide(system))
  })

  it.effect("goes with all of its type, each on its own; what fails again is not tried a second time", () => {
    const broken = new Set(["b", "c", "still"])
    return Effect.gen(function* () {
      const operators = yield* Operators
      const log = yield* ActorLog
      yield* tell("x", "b")
      yield* lettersOf("x", 1)
      const text = { sequence: 1, time: 1, message: "?", cause: "not JSON", original: "rubbish" }
      yield* log.append([{ kind: "dead", owner: owner("x"), payload: JSON.stringify(text) }])
      yield* log.append([{ kind: "dead", owner: owner("x"), payload: "written by hand" }])
      yield* log.append([{ kind: "dead", owner: { type: "other", id: "x" }, payload: "{}" }])
      yield* tell("x", "still", "c")
      yield* lettersOf("x", 5)
      broken.delete("b")
      broken.delete("c")
      const outcomes = yield* retryAll({ type: "mender" })
      assert.deepStrictEqual(
        outcomes.map(({ failure }) => failure?._tag),
        [undefined, "NotRetryable", "NotRetryable", undefined, undefined]
      )
      assert.match(
        outcomes[1]?.failure?.message ?? "",
        /^dead letter \d+ cannot be retried: .* no message for mender\/x$/
      )
      assert.deepStrictEqual(yield* notesOf("x", 2), ["b", "c"])
      const left = yield* lettersOf("x", 3)
      assert.deepStrictEqual(
        left.map(({ cause }) => cause),
        ["not JSON", "this letter was not written by an actor", "cannot note still"]
      )
      assert.strictEqual((yield* operators.letters({ type: "other" }, 0, 10)).length, 1)
    }).pipe(Effect.provide(menderSystem("several", broken)))
  })

  it.effect("is not among those that are tried where it was parked meanwhile, however many there are", () => {
    const broken = new Set(["still"])
    return Effect.gen(function* () {
      const MANY = 70
      yield* tell("x", ...Array.from({ length: MANY }, () => "still"))
      yield* lettersOf("x", MANY)
      assert.strictEqual((yield* retryAll({}, { perSecond: 200 })).length, MANY)
      yield* lettersOf("x", MANY)
    }).pipe(Effect.provide(menderSystem("still", broken)))
  })

  it.effect("waits its turn where a rate is given", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      for (let index = 0; index < 4; index++) yield* log.append([letterOf(owner("x"), { ...NOTE, id: `${index}` })])
      const started = yield* Clock.currentTimeMillis
      assert.strictEqual((yield* retryAll({}, { perSecond: 10 })).length, 4)
      const took = (yield* Clock.currentTimeMillis) - started
      assert.isTrue(took >= 290 && took < 2_000, `${took} ms`)
    }).pipe(Effect.provide(operatorsOf("rate")))
  )

  it.effect(
    "becomes mail that its actor can take: who asked may still hear of it, and what it does not know stays in it",
    () =>
      Effect.gen(function* () {
        const log = yield* ActorLog
        const operators = yield* Operators
        const x = owner("x")
        const result = { _tag: "Succeeded", value: 1 }
        const originals = [
          { ...NOTE, reply: "inbox", id: "mine", again: true, newer: [1] },
          NOTE,
          { kind: "timer", name: "t", generation: 4, message: "Note", body: { text: "t" }, correlation: "c", newer: 2 },
          { kind: "outcome", activity: "work", key: "k", generation: 4, result, correlation: "c" }
        ]
        const sequences: Array<number> = []
        for (const original of originals) sequences.push(yield* log.append([letterOf(x, original)]))
        for (const sequence of sequences) yield* operators.retry(sequence)
        const mail = yield* log.readMail(x, 0, 10)
        assert.deepStrictEqual(
          mail.map(({ payload }) => JSON.parse(payload)),
          [
            { ...NOTE, reply: "inbox", id: "mine", retry: `retry ${sequences[0]}`, newer: [1] },
            { ...NOTE, id: `retry ${sequences[1]}` },
            {
              kind: "message",
              message: "Note",
              body: { text: "t" },
              correlation: "c",
              newer: 2,
              id: `retry ${sequences[2]}`
            },
            { ...originals[3], retried: true, id: `retry ${sequences[3]}` }
          ]
        )
      }).pipe(Effect.provide(operatorsOf("envelopes")))
  )

  it.effect("goes to the nodes that may run its actor", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const operators = yield* Operators
      const more = { shard: "gpu.3", failure: "decide", attempts: 3 }
      const sequence = yield* log.append([letterOf(owner("x"), NOTE, more)])
      const letter = yield* operators.letter(sequence)
      assert.deepStrictEqual(
        [letter.owner, letter.failure, letter.attempts],
        [{ ...owner("x"), role: "gpu" }, "decide", 3]
      )
      yield* operators.retry(sequence)
      assert.strictEqual((yield* log.readMail(owner("x"), 0, 10)).length, 0)
      assert.strictEqual((yield* log.readMail({ ...owner("x"), role: "gpu" }, 0, 10)).length, 1)
    }).pipe(Effect.provide(operatorsOf("roles")))
  )
})

layer(NatsServer.layer, { excludeTestServices: true })("dead letters that are dropped", (it) => {
  it.effect("are gone, those that were meant and no others", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const operators = yield* Operators
      const owners = [owner("x"), owner("y"), { type: "other", id: "x" }]
      for (let index = 0; index < 180; index++) yield* log.append([letterOf(owners[index % 3]!, NOTE)])
      const [first] = yield* operators.letters({}, 0, 1)
      yield* operators.drop(first!.sequence)
      assert.strictEqual((yield* Effect.flip(operators.drop(first!.sequence)))._tag, "NoSuchLetter")
      assert.strictEqual(yield* operators.dropAll(owner("x")), 59)
      assert.strictEqual(yield* operators.dropAll(owner("x")), 0)
      assert.strictEqual((yield* operators.letters({}, 0, 1_000)).length, 120)
      assert.strictEqual(yield* operators.dropAll({ type: "mender" }), 60)
      assert.strictEqual(yield* operators.dropAll({}), 60)
    }).pipe(Effect.provide(operatorsOf("dropped")))
  )
})

const NOTE = { kind: "message", message: "Note", body: { text: "n" }, correlation: "c" }

const letterOf = (whose: { readonly type: string; readonly id: string }, original: unknown, more = {}): Entry => ({
  kind: "dead",
  owner: whose,
  payload: JSON.stringify({ sequence: 1, time: 1, message: "Note", cause: "c", ...more, original })
})

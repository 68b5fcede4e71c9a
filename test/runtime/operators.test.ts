import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Stream } from "effect"
import {
  ActorLog,
  Actors,
  Archive,
  type Entry,
  LogUnavailable,
  Operators,
  type RetryOptions,
  type Selection
} from "../../runtime/index.ts"
import { lettersOf, MenderProtocol, mender, menderSystem, notesOf, owner, tell } from "../support/mender.ts"
import { NatsServer } from "../support/nats.ts"
import { operatorsOf } from "../support/operators.ts"

const retryAll = (selection: Selection, options?: RetryOptions) =>
  Operators.use((all) => all.retryAll(selection, options).pipe(Stream.runCollect))

layer(NatsServer.layer, { excludeTestServices: true })("an inspection", (it) => {
  const broken = new Set(["bad"])
  it.effect("says what an actor is at, with its definition and without, and changes nothing", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const operators = yield* Operators
      const at = (yield* Clock.currentTimeMillis) + 60_000
      for (const text of ["a", "b", "c", "d"]) yield* all.ask(MenderProtocol, "x", "Note", { text })
      yield* all.ask(MenderProtocol, "x", "Remind", { name: "tea.time", at })
      yield* all.ask(MenderProtocol, "x", "Work", { key: "k" })
      yield* tell("x", "bad")
      yield* lettersOf("x", 1)
      const journal = yield* ActorLog.use((log) => log.readJournal(owner("x")))
      const found = yield* operators.inspect(owner("x"), { definition: mender(broken), last: 2 })
      assert.deepStrictEqual(
        [found.stateOf, found.state, found.fault],
        ["now", { notes: ["a", "b", "c", "d"] }, undefined]
      )
      assert.deepStrictEqual(found.timers, [{ name: "tea.time", at }])
      assert.deepStrictEqual(
        found.activities.map(({ key, activity, input }) => ({ key, activity, input })),
        [{ key: "k", activity: "work", input: { text: "on it" } }]
      )
      assert.deepStrictEqual(found.backlog, { waiting: 0, secondsBehind: 0 })
      assert.strictEqual(found.records.length, 2)
      const [step] = found.records.at(-1)?.steps ?? []
      assert.deepStrictEqual([step?.message, step?.parked, step?.sequence], ["Note", "cannot note bad", found.consumed])
      assert.deepStrictEqual(found.records.at(-1)?.content, JSON.parse(journal.at(-1)?.payload ?? ""))
      assert.deepStrictEqual(
        found.letters.map(({ cause, message, owner: whose }) => [cause, message, whose]),
        [["cannot note bad", "Note", owner("x")]]
      )
      const blind = yield* operators.inspect(owner("x"))
      const { state, stateOf, ...rest } = blind
      assert.deepStrictEqual([stateOf, state], ["snapshot", { notes: ["a", "b", "c", "d"] }])
      assert.deepStrictEqual(
        [rest.timers, rest.activities, rest.consumed],
        [found.timers, found.activities, found.consumed]
      )
      assert.deepStrictEqual(yield* ActorLog.use((log) => log.readJournal(owner("x"))), journal)
    }).pipe(Effect.provide(menderSystem("looked", broken)))
  )

  it.effect("says what waits and for how long, what holds it, and what cannot be read", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const operators = yield* Operators
      const journal = (payload: string, expected: number): Entry => ({
        kind: "journal",
        owner: owner("x"),
        payload,
        expected,
        snapshot: false,
        truncate: false
      })
      const step = {
        sequence: 1,
        message: "Note",
        time: 1,
        correlation: "",
        events: [{ _tag: "Noted", data: { text: "a" } }]
      }
      const first = yield* log.append([journal(JSON.stringify({ version: 1, kept: 1, steps: [step] }), 0)])
      yield* log.append([journal("rubbish", first)])
      yield* tell("x", "one", "two")
      yield* tell("y", "three")
      yield* operators.pause({ kind: "type", type: "mender" }, "to see".padEnd(2_000, "."))
      yield* Effect.sleep("600 millis")
      const found = yield* operators.inspect(owner("x"), { definition: mender(broken) })
      assert.deepStrictEqual([found.stateOf, found.state, found.consumed], ["now", { notes: ["a"] }, 1])
      assert.match(found.fault ?? "", /^record \d+ cannot be read: .*rubbish/)
      assert.strictEqual(found.backlog.waiting, 2)
      assert.isTrue(found.backlog.secondsBehind > 0.5 && found.backlog.secondsBehind < 5)
      assert.deepStrictEqual([found.pause?.by, found.pause?.cause.length], ["operator", 1_000])
      assert.deepStrictEqual(
        found.records.map(({ content, steps }) => [typeof content, steps.length]),
        [
          ["object", 1],
          ["string", 0]
        ]
      )
      const waiting = yield* operators.waiting({}, 10)
      assert.deepStrictEqual(
        waiting.map(({ address, messages, pause }) => [address.id, messages, pause?.target.kind]),
        [
          ["x", 2, "type"],
          ["y", 1, "type"]
        ]
      )
      assert.deepStrictEqual(yield* operators.waiting({ id: "z" }, 10), [])
    }).pipe(Effect.provide(operatorsOf("waits")))
  )

  it.effect("of nothing says so, and words that name nothing are refused", () =>
    Effect.gen(function* () {
      const operators = yield* Operators
      const error = yield* Effect.flip(operators.inspect(owner("nobody")))
      assert.strictEqual(error.message, "there is nothing of mender/nobody: no journal, no mail, no dead letter")
      yield* operators.pause({ kind: "actor", address: owner("nobody") }, "before it begins")
      const paused = yield* operators.inspect(owner("nobody"))
      assert.deepStrictEqual([paused.pause?.cause, paused.consumed, paused.stateOf], ["before it begins", 0, "nothing"])
      const bad = { type: "mender", id: "a b" }
      for (const refused of [
        operators.inspect(bad),
        operators.pause({ kind: "actor", address: bad }, ""),
        operators.resume({ kind: "type", type: "*" }),
        operators.letters({ type: ">" }, 0, 1),
        operators.actors({ id: "*" }, undefined, 1),
        operators.waiting(bad, 1),
        operators.dropAll({ type: "*" }),
        operators.retryAll(bad).pipe(Stream.runDrain)
      ]) {
        assert.strictEqual((yield* Effect.flip(refused))._tag, "InvalidAddress")
      }
    }).pipe(Effect.provide(operatorsOf("nobody")))
  )

  it.effect("of the nodes says who is alive and what each holds", () =>
    Effect.gen(function* () {
      const nodes = yield* Operators.use((operators) => operators.nodes).pipe(
        Effect.repeat({ until: ([first]) => first?.shards === 8 }),
        Effect.timeout("5 seconds")
      )
      assert.deepStrictEqual(nodes, [{ name: "node-1", shards: 8 }])
    }).pipe(Effect.provide(menderSystem("nodes", broken)))
  )

  it.effect("finds no node where none ever was", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Operators.use((operators) => operators.nodes), [])
    }).pipe(Effect.provide(operatorsOf("lonely")))
  )
})

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

  it.effect("becomes mail that its actor can take: nobody waits for it, and what it does not know stays in it", () =>
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
          { ...NOTE, id: "mine", newer: [1] },
          { ...NOTE, id: `retry ${sequences[1]}` },
          {
            kind: "message",
            message: "Note",
            body: { text: "t" },
            correlation: "c",
            newer: 2,
            id: `retry ${sequences[2]}`
          },
          { ...originals[3], retried: true }
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

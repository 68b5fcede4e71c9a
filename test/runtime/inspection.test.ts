import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Stream } from "effect"
import { ActorLog, Actors, type Entry, Operators } from "../../runtime/index.ts"
import { sealRecord } from "../../runtime/journal.ts"
import { lettersOf, MenderProtocol, mender, menderSystem, owner, tell } from "../support/mender.ts"
import { NatsServer } from "../support/nats.ts"
import { operatorsOf } from "../support/operators.ts"

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
      const first = yield* log.append([
        journal(sealRecord(JSON.stringify({ version: 1, kept: 1, previous: 0, steps: [step] })), 0)
      ])
      yield* log.append([journal("rubbish", first)])
      yield* tell("x", "one", "two")
      yield* tell("y", "three")
      yield* operators.pause({ kind: "type", type: "mender" }, "to see".padEnd(2_000, "."))
      yield* Effect.sleep("600 millis")
      const found = yield* operators.inspect(owner("x"), { definition: mender(broken) })
      assert.deepStrictEqual([found.stateOf, found.state, found.consumed], ["now", { notes: ["a"] }, 1])
      assert.match(found.fault ?? "", /^record \d+ cannot be read: .*no checksum/)
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
      const asked: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        operators.inspect(bad),
        operators.pause({ kind: "actor", address: bad }, ""),
        operators.resume({ kind: "type", type: "*" }),
        operators.letters({ type: ">" }, 0, 1),
        operators.actors({ id: "*" }, undefined, 1),
        operators.waiting(bad, 1),
        operators.dropAll({ type: "*" }),
        operators.retryAll(bad).pipe(Stream.runDrain)
      ]
      for (const refused of asked) {
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
      assert.containSubset(nodes, [{ name: "node-1", shards: 8 }])
    }).pipe(Effect.provide(menderSystem("nodes", broken)))
  )

  it.effect("finds no node where none ever was", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Operators.use((operators) => operators.nodes), [])
    }).pipe(Effect.provide(operatorsOf("lonely")))
  )
})

import { assert, layer } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { type Duration, Effect, Result, Schema } from "effect"
import {
  type Actor,
  ActorLog,
  Actors,
  Controls,
  define,
  Operators,
  type Pause,
  persist,
  reply,
  type Upcasters
} from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { FragileProtocol, fragileWith, WatchmanProtocol, watchman } from "../support/fragile.ts"
import { NatsServer } from "../support/nats.ts"
import { eventually, operated, startNode } from "../support/nodes.ts"

const soon = { timeout: "8 seconds" } as const
const fragile = (id: string) => ({ type: "fragile", id })
const add = (id: string, n = 1) => Actors.use((all) => all.ask(FragileProtocol, id, "Add", { n }, soon))
const heard = Actors.use((all) => all.ask(WatchmanProtocol, "w", "Read", {}, soon))
const resume = (id: string) => Operators.use((all) => all.resume({ kind: "actor", address: fragile(id) }))
const paused = Operators.use((all) => all.paused)

/** What an operator with the tools of NATS does: removes one message of the stream. */
const remove = (namespace: string, sequence: number) =>
  Effect.flatMap(NatsServer, ({ url }) =>
    Effect.promise(async () => {
      const connection = await connect({ servers: url })
      await (await jetstreamManager(connection)).streams.deleteMessage(namespace.toUpperCase(), sequence)
      await connection.close()
    })
  )

const criticalAlerts = Effect.gen(function* () {
  const alerts: Array<string> = []
  yield* ActorLog.use((log) => log.watch("alert.critical", ({ payload }) => alerts.push(payload)))
  return alerts
})

layer(NatsServer.layer, { excludeTestServices: true })("an actor that cannot go on", (it) => {
  it.effect("is paused and told of once, also where its shard moves, and goes on when it was repaired", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const log = yield* ActorLog
      const alerts = yield* criticalAlerts
      const actors = [fragileWith({}), watchman]
      const first = yield* startNode("one", actors)
      assert.strictEqual(yield* add("a"), 1)
      yield* all.ask(WatchmanProtocol, "w", "Watch", { id: "a" }, soon)
      yield* eventually(log.readJournal(fragile("a")), (records) => records.at(-1)!.payload.includes("watchman/w"))
      yield* Effect.sleep("600 millis") // passivated
      const expected = (yield* log.readJournal(fragile("a"))).at(-1)!.sequence
      const broken = {
        kind: "journal",
        owner: fragile("a"),
        payload: "rubbish",
        snapshot: false,
        truncate: false
      } as const
      const sequence = yield* log.append([{ ...broken, expected }])
      for (const n of [10, 100]) yield* all.tell(FragileProtocol, "a", "Add", { n })
      yield* eventually(paused, (pauses) => pauses.length === 1)
      assert.strictEqual((yield* paused)[0]?.by, "runtime")
      yield* eventually(heard, (texts) => texts.length > 0)
      assert.strictEqual(yield* add("b"), 1, "others go on")

      yield* startNode("two", actors)
      yield* first.stop
      yield* all.tell(FragileProtocol, "a", "Add", { n: 1_000 })
      assert.strictEqual(yield* add("b"), 2)
      yield* Effect.sleep("500 millis")
      assert.deepStrictEqual(yield* heard, ["gone a (fragile/a)"])
      assert.strictEqual(alerts.length, 1)

      yield* remove("repaired", sequence)
      assert.isTrue(yield* resume("a"))
      assert.strictEqual(yield* add("a", 10_000), 11_111, "what was told meanwhile was kept")
      assert.deepStrictEqual(yield* paused, [])
    }).pipe(Effect.scoped, Effect.provide(operated("repaired")))
  )

  it.effect("because its version cannot read what an older one wrote waits for one that can", () => {
    const protocol = {
      type: "ledger",
      messages: { Put: { payload: Schema.Struct({ n: Schema.Int }), reply: Schema.Int } }
    } as const
    const ledger = (version: number, upcast: Upcasters): Actor =>
      define({
        protocol,
        version,
        upcast,
        // Too large to go whole into each record: the journal holds events.
        state: Schema.Struct({ sum: Schema.Int, filling: Schema.String }),
        initial: () => ({ sum: 0, filling: "x".repeat(2_000) }),
        events: { Put: { n: Schema.Int } },
        decide: { Put: ({ sum }, { n }) => [persist({ _tag: "Put", n }), reply(sum + n)] },
        evolve: { Put: (state, { n }) => ({ ...state, sum: state.sum + n }) }
      })
    const put = (n: number) => Actors.use((all) => all.ask(protocol, "a", "Put", { n }, soon))
    const twice = Schema.decodeUnknownSync(Schema.Struct({ n: Schema.Int }))
    const failing = () => {
      throw new Error("not yet")
    }
    return Effect.gen(function* () {
      const first = yield* startNode("one", [ledger(1, {})])
      for (const n of [1, 2, 3]) yield* put(n)
      yield* first.stop
      const second = yield* startNode("two", [ledger(2, { events: { Put: { 1: failing } } })])
      yield* Actors.use((all) => all.tell(protocol, "a", "Put", { n: 10 }))
      yield* eventually(paused, (pauses) => pauses.length === 1)
      assert.match((yield* paused)[0]?.cause ?? "", /not yet/)
      yield* second.stop
      yield* startNode("three", [ledger(3, { events: { Put: { 1: (json) => ({ n: twice(json).n * 2 }) } } })])
      yield* Operators.use((all) => all.resume({ kind: "actor", address: { type: "ledger", id: "a" } }))
      assert.strictEqual(yield* put(100), 122, "events of version 1 count twice")
    }).pipe(Effect.scoped, Effect.provide(operated("upcasters")))
  })

  it.effect(
    "because a release was bad goes on by itself once that is rolled back, and askers hear why until then",
    () => {
      const protocol = {
        type: "cart",
        messages: { Add: { payload: Schema.Struct({ n: Schema.Int }), reply: Schema.Int } }
      } as const
      const cart = (evolved: (sum: number) => number): Actor =>
        define({
          protocol,
          state: Schema.Struct({ sum: Schema.Int, filling: Schema.String }),
          initial: () => ({ sum: 0, filling: "x".repeat(2_000) }),
          events: { Added: { n: Schema.Int } },
          decide: { Add: ({ sum }, { n }) => [persist({ _tag: "Added", n }), reply(sum + n)] },
          evolve: { Added: (state, { n }) => ({ ...state, sum: evolved(state.sum + n) }) }
        })
      const broken = cart(() => {
        throw new Error("no currency")
      })
      const carts = Array.from({ length: 20 }, (_, index) => `c${index}`)
      const addAll = (timeout: Duration.Input) =>
        Effect.forEach(
          carts,
          (id) => Effect.result(Actors.use((all) => all.ask(protocol, id, "Add", { n: 1 }, { timeout }))),
          { concurrency: carts.length }
        )
      const answers = Effect.map(addAll("8 seconds"), (all) =>
        all.map((result) => (Result.isSuccess(result) ? result.success : result.failure._tag))
      )
      return Effect.gen(function* () {
        const first = yield* startNode("one", [cart((sum) => sum)])
        assert.deepStrictEqual(
          yield* answers,
          carts.map(() => 1)
        )
        yield* first.stop
        const alerts = yield* criticalAlerts
        const second = yield* startNode("two", [broken])
        const failures = yield* addAll("5 seconds")
        for (const failure of failures) {
          assert.isTrue(Result.isFailure(failure) && failure.failure._tag === "ActorUnavailable")
          assert.match(Result.isFailure(failure) ? failure.failure.message : "", /paused by the runtime: no currency/)
        }
        assert.strictEqual((yield* paused).length, carts.length)
        // Another process with the same defect changes nothing and tells nobody twice.
        yield* second.stop
        const third = yield* startNode("three", [broken])
        yield* Effect.sleep("1 second")
        assert.strictEqual((yield* paused).length, carts.length)
        assert.strictEqual(alerts.length, carts.length)
        yield* third.stop
        yield* startNode("four", [cart((sum) => sum)])
        assert.deepStrictEqual(
          yield* answers,
          carts.map(() => 3),
          "what was asked meanwhile was kept"
        )
        yield* eventually(paused, (pauses) => pauses.length === 0)
      }).pipe(Effect.scoped, Effect.provide(operated("badly")))
    }
  )

  it.effect("can be let go on with all others of its type, and nobody whom a person paused", () =>
    Effect.gen(function* () {
      const operators = yield* Operators
      const controls = yield* Controls
      const pauseOf = (type: string, id: string, by: Pause["by"]): Pause => ({
        target: { kind: "actor", address: { type, id } },
        by,
        cause: "test",
        since: 1
      })
      const both = [pauseOf("cart", "a", "runtime"), pauseOf("cart", "b", "runtime")]
      const rest = [pauseOf("cart", "c", "operator"), pauseOf("desk", "a", "runtime")]
      for (const pause of [...both, ...rest]) yield* controls.pause(pause)
      assert.deepStrictEqual(yield* operators.resumeFailed({ kind: "type", type: "cart" }), both)
      assert.deepStrictEqual(yield* paused, rest)
      assert.strictEqual((yield* operators.resumeFailed({ kind: "everything" })).length, 1)
      assert.deepStrictEqual(yield* paused, rest.slice(0, 1))

      // What the runtime paused would go on by itself: a person's pause takes its place.
      yield* controls.pause(both[0]!)
      assert.isTrue(yield* operators.pause(both[0]!.target, "to see"))
      assert.isFalse(yield* operators.pause(both[0]!.target, "again"))
      assert.deepStrictEqual((yield* paused).map(({ by, cause }) => [by, cause]).sort(), [
        ["operator", "test"],
        ["operator", "to see"]
      ])
    }).pipe(Effect.provide(operated("together")))
  )

  it.effect("because nobody had its type begins when there is one", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const first = yield* startNode("one", [watchman])
      const early = yield* Effect.flip(all.ask(CounterProtocol, "a", "Add", { n: 1 }, { timeout: "1 second" }))
      assert.strictEqual(early._tag, "ActorUnavailable")
      assert.match(String(early), /no live node .* has the actor type counter/)
      yield* first.stop
      yield* startNode("two", [counter])
      assert.strictEqual(yield* all.ask(CounterProtocol, "a", "Add", { n: 1 }, soon), 2)
      assert.deepStrictEqual(yield* Operators.use((operators) => operators.letters({}, 0, 10)), [])
    }).pipe(Effect.scoped, Effect.provide(operated("unknown")))
  )
})

layer(NatsServer.layer, { excludeTestServices: true })("who watches an actor", (it) => {
  it.effect("is told once, wherever both are by then, and no more than so many can be", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const actors = [fragileWith({}), watchman]
      const first = yield* startNode("one", actors)
      yield* add("a")
      yield* all.ask(WatchmanProtocol, "w", "Watch", { id: "a" }, soon)
      yield* startNode("two", actors)
      yield* first.stop
      yield* startNode("one", actors)
      yield* all.ask(FragileProtocol, "a", "Stop", {}, soon)
      yield* eventually(heard, (texts) => texts.length > 0)
      yield* Effect.sleep("300 millis")
      assert.deepStrictEqual(yield* heard, ["gone a (fragile/a)"])

      const watchers = Array.from({ length: 510 }, (_, index) => `w${index}`)
      yield* Effect.forEach(watchers, (w) => all.ask(WatchmanProtocol, w, "Watch", { id: "popular" }, soon), {
        concurrency: 100
      })
      yield* eventually(
        Operators.use((operators) => operators.letters({ type: "fragile", id: "popular" }, 0, 20)),
        (letters) => letters.length === 10
      )
      assert.strictEqual(yield* all.ask(FragileProtocol, "popular", "Stop", {}, soon), 0)
      const texts = Effect.forEach(watchers, (w) => all.ask(WatchmanProtocol, w, "Read", {}, soon), {
        concurrency: 100
      })
      const told = yield* eventually(texts, (each) => each.flat().length >= 500)
      assert.strictEqual(told.flat().length, 500)
    }).pipe(Effect.scoped, Effect.provide(operated("watchers")))
  )
})

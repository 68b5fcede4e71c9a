import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule, Schema } from "effect"
import { Actors, define, layerNode, persist, reply } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

const Numbered = Schema.Struct({ n: Schema.Int })
const SlowProtocol = {
  type: "slow",
  messages: {
    Add: { payload: Numbered },
    Read: { payload: Schema.Struct({}), reply: Schema.Struct({ count: Schema.Int, ordered: Schema.Boolean }) }
  }
} as const

/** Decides so many messages a second, all actors of the type together, or as many as it likes once it is let go. */
const slow = (perSecond: number, mailbox: number) =>
  define({
    protocol: SlowProtocol,
    limits: { mailbox, rate: { messages: perSecond, per: "1 second" } },
    state: Schema.Struct({ count: Schema.Int, last: Schema.Int, ordered: Schema.Boolean }),
    initial: () => ({ count: 0, last: -1, ordered: true }),
    events: { Added: { n: Schema.Int } },
    decide: {
      Add: (_, { n }) => [persist({ _tag: "Added", n })],
      Read: ({ count, ordered }) => [reply({ count, ordered })]
    },
    evolve: {
      Added: ({ count, last, ordered }, { n }) => ({ count: count + 1, last: n, ordered: ordered && n === last + 1 })
    }
  })

const tell = (id: string, n: number) => Actors.use((all) => all.tell(SlowProtocol, id, "Add", { n }))
const read = (id: string) => Actors.use((all) => all.ask(SlowProtocol, id, "Read", {}, { timeout: "20 seconds" }))
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
const nodeOf = (namespace: string, perSecond: number, mailbox: number) =>
  Layer.provideMerge(layerNode({ name: "one", actors: [slow(perSecond, mailbox), counter] }), client({ namespace }))

layer(NatsServer.layer, { excludeTestServices: true })("actors that are slower than who sends to them", (it) => {
  it.effect("delay nobody else, however many they are and however much waits for them", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const ids = ["a", "b", "c", "d"]
      // More than a node holds in memory, and days of work at this rate.
      yield* Effect.forEach(numbers(28_000), (n) => tell(ids[n % ids.length]!, n), {
        concurrency: 4_000,
        discard: true
      })
      const before = yield* Clock.currentTimeMillis
      for (const id of numbers(10)) yield* all.ask(CounterProtocol, `k${id}`, "Add", { n: 1 }, { timeout: "8 seconds" })
      assert.isBelow((yield* Clock.currentTimeMillis) - before, 5_000)
    }).pipe(Effect.provide(nodeOf("others", 1, 1_000_000)))
  )

  it.effect("do all of it in order in the end", () =>
    Effect.gen(function* () {
      const ids = ["a", "b", "c", "d"]
      const each = 7_000
      yield* Effect.forEach(numbers(each), (n) => Effect.forEach(ids, (id) => tell(id, n), { concurrency: 4 }), {
        concurrency: 1_000,
        discard: true
      })
      const counts = yield* Effect.forEach(ids, read, { concurrency: 4 })
      assert.deepStrictEqual(
        counts,
        ids.map(() => ({ count: each, ordered: true }))
      )
    }).pipe(Effect.provide(nodeOf("allofit", 8_000, 1_000_000)))
  )

  it.effect("are sent to again once they have caught up", () =>
    Effect.gen(function* () {
      yield* read("a")
      const told = yield* Effect.forEach(numbers(6_000), (n) => Effect.exit(tell("a", n)), { concurrency: 300 })
      assert.isTrue(
        told.some((exit) => exit._tag === "Failure"),
        "it was refused"
      )
      const accepted = told.filter((exit) => exit._tag === "Success").length
      yield* tell("a", 0).pipe(
        Effect.retry({ while: (error) => error._tag === "MailboxFull", schedule: Schedule.spaced("50 millis") }),
        Effect.timeout("10 seconds")
      )
      const { count } = yield* read("a").pipe(
        Effect.retry({ while: (error) => error._tag === "MailboxFull", schedule: Schedule.spaced("50 millis") })
      )
      assert.strictEqual(count, accepted + 1)
    }).pipe(Effect.provide(nodeOf("clears", 2_000, 100)))
  )
})
